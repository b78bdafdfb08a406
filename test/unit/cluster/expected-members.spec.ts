import { describe, expect, it } from 'vitest';
import { DEFAULT_IGNORE_LIST } from '../../../lib/cluster/ignore-list.js';
import { Membership, type MembershipListener } from '../../../lib/cluster/membership.js';
import { HybridLogicalClock } from '../../../lib/runtime/hybrid-logical-clock.js';
import { RollDigest } from '../../../lib/cluster/roll.js';
import { FrameKind } from '../../../lib/transport/frame.js';
import type { NodeInfo } from '../../../lib/transport/node-info.js';
import { QuietLogger } from '../../support/quiet.logger.js';
import { ManualRuntime } from '../runtime/support/manual.runtime.js';
import { FakeTransport } from '../tracker/support/fake-transport.js';

const POLL_MS = 500;

function info(name: string, port: number, incarnation = 1): NodeInfo {
  const rest = { weight: 1, labels: {}, types: [], quorums: {}, leaseMs: 3_000, hosting: true };
  return {
    id: `${name}@h:${port}`,
    name,
    host: 'h',
    port,
    incarnation,
    firstIncarnation: incarnation,
    ...rest,
  };
}

function digestOf(nodes: readonly NodeInfo[]): number {
  const digest = new RollDigest();
  for (const node of nodes) digest.toggle(node);
  return digest.value;
}

/** Node `a`, which joins, has met `b`, and cannot reach `c`, which `b` has named. */
function scene() {
  const runtime = new ManualRuntime();
  const transport = new FakeTransport(runtime);
  const [a, b, c] = [info('a', 1), info('b', 2), info('c', 3)] as const;
  const listener = {
    readUpTo: () => 0,
    logState: () => ({ seq: 0, digest: 0 }),
  } as unknown as MembershipListener;
  const membership = new Membership({
    runtime,
    transport,
    clock: new HybridLogicalClock(runtime),
    logger: new QuietLogger(),
    discovery: [],
    self: a,
    relays: { relay: () => undefined, viaOf: () => undefined },
    quorums: new Map(),
    options: {
      ...{ cluster: 'test', protocol: { min: 1, max: 1 }, ignoreList: DEFAULT_IGNORE_LIST },
      ...{ heartbeatMs: 1_000, suspectAfterMs: 3_000, pollMs: POLL_MS, aloneAfterMs: 1_000, leaseMs: 3_000 },
    },
    listener: new Proxy(listener, {
      get: (known, name) => Reflect.get(known, name) ?? (() => undefined),
    }),
  });
  const link = (node: NodeInfo, known: readonly NodeInfo[] = [node]): void => {
    transport.link(node.id);
    const protocol = { min: 1, max: 1 };
    membership.linkOpened({ cluster: 'test', protocol, node, status: 'up', roll: digestOf(known) });
  };
  /** By node `b`. */
  const named = (members: readonly NodeInfo[]): void => {
    const roll = digestOf(members);
    membership.rolls.received(b.id, { kind: FrameKind.Roll, roll, asks: 'nothing', members });
  };
  link(b, [a, b, c]);
  const adoption = { roll: digestOf([a, b, c]), established: true, fenced: [], missing: [] };
  membership.adopted(b.id, { kind: FrameKind.Adopted, ...adoption });
  named([a, b, c]);
  return { membership, runtime, link, named, a, b, c };
}

describe('a member that only others have met', () => {
  it('is waited for, and given up when nobody hears it', () => {
    const { membership, runtime, c } = scene();
    expect(membership.isExpecting).toBe(true);
    expect(membership.barrier.blockers()).toEqual([c.id]);
    membership.dialed(c, { kind: 'unreachable', message: 'timed out' });
    runtime.pass(POLL_MS);
    expect(membership.isExpecting).toBe(false);
  });

  it('is waited for under the incarnation that was named last, whatever is found out of the one before', () => {
    const { membership, runtime, named, a, b, c } = scene();
    membership.dialed(c, { kind: 'unreachable', message: 'timed out' });
    const later = info('c', 3, 2);
    named([a, b, later]);
    runtime.pass(POLL_MS);
    expect(membership.isExpecting).toBe(true);
    expect(membership.barrier.blockers()).toEqual([c.id]);
  });

  it('is waited for no longer once it is linked', () => {
    const { membership, link, c } = scene();
    link(c);
    expect(membership.isExpecting).toBe(false);
  });

  it('may have left something that is still to come where another process is met under its id', () => {
    const { membership, runtime, link } = scene();
    link(info('c', 3, 2));
    expect(membership.isExpecting).toBe(true);
    membership.toldOfEnd('c@h:3', 1);
    expect(membership.isExpecting).toBe(false);
    runtime.pass(POLL_MS);
  });

  it('is not waited for long where nobody tells of that end', () => {
    const { membership, runtime, link } = scene();
    link(info('c', 3, 2));
    runtime.pass(POLL_MS);
    expect(membership.isExpecting).toBe(false);
  });
});
