import { describe, expect, it } from 'vitest';
import { Members, newMember } from '../../../lib/cluster/members.js';
import { Rolls } from '../../../lib/cluster/rolls.js';
import { seededRandom, VirtualRuntime, VirtualScheduler } from '../../../lib/runtime/virtual.runtime.js';
import { FrameKind, type Frame, type RollFrame } from '../../../lib/transport/frame.js';
import type { NodeInfo } from '../../../lib/transport/node-info.js';
import type { Transport } from '../../../lib/transport/transport.interface.js';

/** As long as a peer that joins is given to tell by itself whom it knows. */
const PATIENCE_MS = 1_000;

function info(name: string, more: Partial<NodeInfo> = {}): NodeInfo {
  const address = { host: 'h', port: 1, weight: 1, labels: {}, types: [], quorums: {} };
  const rest = { incarnation: 1, firstIncarnation: 1, leaseMs: 3_000, hosting: true };
  return { id: `${name}@h:1`, name, ...address, ...rest, ...more };
}

/** Digest of a list, as any node that knows just these has it. */
function digestOf(...names: string[]): number {
  const [first, ...others] = names.map((name) => info(name));
  const members = new Members(newMember(first!, 'up', 0));
  for (const other of others) members.add(other, 'up', 0);
  return members.digest;
}

/** Node `a`, and what it asks for and hears of. */
function scene(status: 'joining' | 'up') {
  const scheduler = new VirtualScheduler(seededRandom(1));
  const members = new Members(newMember(info('a'), status, 0));
  const sent: string[] = [];
  const frames: RollFrame[] = [];
  const named: string[] = [];
  const state = { isExpecting: false, isToBeAdopted: false };
  const send = (to: string, frame: Frame): void => {
    if (frame.kind !== FrameKind.Roll) return;
    frames.push(frame);
    sent.push(`${to[0]!} ${frame.asks}`);
  };
  const transport: Pick<Transport, 'broadcast'> = {
    broadcast(to, frame) {
      for (const peer of to) send(peer, frame);
      return [];
    },
  };
  const rolls = new Rolls({
    runtime: new VirtualRuntime(scheduler),
    transport: transport as Transport,
    members,
    isExpecting: () => state.isExpecting,
    isToBeAdopted: () => state.isToBeAdopted,
    named: ({ name }) => void named.push(name),
    sendBehind: (to, frame) => send(to, frame()),
    read: () => undefined,
  });
  const link = (name: string, peerStatus: 'joining' | 'up' = 'up'): string => {
    return members.add(info(name), peerStatus, 0).info.id;
  };
  const says = (from: string, roll: number, more: Partial<RollFrame> = {}): void =>
    rolls.received(from, { kind: FrameKind.Roll, roll, asks: 'nothing', members: [], ...more });
  const unread = (): string[] => rolls.peers().map((id) => id[0]!);
  return { scheduler, members, rolls, state, sent, frames, named, link, says, unread };
}

