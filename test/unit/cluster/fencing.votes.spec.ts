import { describe, expect, it, vi } from 'vitest';
import { Fencing } from '../../../lib/cluster/fencing.js';
import { Members, newMember } from '../../../lib/cluster/members.js';
import { seededRandom, VirtualRuntime, VirtualScheduler } from '../../../lib/runtime/virtual.runtime.js';
import { FrameKind } from '../../../lib/transport/frame.js';
import type { NodeInfo } from '../../../lib/transport/node-info.js';
import type { Transport } from '../../../lib/transport/transport.interface.js';

const LEASE_MS = 3_000;

function info(name: string, incarnation: number, more: Partial<NodeInfo> = {}): NodeInfo {
  const address = { host: 'h', port: 1, weight: 1, labels: {} };
  const hosts = { hosting: true, types: ['Once'], quorums: { Once: 2 }, leaseMs: LEASE_MS };
  const stamps = { incarnation, firstIncarnation: incarnation };
  return { id: `${name}@h:1`, name, ...address, ...hosts, ...stamps, ...more };
}

/** Node `a` of three that has run for ten seconds. */
async function scene({
  types = ['Once'],
  others = {},
}: { types?: string[]; others?: Partial<NodeInfo> } = {}) {
  const scheduler = new VirtualScheduler(seededRandom(1));
  const quorums = new Map(types.map((type) => [type, 2]));
  const own = { types, quorums: Object.fromEntries(quorums) };
  const members = new Members(newMember(info('a', 1, own), 'up', 0));
  const released: string[] = [];
  const transport: Pick<Transport, 'send'> = { send: () => 'queued' };
  const fencing = new Fencing({
    runtime: new VirtualRuntime(scheduler),
    transport: transport as Transport,
    members,
    quorums,
    leaseMs: LEASE_MS,
    pollMs: 500,
    askAgain: () => undefined,
    readUpTo: () => 0,
    fenced: () => undefined,
    released: ({ id }, some) => released.push(`${id} ${some.join()}`),
    changed: () => undefined,
  });
  const b = members.add(info('b', 2, { ...own, ...others }), 'up', 0);
  const x = members.add(info('x', 3), 'up', 0);
  await scheduler.advance(10_000);
  return { scheduler, members, fencing, released, b, x };
}

describe('what a node has last acknowledged', () => {
  it('of a process is not forgotten for another one under its id', async () => {
    const { scheduler, members, fencing, x } = await scene();
    fencing.acknowledged(x);
    members.remove(x.info.id);
    fencing.lost(x.info, { kind: 'replaced' }, false);
    await scheduler.advance(200);
    fencing.acknowledged(members.add(info('x', 4), 'up', 0));
    await scheduler.advance(300);
    expect(fencing.ackedAgoMs(x.info.id, 3)).toBe(500);
    expect(fencing.ackedAgoMs(x.info.id, 4)).toBe(300);
  });

  it('is not forgotten while it matters to any type', async () => {
    const { members, fencing, released, b, x } = await scene({ types: ['Once', 'Other'] });
    fencing.acknowledged(x);
    members.remove(x.info.id);
    fencing.lost(x.info, { kind: 'unheard', voices: [b.info.id] }, false);
    const vote = { verdict: 'fenced', ackedAgoMs: 0, seq: 0, released: false } as const;
    const about = { node: x.info.id, incarnation: 3, fence: true };
    fencing.voted(b.info.id, { kind: FrameKind.Verdict, ...about, ...vote });
    expect(released, 'it hosts none of those').toEqual(['x@h:1 Other']);
    expect(fencing.ackedAgoMs(x.info.id, 3)).toBe(0);
  });
});

it('a node that has left keeps its place for as long as the longest lease that it may have acknowledged', async () => {
  const { scheduler, members, fencing, x } = await scene({ others: { leaseMs: 10_000 } });
  members.remove(x.info.id);
  fencing.lost(x.info, { kind: 'left' }, false);
  await scheduler.advance(10_000);
  expect(fencing.boundOf('Once').places).toBe(3);
  await scheduler.advance(500);
  expect(fencing.boundOf('Once').places).toBe(2);
});

it('what many say of many that are lost costs none of them a look at all of them', async () => {
  const { scheduler, members, fencing, released, b, x } = await scene({ types: ['Once', 'Other'] });
  const lost = Array.from({ length: 20 }, (_, index) => info(`lost-${index}`, 100 + index));
  const voters = [b, x, ...lost.map((_, index) => members.add(info(`voter-${index}`, 10 + index), 'up', 0))];
  for (const one of lost) members.add(one, 'up', 0);
  const voices = voters.map((voter) => voter.info.id);
  for (const one of lost) {
    members.remove(one.id);
    fencing.lost(one, { kind: 'unheard', voices }, false);
  }
  // All members are gone through for each bound that is made.
  const made = vi.spyOn(members, 'peers');
  for (const { id: node, incarnation } of lost) {
    for (const from of voices) {
      const vote = { verdict: 'fenced', ackedAgoMs: 0, seq: 0, released: false } as const;
      fencing.voted(from, { kind: FrameKind.Verdict, node, incarnation, fence: true, ...vote });
    }
  }
  expect(made.mock.calls.length).toBeLessThan(voices.length + lost.length);
  await scheduler.advance(2 * LEASE_MS);
  expect(new Set(released.filter((line) => line.startsWith('lost')))).toHaveProperty('size', 2 * lost.length);
});
