import { describe, expect, it } from 'vitest';
import { LOG_BYTES, LOG_LIMIT } from '../../../lib/tracker/own-log.js';
import { RowStatus, Untracked } from '../../../lib/tracker/row.js';
import { FrameEncoder } from '../../../lib/transport/codec/frame.codec.js';
import { FrameKind } from '../../../lib/transport/frame.js';
import { ManualRuntime } from '../runtime/support/manual.runtime.js';
import { TrackerNode, trackers } from './support/tracker-node.js';

function pair(): { runtime: ManualRuntime; a: TrackerNode; b: TrackerNode } {
  const { runtime, nodes } = trackers(2);
  return { runtime, a: nodes[0]!, b: nodes[1]! };
}

/** Both hold the same of `of`. */
function expectLevel(of: TrackerNode, at: TrackerNode): void {
  const { size, seq, digest } = of.stream.log.table;
  const copy = at.replicas.table(of.id);
  expect({ size: copy?.size, seq: copy?.seq, digest: copy?.digest }).toEqual({ size, seq, digest });
}

describe('the stream of own rows', () => {
  it('reaches every peer within a tick, many changes as one batch', () => {
    const { runtime, nodes } = trackers(4);
    const [host, ...peers] = nodes;
    const row = host!.track('lamp');
    host!.track('door', { status: RowStatus.starting });
    host!.rows.setGroups(row, ['lights']);
    host!.rows.untrack(host!.track('gone'), Untracked.forgotten);
    runtime.pass(1);
    for (const peer of peers) {
      expectLevel(host!, peer);
      expect(peer.view()).toEqual(host!.view());
      expect([...peer.index.group('lights')].map(({ name }) => name)).toEqual(['lamp']);
      expect(host!.transport.of(FrameKind.Batch, peer.id)).toHaveLength(1);
    }
  });

  it('survives more changes in one tick than the log keeps', () => {
    const { runtime, a, b } = pair();
    const count = LOG_LIMIT + 10;
    for (let i = 0; i < count; i++) a.track(`name-${i}`);
    runtime.pass(1);
    expect(b.replicas.table(a.id)?.size).toBe(count);
    expectLevel(a, b);
  });

  it('sends only what was missed to a peer that links again', () => {
    const { runtime, a, b } = pair();
    for (let i = 0; i < 100; i++) a.track(`name-${i}`);
    runtime.pass(1);
    a.unlinkFrom(b);
    a.track('late');
    a.rows.untrack(a.rows.get('name-7')!, Untracked.forgotten);
    runtime.pass(1);
    const before = a.transport.sent.length;
    a.linkTo(b);
    runtime.pass(1);
    const ops = a.transport.sent.slice(before).flatMap(({ frame }) => ('ops' in frame ? frame.ops : []));
    expect(ops).toHaveLength(2);
    expect(b.index.get('late')).toBeDefined();
    expect(b.index.get('name-7')).toBeUndefined();
    expectLevel(a, b);
  });

  it('begins by a later ping where the link was full when it opened', () => {
    const runtime = new ManualRuntime();
    const [a, b] = [new TrackerNode('a@h:1', runtime), new TrackerNode('b@h:2', runtime)];
    a.track('lamp');
    b.transport.room = 0;
    a.linkTo(b);
    runtime.pass(1);
    b.transport.room = Infinity;
    for (const ms of [1, 1_000, 1]) {
      a.ping();
      runtime.pass(ms);
    }
    expect(b.index.get('lamp')).toBeDefined();
    expect(a.caughtUp).toEqual([b.id]);
    expectLevel(a, b);
    expect(b.transport.of(FrameKind.Have)).toHaveLength(1);
  });

  it('closes a gap at once when the next batch shows it', () => {
    const { runtime, a, b } = pair();
    a.transport.loses = (frame) => frame.kind === FrameKind.Batch;
    a.track('lost');
    runtime.pass(1);
    a.transport.loses = () => false;
    a.track('next');
    runtime.pass(1);
    expect(b.index.get('lost')).toBeDefined();
    expect(b.counters['gaps']).toBe(1);
    expectLevel(a, b);
  });

  it('closes a gap at the end by the next ping', () => {
    const { runtime, a, b } = pair();
    a.transport.loses = (frame) => frame.kind === FrameKind.Batch;
    a.track('lost');
    runtime.pass(1);
    a.transport.loses = () => false;
    a.ping();
    runtime.pass(500);
    expect(b.index.get('lost')).toBeDefined();
    expectLevel(a, b);
  });

  it('takes no ping for a gap that has only overtaken the batches before it', () => {
    const { runtime, a, b } = pair();
    a.track('first');
    const state = a.stream.stateFor(b.id);
    b.replicas.compare(a.id, { kind: FrameKind.Ping, id: 1, stamp: 1, incarnation: 1, delayMs: 0, ...state });
    runtime.pass(1_000);
    expect(b.counters['gaps']).toBeUndefined();
    expectLevel(a, b);
  });

  it('applies a batch that overlaps with what is held only from where it goes on', () => {
    const { runtime, a, b } = pair();
    a.track('one');
    runtime.pass(1);
    const seen = a.index.get('one')!;
    a.rows.untrack(seen, Untracked.forgotten);
    a.track('two');
    runtime.pass(1);
    const ops = a.stream.log.read(1, 100);
    b.replicas.batch(a.id, { kind: FrameKind.Batch, incarnation: 1, from: 1, waits: true, ops });
    expect(b.view()).toEqual(a.view());
    expectLevel(a, b);
  });

  it('sends a snapshot to a peer that has missed more than the log keeps', () => {
    const { runtime, a, b } = pair();
    a.track('stays');
    a.track('goes');
    runtime.pass(1);
    a.unlinkFrom(b);
    a.rows.untrack(a.rows.get('goes')!, Untracked.forgotten);
    const row = a.track('busy');
    a.stream.log.flush();
    for (let i = 0; i < LOG_LIMIT; i++) a.rows.setGroups(row, [`g${i % 3}`]);
    a.linkTo(b);
    runtime.pass(100);
    expect(a.transport.of(FrameKind.Snapshot, b.id).length).toBeGreaterThan(0);
    expect(b.view()).toEqual(a.view());
    expectLevel(a, b);
  });

  it('keeps a bounded number of bytes for peers that have missed something, whatever arguments the workers had', () => {
    const { runtime, a, b } = pair();
    const args = new Uint8Array(64 * 1024);
    const most = LOG_BYTES / args.length;
    a.track('stays', { args });
    runtime.pass(1);
    for (let i = 0; i < 2 * most; i++) {
      a.rows.untrack(a.track(`fleeting-${i}`, { args }), Untracked.forgotten);
      runtime.pass(1);
    }
    const { log } = a.stream;
    // Each of them is two operations: one with the arguments, one without.
    expect(log.seq - log.oldestSeq + 1).toBeLessThanOrEqual(2 * most);
    expect(log.seq - log.oldestSeq + 1).toBeGreaterThan(1.9 * most);
    expectLevel(a, b);
  });

  it('keeps a bounded number of bytes where long lists of groups change', () => {
    const { runtime, a, b } = pair();
    const row = a.track('busy');
    runtime.pass(1);
    const groups = Array.from({ length: 1000 }, (_, index) => `group-${index}`);
    const { log } = a.stream;
    for (let i = 0; i < 5000; i++) {
      a.rows.setGroups(row, groups.slice(i % 2));
      runtime.pass(1);
    }
    expect(log.seq - log.oldestSeq + 1).toBeLessThan(LOG_BYTES / (1000 * 16));
    expectLevel(a, b);
  });

  it('survives more bytes in one tick than the log keeps, and sends a snapshot to who has missed them', () => {
    const { runtime, nodes } = trackers(3);
    const [a, b, c] = nodes as [TrackerNode, TrackerNode, TrackerNode];
    a.track('first');
    runtime.pass(1);
    a.unlinkFrom(c);
    const args = new Uint8Array(64 * 1024);
    const count = (2.5 * LOG_BYTES) / args.length;
    for (let i = 0; i < count; i++) a.track(`name-${i}`, { args });
    runtime.pass(1);
    expect(b.replicas.table(a.id)?.size).toBe(count + 1);
    expectLevel(a, b);
    a.linkTo(c);
    runtime.pass(100);
    expect(a.transport.of(FrameKind.Snapshot, c.id).length).toBeGreaterThan(0);
    expectLevel(a, c);
  });

  it('repairs a difference that no sequence number shows, by frames that a link can carry', () => {
    const { runtime, a, b } = pair();
    for (let i = 0; i < 10; i++) a.track(`name-${i}`);
    runtime.pass(1);
    const copy = b.replicas.table(a.id)!;
    b.index.remove(copy.delete('name-3')!);
    b.transport.sent.length = 0;
    a.ping();
    runtime.pass(100);
    expect(b.counters['differences']).toBe(1);
    expect(b.view()).toEqual(a.view());
    expectLevel(a, b);
    const encoder = new FrameEncoder();
    for (const { frame } of b.transport.sent) expect(() => encoder.encode(frame)).not.toThrow();
  });

  it('removes at a peer what it holds too much', () => {
    const { runtime, a, b } = pair();
    a.track('right');
    runtime.pass(1);
    const other = new TrackerNode(a.id, runtime);
    const surplus = other.track('wrong');
    b.replicas.table(a.id)!.put(surplus);
    b.index.add(surplus);
    a.ping();
    runtime.pass(100);
    expect(b.view()).toEqual(a.view());
    expectLevel(a, b);
  });

  it('leaves at a peer what a snapshot does not show while that peer may lack the row of where it has moved', () => {
    for (const isRead of [true, false]) {
      const { runtime, a, b } = pair();
      const moved = a.track('lamp');
      runtime.pass(1);
      a.unlinkFrom(b);
      a.rows.untrack(moved, Untracked.moved);
      for (let i = 0; i < LOG_LIMIT; i++) a.rows.untrack(a.track('fleeting'), Untracked.forgotten);
      b.lacksRows = true;
      a.linkTo(b);
      runtime.pass(100);
      expect(b.index.lookup('lamp')?.node).toBe(a.id);
      expect(b.replicas.isLingering('lamp')).toBe(true);
      if (isRead) b.track('lamp', { fence: moved.fence + 1, registration: moved.registration });
      b.replicas.contested('lamp');
      // Nobody has told of it.
      if (!isRead) runtime.pass(5_000);
      expect(b.index.lookup('lamp')?.node).toBe(isRead ? b.id : undefined);
      expect(b.replicas.isLingering('lamp')).toBe(false);
    }
  });

  it('builds on nothing of an earlier incarnation', () => {
    const { runtime, a, b } = pair();
    a.track('before');
    runtime.pass(1);
    a.unlinkFrom(b);
    const again = new TrackerNode(a.id, runtime, 2);
    again.track('after');
    again.linkTo(b);
    runtime.pass(1);
    expect(b.replicas.table(a.id)?.incarnation).toBe(2);
    expect(b.replicas.table(a.id)?.get('before')).toBeUndefined();
    expectLevel(again, b);
  });

  it('goes on where it was when a full link has room again', () => {
    const { runtime, a, b } = pair();
    a.transport.room = 0;
    for (let i = 0; i < 1_000; i++) a.track(`name-${i}`);
    runtime.pass(1);
    expect(b.index.count).toBe(0);
    expect(a.stream.stateFor(b.id).seq).toBeNull();
    a.transport.room = 2;
    a.stream.drained(b.id);
    runtime.pass(1);
    a.track('meanwhile');
    a.transport.room = Infinity;
    a.stream.drained(b.id);
    runtime.pass(1);
    expect(b.index.count).toBe(1_001);
    expectLevel(a, b);
  });

  it('misses nothing that is tracked in the tick in which a full link drains', () => {
    const { runtime, a, b } = pair();
    a.transport.room = 0;
    a.track('one');
    runtime.pass(1);
    a.transport.room = Infinity;
    a.track('two');
    a.stream.drained(b.id);
    a.track('three');
    runtime.pass(1);
    expect(b.view()).toEqual(a.view());
    expect(b.counters['gaps']).toBeUndefined();
    expectLevel(a, b);
  });

  it('tells a peer that it is level once per link, after everything that was tracked before', () => {
    const { runtime, nodes } = trackers(0);
    const [a, b] = ['a', 'b'].map((name) => new TrackerNode(`${name}@h:1`, runtime));
    nodes.length = 0;
    for (let i = 0; i < 700; i++) a!.track(`name-${i}`);
    a!.linkTo(b!);
    runtime.pass(1);
    expect(a!.caughtUp).toEqual([b!.id]);
    const kinds = a!.transport.sent.filter(({ to }) => to === b!.id).map(({ frame }) => frame.kind);
    expect(kinds.at(-1)).toBe(FrameKind.Adopted);
    expect(b!.index.count).toBe(700);
    b!.transport.send(a!.id, { kind: FrameKind.Have, incarnation: 1, seq: 3 });
    runtime.pass(1);
    expect(a!.caughtUp).toEqual([b!.id]);
    expect(b!.adoptedBy).toEqual([a!.id]);
  });

  it('says so also when the link was full just then', () => {
    const runtime = new ManualRuntime();
    const [a, b] = ['a', 'b'].map((name) => new TrackerNode(`${name}@h:1`, runtime));
    a!.track('lamp');
    // Room for `Have` and the rows.
    a!.transport.room = 2;
    a!.linkTo(b!);
    runtime.pass(1);
    expect(b!.adoptedBy).toEqual([]);
    a!.transport.room = Infinity;
    runtime.pass(100);
    expect(b!.adoptedBy).toEqual([a!.id]);
  });

  it('does not say so on the next link for the last one', () => {
    const runtime = new ManualRuntime();
    const [a, b] = ['a', 'b'].map((name) => new TrackerNode(`${name}@h:1`, runtime));
    a!.transport.room = 1;
    a!.linkTo(b!);
    runtime.pass(1);
    a!.unlinkFrom(b!);
    a!.transport.room = Infinity;
    a!.linkTo(b!);
    runtime.pass(100);
    expect(b!.adoptedBy).toEqual([a!.id]);
  });

  it('holds the event loop for 5 ms at most while 100,000 rows are sent', () => {
    const runtime = new ManualRuntime();
    const [a, b] = ['a', 'b'].map((name) => new TrackerNode(`${name}@h:1`, runtime));
    for (let i = 0; i < 100_000; i++) {
      a!.track(`name-${i}`);
      if (i % 20_000 === 0) a!.stream.log.flush();
    }
    runtime.pass(1);
    a!.transport.frameCostMs = 0.7;
    runtime.longestTaskMs = 0;
    runtime.measured(() => a!.linkTo(b!));
    runtime.pass(10_000);
    expect(b!.index.count).toBe(100_000);
    expect(runtime.longestTaskMs).toBeGreaterThan(1);
    expect(runtime.longestTaskMs).toBeLessThanOrEqual(5);
    expectLevel(a!, b!);
  });

  it('sends rows that change during a snapshot as they are in the end', () => {
    const runtime = new ManualRuntime();
    const [a, b] = ['a', 'b'].map((name) => new TrackerNode(`${name}@h:1`, runtime));
    for (let i = 0; i < 20_000; i++) a!.track(`name-${i}`);
    a!.stream.log.flush();
    // As many more operations than rows, so that it is no replay.
    for (let i = 0; i < 20_000; i++) a!.rows.setGroups(a!.rows.get(`name-${i}`)!, ['g']);
    runtime.pass(1);
    a!.transport.frameCostMs = 2;
    a!.linkTo(b!);
    for (let i = 0; i < 50; i++) {
      runtime.pass(1);
      a!.rows.untrack(a!.rows.get(`name-${i}`)!, Untracked.forgotten);
      a!.rows.untrack(a!.rows.get(`name-${19_999 - i}`)!, Untracked.forgotten);
      a!.track(`new-${i}`);
    }
    runtime.pass(10_000);
    expect(a!.transport.of(FrameKind.Snapshot).length).toBeGreaterThan(1);
    expect(b!.view()).toEqual(a!.view());
    expectLevel(a!, b!);
  });

  it('says in one operation what became of a row in the tick in which it was tracked', () => {
    const { runtime, a, b } = pair();
    const row = a.track('lamp');
    a.rows.setGroups(row, ['g']);
    runtime.pass(1);
    expect(a.stream.log.seq).toBe(1);
    a.rows.setGroups(row, ['h']);
    runtime.pass(1);
    expect(a.stream.log.seq).toBe(2);
    expect(b.view()).toEqual(a.view());
    expectLevel(a, b);
  });

  it('says of one group as little, however many the row is in', () => {
    const { runtime, a, b } = pair();
    const row = a.track('lamp', { groups: Array.from({ length: 1_000 }, (_, index) => `group-${index}`) });
    runtime.pass(1);
    const changes = b.changes.length;
    a.rows.changeGroup(row, 'one-more', true);
    a.rows.changeGroup(row, 'group-7', false);
    // It is one already, and is none any more.
    a.rows.changeGroup(row, 'one-more', true);
    a.rows.changeGroup(row, 'group-7', false);
    runtime.pass(1);
    const ops = a.transport.of(FrameKind.Batch, b.id).at(-1)?.ops;
    expect(ops).toEqual([
      [3, 'lamp', 'one-more', true],
      [3, 'lamp', 'group-7', false],
    ]);
    expect(b.changes.length).toBe(changes + 2);
    expect([[...b.index.group('one-more')].length, [...b.index.group('group-7')].length]).toEqual([1, 0]);
    expect(b.view()).toEqual(a.view());
    expectLevel(a, b);
  });

  it('says of a row that was tracked, and has changed its groups, what it is to who reads of it later', () => {
    const { runtime, a, b } = pair();
    a.track('first');
    runtime.pass(1);
    a.unlinkFrom(b);
    const row = a.track('lamp', { groups: ['stays', 'goes'] });
    a.stream.log.flush();
    for (const joins of [true, false, true]) a.rows.changeGroup(row, 'comes', joins);
    a.rows.changeGroup(row, 'goes', false);
    runtime.pass(1);
    a.linkTo(b);
    runtime.pass(1);
    expect(b.index.get('lamp')?.groups).toEqual(['stays', 'comes']);
    expect(a.transport.of(FrameKind.Snapshot, b.id)).toEqual([]);
    expectLevel(a, b);
  });

  it('is acknowledged at once only where somebody waits for it', () => {
    const { runtime, a, b } = pair();
    const acks = (): number => b.transport.of(FrameKind.BatchAck).length;
    a.track('nobody-waits');
    runtime.pass(10);
    expect(acks()).toBe(0);
    let held = 0;
    a.track('waits');
    a.stream.whenHeld(1, undefined, () => held++);
    runtime.pass(1);
    expect([acks(), held]).toEqual([1, 1]);
    a.track('has-it-by-the-answer');
    a.stream.whenHeld(1, b.id, () => held++);
    runtime.pass(1);
    expect([acks(), held]).toEqual([1, 2]);
    a.stream.whenHeld(1, undefined, () => held++);
    runtime.pass(1);
    expect([acks(), held]).toEqual([2, 3]);
  });

  it('makes no frame of rows with large arguments that is larger than a row or two', () => {
    const { runtime, a, b } = pair();
    for (let i = 0; i < 300; i++) a.track(`name-${i}`, { args: new Uint8Array(64 * 1024) });
    runtime.pass(1);
    const encoder = new FrameEncoder();
    for (const { frame } of a.transport.sent) {
      expect(encoder.encode(frame).head.length).toBeLessThan(256 * 1024);
    }
    expectLevel(a, b);
  });
});