describe('a node that hears whom the others know', () => {
  it('asks for no list where it knows the same', async () => {
    const { scheduler, rolls, sent, link, unread } = scene('up');
    const [b, c] = [link('b'), link('c')];
    rolls.told(b, digestOf('c', 'b', 'a'));
    rolls.told(c, digestOf('a', 'b'));
    expect(unread()).toEqual([]);
    await scheduler.advance(10_000);
    expect(sent).toEqual([]);
  });

  it('asks the first for its list, so that one seed is enough, and knows of all who are in it', () => {
    const { rolls, sent, named, link, says, unread } = scene('joining');
    const b = link('b');
    rolls.told(b, digestOf('b', 'c', 'd'));
    expect([sent, unread()]).toEqual([['b members'], ['b']]);
    says(b, digestOf('a', 'b', 'c', 'd'), { members: ['a', 'b', 'c', 'd'].map((name) => info(name)) });
    expect([named, unread()]).toEqual([['a', 'b', 'c', 'd'], []]);
    rolls.told(b, digestOf('d', 'c', 'b', 'a'));
    expect(unread(), 'that it says so again is nothing new').toEqual([]);
  });

  it('asks nobody else for a list while whom the first has named link, and then knows whom all know', async () => {
    const { scheduler, rolls, state, sent, link, says, unread } = scene('joining');
    state.isToBeAdopted = state.isExpecting = true;
    const all = digestOf('a', 'b', 'c', 'd');
    const b = link('b');
    rolls.told(b, digestOf('b', 'c', 'd'));
    says(b, all, { members: ['a', 'b', 'c', 'd'].map((name) => info(name)) });
    await scheduler.advance(50);
    const c = link('c');
    rolls.told(c, digestOf('b', 'c', 'd'));
    rolls.told(c, all);
    const d = link('d');
    rolls.told(d, digestOf('a', 'c', 'b', 'd'));
    expect([sent, unread()]).toEqual([['b members'], []]);
  });

  it('asks all for their digests where they have told others, then one of those that stay with theirs for its list', async () => {
    const { scheduler, rolls, sent, named, link, says, unread } = scene('joining');
    const [b, c, d] = [link('b'), link('c'), link('d')];
    rolls.told(b, digestOf('b'));
    says(b, digestOf('a', 'b', 'c'), { members: [info('a'), info('b'), info('c')] });
    sent.length = 0;
    for (const peer of [b, c, d]) rolls.told(peer, digestOf('b', 'c', 'd'));
    await scheduler.advance(10);
    expect(sent.splice(0)).toEqual(['b digest', 'c digest', 'd digest']);
    says(b, digestOf('a', 'b', 'c', 'd'));
    expect(unread()).toEqual(['c', 'd']);
    says(c, digestOf('b', 'c', 'd', 'e'));
    says(d, digestOf('b', 'c', 'd', 'e'));
    await scheduler.advance(20);
    expect(sent.splice(0), 'what they have told changes').toEqual(['c digest', 'd digest']);
    says(c, digestOf('b', 'c', 'd', 'e'));
    says(d, digestOf('b', 'c', 'd', 'e'));
    says(c, digestOf('b', 'c', 'd', 'e'), { asks: 'digest' });
    expect(sent.splice(0), 'it asks itself, at the same time').toEqual(['c nothing']);
    await scheduler.advance(40);
    expect(sent.splice(0)).toEqual(['c members']);
    says(c, digestOf('b', 'c', 'd', 'e'), { members: ['b', 'c', 'd', 'e'].map((name) => info(name)) });
    expect([named.splice(3), unread()]).toEqual([['b', 'c', 'd', 'e'], []]);
  });

  it('asks again where nobody answers, ever less often, until the link is closed', async () => {
    const { scheduler, rolls, sent, link, unread } = scene('up');
    const b = link('b');
    rolls.told(b, digestOf('b', 'c'));
    await scheduler.advance(200);
    expect(sent.splice(0)).toEqual(['b members', ...Array<string>(4).fill('b digest')]);
    await scheduler.advance(10_000);
    expect(sent.splice(0).length).toBeLessThan(25);
    rolls.unlinked(b);
    expect(unread()).toEqual([]);
    await scheduler.advance(10_000);
    expect(sent).toEqual([]);
  });

  it('lets one that joins tell it by itself when it is up, and asks after a while', async () => {
    const { scheduler, rolls, sent, link, unread } = scene('up');
    rolls.told(link('b'), digestOf('a', 'b', 'x'));
    await scheduler.advance(5);
    sent.length = 0;
    const c = link('c', 'joining');
    rolls.unlinked('b@h:1');
    rolls.told(c, digestOf('c'));
    await scheduler.advance(PATIENCE_MS - 100);
    expect([sent, unread()]).toEqual([[], ['c']]);
    await scheduler.advance(200);
    expect(sent.splice(0)[0]).toEqual('c digest');
    rolls.told(c, digestOf('c', 'a', 'b'));
    expect(unread()).toEqual([]);
  });

  it('asks those that tell another list than before a member went', () => {
    const { rolls, members, link, unread } = scene('up');
    const [b, c] = [link('b'), link('c')];
    rolls.told(b, digestOf('a', 'b', 'c'));
    expect(unread()).toEqual([]);
    rolls.gone(c);
    members.remove(c);
    rolls.told(b, digestOf('a', 'b', 'c'));
    expect(unread()).toEqual(['b']);
    rolls.gone(b);
    members.remove(b);
    expect(unread()).toEqual([]);
  });

  it('answers with its list only who does not know the same, and hears nobody who has no link', () => {
    const { members, sent, frames, link, says, unread } = scene('up');
    const [b, c] = [link('b'), link('c')];
    says(b, members.digest, { asks: 'members' });
    says(b, members.digest, { asks: 'digest' });
    says(b, digestOf('a', 'b'), { asks: 'members' });
    members.get(c)!.linked = false;
    says(c, digestOf('x'), { asks: 'members' });
    expect(sent).toEqual(['b nothing', 'b nothing', 'b nothing']);
    expect(frames.map(({ roll }) => roll === members.digest)).toEqual([true, true, true]);
    expect(frames.map((frame) => frame.members.map(({ name }) => name).join(''))).toEqual(['', '', 'abc']);
    expect(unread()).toEqual([]);
  });
});
