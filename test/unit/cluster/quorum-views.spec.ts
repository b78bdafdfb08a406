import { describe, expect, it } from 'vitest';
import { Members, newMember } from '../../../lib/cluster/members.js';
import { QuorumViews } from '../../../lib/cluster/quorum-views.js';
import { FrameKind, type Frame, type ViewFrame } from '../../../lib/transport/frame.js';
import type { NodeInfo } from '../../../lib/transport/node-info.js';
import type { Transport } from '../../../lib/transport/transport.interface.js';

function info(name: string, more: Partial<NodeInfo> = {}): NodeInfo {
  const address = { host: 'h', port: 1, weight: 1, labels: {}, types: ['Once'], quorums: { Once: 2 } };
  const rest = { incarnation: 1, firstIncarnation: 1, leaseMs: 3_000, hosting: true };
  return { id: `${name}@h:1`, name, ...address, ...rest, ...more };
}

function viewOf(version: number, members: readonly NodeInfo[], missing: readonly NodeInfo[] = []): ViewFrame {
  return { kind: FrameKind.View, version, members, missing };
}

/** Node `a`, linked with `b`, and what it sends and asks for. */
function scene() {
  const members = new Members(newMember(info('a'), 'up', 0));
  const sent: Array<{ readonly to: string; readonly frame: Frame }> = [];
  const told: string[] = [];
  const missing: NodeInfo[] = [];
  const known = new Set(['a@h:1 1', 'b@h:1 1']);
  const transport: Pick<Transport, 'send' | 'broadcast'> = {
    send: (to, frame) => {
      sent.push({ to, frame });
      return 'queued';
    },
    broadcast: (to, frame) => {
      for (const peer of to) sent.push({ to: peer, frame });
      return [];
    },
  };
  const views = new QuorumViews({
    transport: transport as Transport,
    members,
    missing: () => missing,
    isKnown: ({ id, incarnation }) => known.has(`${id} ${incarnation}`),
    heardOf: ({ id }) => void told.push(`looks for ${id}`),
    isMissing: ({ id, incarnation }) => {
      told.push(`misses ${id}`);
      known.add(`${id} ${incarnation}`);
    },
    askAgain: (peer) => void told.push(`asks ${peer}`),
  });
  const b = members.add(info('b'), 'up', 0);
  b.linked = true;
  views.changed();
  sent.length = 0;
  return { members, views, sent, told, missing, known };
}

describe('the acknowledgement of another node', () => {
  it('counts where that node knows of none that this one does not know', () => {
    const { views, told } = scene();
    views.received('b@h:1', viewOf(4, [info('a'), info('b')]));
    expect(views.counts('b@h:1', 4)).toBe(true);
    expect(views.counts('b@h:1', 3)).toBe(true);
    expect(told).toEqual([]);
  });

  it('does not count while that node knows of another, which is looked for, and is asked for again then', () => {
    const { views, told, known } = scene();
    views.received('b@h:1', viewOf(4, [info('a'), info('b'), info('c')]));
    expect(told).toEqual(['looks for c@h:1']);
    expect(views.counts('b@h:1', 4)).toBe(false);
    views.changed();
    expect(told).toEqual(['looks for c@h:1', 'looks for c@h:1']);
    known.add('c@h:1 1');
    views.changed();
    expect(told.slice(2)).toEqual(['asks b@h:1']);
    expect(views.counts('b@h:1', 4)).toBe(true);
  });

  it('does not count for a later incarnation of a node than this one knows', () => {
    const { views } = scene();
    views.received('b@h:1', viewOf(4, [info('a'), info('b'), info('c', { incarnation: 2 })]));
    expect(views.counts('b@h:1', 4)).toBe(false);
  });

  it('does not count before its view has come, which pings overtake', () => {
    const { views, told } = scene();
    expect(views.counts('b@h:1', 4)).toBe(false);
    views.received('b@h:1', viewOf(4, [info('a'), info('b')]));
    expect(told).toEqual(['asks b@h:1']);
    expect(views.counts('b@h:1', 5)).toBe(false);
  });

  it('does not count any more over the next link before that has said its view', () => {
    const { views } = scene();
    views.received('b@h:1', viewOf(4, [info('b')]));
    views.unlinked('b@h:1');
    expect(views.counts('b@h:1', 4)).toBe(false);
  });

  it('makes a node missing that the other misses', () => {
    const { views, told } = scene();
    views.received('b@h:1', viewOf(4, [info('a'), info('b')], [info('c')]));
    expect(told).toEqual(['misses c@h:1']);
    expect(views.counts('b@h:1', 4)).toBe(true);
  });
});

describe('the view of a node', () => {
  it('is told to all when it changes, under a higher number, and to whoever links', () => {
    const { members, views, sent, missing } = scene();
    const before = views.version;
    views.changed();
    expect(sent).toEqual([]);
    missing.push(info('c'));
    views.changed();
    expect(views.version).toBe(before + 1);
    const view = viewOf(before + 1, [members.self.info, info('b')], [info('c')]);
    expect(sent).toEqual([{ to: 'b@h:1', frame: view }]);
    views.tell('d@h:1');
    expect(sent[1]).toEqual({ to: 'd@h:1', frame: view });
  });

  it('says that a member is missing now: who has not met it must not go on looking for it', () => {
    const { members, views, sent, missing } = scene();
    const before = views.version;
    missing.push(info('b'));
    members.remove('b@h:1');
    const c = members.add(info('c'), 'joining', 0);
    c.linked = true;
    views.changed();
    const view = viewOf(before + 1, [members.self.info], [info('b')]);
    expect(sent).toEqual([{ to: 'c@h:1', frame: view }]);
  });

  it('names those that have joined and may run workers of a type with a quorum', () => {
    const { members, views, sent } = scene();
    members.add(info('joins'), 'joining', 0);
    members.add(info('client', { hosting: false }), 'up', 0);
    members.add(info('ring', { quorums: {} }), 'up', 0);
    members.add(info('leaves'), 'leaving', 0);
    views.changed();
    const { frame } = sent.at(-1)!;
    expect((frame as ViewFrame).members.map(({ name }) => name)).toEqual(['a', 'b', 'leaves']);
  });
});
