import { describe, expect, it } from 'vitest';
import { Leases } from '../../../lib/cluster/leases.js';
import type { Member } from '../../../lib/cluster/member.js';
import { Members, newMember } from '../../../lib/cluster/members.js';
import { quorumBound } from '../../../lib/cluster/quorum-bound.js';
import { seededRandom, VirtualRuntime, VirtualScheduler } from '../../../lib/runtime/virtual.runtime.js';
import type { NodeInfo } from '../../../lib/transport/node-info.js';

function info(name: string, incarnation: number, size: number): NodeInfo {
  const address = { host: 'h', port: 1, weight: 1, labels: {} };
  const rest = {
    firstIncarnation: incarnation,
    leaseMs: 3_000,
    hosting: true,
    types: ['Once'],
    quorums: { Once: size },
  };
  return { id: `${name}@h:1`, name, incarnation, ...address, ...rest };
}

/** Node `a` of three, or of five; time stands until it is told to pass. */
function setup(size: number, others: readonly string[]) {
  const scheduler = new VirtualScheduler(seededRandom(1));
  const runtime = new VirtualRuntime(scheduler);
  const members = new Members(newMember(info('a', 1, size), 'up', 0));
  others.forEach((name, index) => {
    Object.assign(members.add(info(name, index + 2, size), 'up', 0), { adoptedUs: true, acksSince: 0 });
  });
  const told: string[] = [];
  const leases = new Leases({
    runtime,
    self: members.self,
    quorums: new Map([['Once', size]]),
    leaseMs: 3_000,
    boundOf: (type) => quorumBound(members, [], type),
    extended: (_, until) => told.push(`until ${until}`),
    changed: (lost, regained) =>
      told.push(...lost.map((t) => `lost ${t}`), ...regained.map((t) => `got ${t}`)),
    stale: (types) => told.push(`stale ${types.join()}`),
  });
  const member = (name: string): Member => members.get(`${name}@h:1`)!;
  const ack = (name: string, sentAt: number): void => {
    member(name).ackedAt = sentAt;
    leases.renew();
  };
  const pass = (ms: number): Promise<void> => scheduler.advance(ms);
  return { leases, members, member, ack, pass, told };
}

describe('a lease', () => {
  it('of a type without a quorum always holds', () => {
    const { leases } = setup(2, ['b', 'c']);
    expect(leases.isHeld('Ring')).toBe(true);
    expect(leases.until('Ring')).toBe(Infinity);
  });

  it('holds from the time at which the acknowledged ping was sent, not from that of its answer', async () => {
    const { leases, ack, pass } = setup(2, ['b', 'c']);
    expect(leases.isHeld('Once')).toBe(false);
    await pass(900);
    ack('b', 0);
    expect(leases.until('Once')).toBe(3_000);
    await pass(2_100);
    expect(leases.isHeld('Once')).toBe(true);
    await pass(1);
    expect(leases.isHeld('Once')).toBe(false);
  });

  it('needs all but one of the quorum besides this node', () => {
    const { leases, ack } = setup(3, ['b', 'c', 'd', 'e']);
    ack('b', 100);
    expect(leases.until('Once')).toBe(-Infinity);
    ack('c', 50);
    expect(leases.until('Once')).toBe(3_050);
    ack('d', 80);
    expect(leases.until('Once')).toBe(3_080);
  });

  it('does not count the word of who has not joined, or came beyond what the quorum fits', () => {
    const { leases, ack, members } = setup(2, ['b', 'c', 'late']);
    ack('late', 100);
    expect(leases.until('Once')).toBe(-Infinity);
    members.setStatus(members.get('b@h:1')!, 'joining');
    ack('b', 100);
    expect(leases.until('Once')).toBe(-Infinity);
    members.setStatus(members.get('b@h:1')!, 'leaving');
    leases.renew();
    expect(leases.until('Once')).toBe(3_100);
  });

  it('does not count the word of who may still have rows to tell', () => {
    const { leases, ack, member } = setup(2, ['b', 'c']);
    member('b').adoptedUs = false;
    ack('b', 100);
    expect(leases.isHeld('Once')).toBe(false);
  });

  it('goes on when those that were there before acknowledge again', async () => {
    const { leases, ack, pass, told } = setup(2, ['b', 'c']);
    ack('b', 0);
    await pass(4_000);
    leases.renew();
    expect(told).toEqual(['until 3000', 'got Once', 'lost Once']);
    ack('b', 3_900);
    expect(told.slice(3)).toEqual(['until 6900', 'got Once']);
  });

  it('is stale when only those acknowledge who came up after it ran out: they may have forgotten that they fenced it', async () => {
    const { leases, ack, member, pass, told } = setup(2, ['b', 'c']);
    ack('b', 0);
    await pass(5_000);
    leases.renew();
    member('b').acksSince = 4_000;
    ack('b', 4_900);
    expect(told.at(-1)).toBe('stale Once');
    expect(leases.isHeld('Once')).toBe(false);
    leases.reset('Once');
    leases.renew();
    expect(leases.isHeld('Once')).toBe(true);
  });

  it('is stale no more when one who was there before acknowledges', async () => {
    const { leases, ack, pass, told } = setup(2, ['b', 'c']);
    ack('b', 0);
    await pass(5_000);
    leases.renew();
    ack('c', 4_950);
    expect(leases.isHeld('Once')).toBe(true);
    expect(told).not.toContain('stale Once');
  });

  it('holds for ever where a node is a quorum by itself, once it has joined', () => {
    const { leases } = setup(1, []);
    leases.renew();
    expect(leases.until('Once')).toBe(Infinity);
  });
});
