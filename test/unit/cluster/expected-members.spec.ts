import { describe, expect, it } from 'vitest';
import { IgnoreList } from '../../../lib/cluster/ignore-list.js';
import type { MembershipListener } from '../../../lib/cluster/membership-parts.js';
import { Membership } from '../../../lib/cluster/membership.js';
import { HybridLogicalClock } from '../../../lib/runtime/hybrid-logical-clock.js';
import { FrameKind, type RollFrame } from '../../../lib/transport/frame.js';
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
      ...{ cluster: 'test', protocol: { min: 1, max: 1 }, ignoreList: new IgnoreList() },
      ...{ heartbeatMs: 1_000, suspectAfterMs: 3_000, pollMs: POLL_MS, aloneAfterMs: 1_000, leaseMs: 3_000 },
    },
    listener: new Proxy(listener, {
      get: (known, name) => Reflect.get(known, name) ?? (() => undefined),
    }),
  });
  const link = (node: NodeInfo): void => {
    transport.link(node.id);
    membership.linkOpened({ cluster: 'test', protocol: { min: 1, max: 1 }, node, status: 'up', roll: 0 });
  };
  const named = (members: readonly NodeInfo[]): void => {
    const frame: RollFrame = { kind: FrameKind.Roll, roll: ++rolls, asks: 'nothing', members };
    membership.rolls.received(b.id, frame);
  };
  let rolls = 0;
  link(b);
  named([a, b, c]);
  membership.adopted(b.id, {
    kind: FrameKind.Adopted,
    roll: rolls,
    established: true,
    fenced: [],
    missing: [],
  });
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

  it('is waited for although what it was before is still a member', () => {
    const { membership, link, named, a, b, c } = scene();
    const later = info('c', 3, 2);
    link(c);
    named([a, b, c]);
    expect(membership.isExpecting).toBe(false);
    named([a, b, later]);
    expect(membership.isExpecting).toBe(true);
    membership.linkClosed(c.id, 'reset');
    expect(membership.isExpecting).toBe(true);
    link({ ...later, firstIncarnation: c.incarnation });
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

  it('keeps nobody from joining for longer than a poll where nobody tells of that end', () => {
    const { membership, runtime, link } = scene();
    const later = info('c', 3, 2);
    link(later);
    runtime.pass(POLL_MS);
    expect(membership.barrier.blockers()).toEqual([later.id]);
    expect(membership.members.get(later.id)?.adoptedUs, 'it is linked, and has not answered').toBe(false);
    expect(membership.isExpecting, 'whoever named it may have rows of it').toBe(true);
  });

  it('may have left something that is still to be told where nobody hears it, but keeps nobody from joining', () => {
    const { membership, runtime, b, c } = scene();
    membership.dialed(c, { kind: 'refused', message: 'refused' });
    membership.suspicions.ask(c.id, c.incarnation);
    membership.suspicions.onVerdict(b.id, {
      ...{ kind: FrameKind.Verdict, node: c.id, incarnation: c.incarnation, fence: false, verdict: 'silent' },
      ...{ ackedAgoMs: 0, seq: 0, released: false },
    });
    runtime.pass(1);
    expect(membership.barrier.blockers()).toEqual([]);
    expect(membership.isExpecting, 'whoever named it may have rows of it').toBe(true);
    membership.toldOfEnd(c.id, c.incarnation);
    expect(membership.isExpecting).toBe(false);
    runtime.pass(POLL_MS);
  });

  it('is expected as long as those who named it may take to notice its end', () => {
    const { membership, runtime, c } = scene();
    membership.start();
    membership.dialed(c, { kind: 'refused', message: 'refused' });
    runtime.pass(POLL_MS);
    expect(membership.barrier.blockers()).toEqual([]);
    runtime.pass(2_000);
    expect(membership.isExpecting).toBe(true);
    runtime.pass(3_000);
    expect(membership.isExpecting).toBe(false);
  });
});