describe('the acknowledgement of peers', () => {
  function wait(node: TrackerNode, acks: number, asker?: string): { done: boolean; giveUp: () => void } {
    const state = { done: false, giveUp: (): void => undefined };
    state.giveUp = node.stream.whenHeld(acks, asker, () => (state.done = true));
    return state;
  }

  it('is there when as many peers hold what was tracked', () => {
    const { runtime, nodes } = trackers(3);
    const [host] = nodes;
    host!.track('lamp');
    const held = wait(host!, 2);
    expect(held.done).toBe(false);
    runtime.pass(1);
    expect(held.done).toBe(true);
    expect(host!.stream.waiting).toBe(0);
  });

  it('asks for no more peers than there are', () => {
    const { runtime, nodes } = trackers(1);
    nodes[0]!.track('lamp');
    const held = wait(nodes[0]!, 3);
    runtime.pass(1);
    expect(held.done).toBe(true);
  });

  it('counts the asker, who gets the row before the answer', () => {
    const { runtime, nodes } = trackers(2);
    const [host, asker] = nodes;
    asker!.transport.loses = (frame) => frame.kind === FrameKind.BatchAck;
    host!.track('lamp');
    const held = wait(host!, 1, asker!.id);
    runtime.pass(1);
    expect(held.done).toBe(true);
  });

  it('does not count an asker whose link was too full for the row', () => {
    const { runtime, nodes } = trackers(2);
    const [host, asker] = nodes;
    host!.transport.room = 0;
    host!.track('lamp');
    const held = wait(host!, 1, asker!.id);
    runtime.pass(1);
    expect(held.done).toBe(false);
    host!.transport.room = Infinity;
    host!.stream.drained(asker!.id);
    runtime.pass(1);
    expect(held.done).toBe(true);
  });

  it('comes again with a ping if a full link has refused it', () => {
    const { runtime, nodes } = trackers(2);
    const [host, peer] = nodes;
    peer!.transport.loses = (frame) => frame.kind === FrameKind.BatchAck;
    host!.track('lamp');
    const held = wait(host!, 1);
    runtime.pass(1);
    expect(held.done).toBe(false);
    peer!.transport.loses = () => false;
    host!.ping();
    runtime.pass(1);
    expect(held.done).toBe(true);
  });

  it('is also what a peer says that links again and holds it already', () => {
    const { runtime, nodes } = trackers(3);
    const [host, peer, other] = nodes;
    for (const node of [peer!, other!]) node.transport.loses = (frame) => frame.kind === FrameKind.BatchAck;
    host!.track('lamp');
    const held = wait(host!, 1);
    runtime.pass(1);
    host!.unlinkFrom(peer!);
    peer!.transport.loses = () => false;
    host!.linkTo(peer!);
    runtime.pass(1);
    expect(held.done).toBe(true);
  });

  it('is waited for while the peer lives though its link is broken, not when it is dead, nor by who has given up', () => {
    const { runtime, nodes } = trackers(2);
    const [host, peer] = nodes;
    peer!.transport.loses = (frame) => frame.kind === FrameKind.BatchAck;
    host!.track('lamp');
    const [held, givenUp] = [wait(host!, 1), wait(host!, 1)];
    runtime.pass(1);
    givenUp.giveUp();
    expect(host!.stream.waiting).toBe(1);
    host!.unlinkFrom(peer!);
    expect(held.done).toBe(false);
    host!.takeForDead(peer!.id);
    runtime.pass(1);
    expect(held.done).toBe(true);
    expect(givenUp.done).toBe(false);
  });
});
