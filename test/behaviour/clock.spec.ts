// The original orders changes by interval tree clocks. Here every row has one writer, and what has to be ordered are
// activations of one name: by their fences, stamps of a hybrid logical clock.
import { describe, expect, it } from 'vitest';
import { HybridLogicalClock } from '../../lib/runtime/hybrid-logical-clock.js';
import { Forgotten } from '../../lib/tracker/forgotten.js';
import { RegistryIndex, winsConflict } from '../../lib/tracker/registry-index.js';
import { Replicas } from '../../lib/tracker/replicas.js';
import { Row } from '../../lib/tracker/row.js';
import { FrameDecoder, FrameEncoder } from '../../lib/transport/codec/frame.codec.js';
import { FrameKind, type RowOp, type WireRow } from '../../lib/transport/frame.js';
import { ManualRuntime } from '../unit/runtime/support/manual.runtime.js';
import { FakeTransport } from '../unit/tracker/support/fake-transport.js';
import { content, trackers } from '../unit/tracker/support/tracker-node.js';

/** Clocks of two nodes that know the same; time stands still. */
function forked(): { runtime: ManualRuntime; left: HybridLogicalClock; right: HybridLogicalClock } {
  const runtime = new ManualRuntime();
  return { runtime, left: new HybridLogicalClock(runtime), right: new HybridLogicalClock(runtime) };
}

function activation(fence: number, node: string): Row {
  return new Row(content('lamp', { fence }), node);
}

/** What arrives at another node of a row: through the bytes of a batch. */
function peeked(row: Row): WireRow {
  const batch = {
    kind: FrameKind.Batch,
    incarnation: 1,
    from: 1,
    waits: true,
    ops: [[0, row.toWire()] as RowOp],
  };
  const { kind, head } = new FrameEncoder().encode(batch);
  const frame = new FrameDecoder().decode(kind, Buffer.from(head));
  if (frame.kind !== FrameKind.Batch || frame.ops[0]?.[0] !== 0)
    throw new Error('it arrived as something else');
  return frame.ops[0][1];
}

/** Ids of the nodes whose row of the name is shown, over every order in which the rows can come. */
function shownWhateverTheOrder(rows: readonly Row[]): string[] {
  const shown = new Set<string>();
  for (const order of permutations(rows)) {
    const index = new RegistryIndex({ changed: () => undefined, contested: () => undefined });
    for (const row of order) index.add(row);
    shown.add(index.get('lamp')?.node ?? 'nobody');
  }
  return [...shown];
}

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length < 2) return [[...items]];
  return items.flatMap((first, at) =>
    permutations(items.filter((_, other) => other !== at)).map((rest) => [first].concat(rest)),
  );
}

describe('clock', () => {
  it('Forked clocks compare equal: two nodes give one stamp in one instant, and all decide such a tie alike', () => {
    const { left, right } = forked();
    const fence = left.next();
    expect(right.next()).toBe(fence);
    const [a, b] = [activation(fence, 'a'), activation(fence, 'b')];
    expect([winsConflict(a, b), winsConflict(b, a)]).toEqual([true, false]);
    expect(shownWhateverTheOrder([a, b])).toEqual(['a']);
  });

  it('Peeked Clock has zero identity and still compares equal: a row travels without its node, its fence unchanged', () => {
    const { left } = forked();
    const row = activation(left.next(), 'node-a@h:1');
    const wire = peeked(row);
    expect(JSON.stringify(wire)).not.toContain('node-a');
    const copy = Row.fromWire(wire, 'node-a@h:1');
    expect(copy.fence).toBe(row.fence);
    expect(copy.hash).toBe(row.hash);
  });

  it('Clock with additional event is greater: a later activation of a name has a greater fence', () => {
    const { left, right } = forked();
    const before = right.next();
    const first = left.next();
    const second = left.next();
    expect(second).toBeGreaterThan(first);
    expect(second).toBeGreaterThan(before);
  });

  it('Peeked Clock with additional event is greater: so it is when both have travelled', () => {
    const { left } = forked();
    const [first, second] = [activation(left.next(), 'a'), activation(left.next(), 'a')];
    const [older, newer] = [Row.fromWire(peeked(first), 'a'), Row.fromWire(peeked(second), 'a')];
    expect(newer.fence).toBeGreaterThan(older.fence);
    expect(newer.fence - older.fence, 'not a bit is lost').toBe(second.fence - first.fence);
  });

  it('Clocks with two parallel events are concurrent: what two nodes start without knowing of each other is contested, and decided alike', () => {
    const { runtime, left, right } = forked();
    const onLeft = activation(left.next(), 'b');
    runtime.pass(5);
    const onRight = activation(right.next(), 'a');
    const contested: string[] = [];
    const index = new RegistryIndex({
      changed: () => undefined,
      contested: (name) => void contested.push(name),
    });
    index.add(onRight);
    index.add(onLeft);
    expect(contested).toEqual(['lamp']);
    expect(index.all('lamp')).toEqual([onLeft, onRight]);
    expect(shownWhateverTheOrder([onLeft, onRight])).toEqual(['b']);
  });

  it('Peeked Clocks with two parallel events are concurrent: so it is on nodes that hold copies', () => {
    const { runtime, nodes } = trackers(3);
    const [left, right, third] = nodes;
    left!.unlinkFrom(right!);
    const { left: clock, right: other } = forked();
    const older = left!.track('lamp', { fence: clock.next() });
    other.next();
    const newer = right!.track('lamp', { fence: other.next() });
    runtime.pass(1);
    left!.linkTo(right!);
    runtime.pass(1);
    for (const { index } of [left!, right!, third!]) {
      expect(index.all('lamp').map(({ node, fence }) => [node, fence])).toEqual([
        [left!.id, older.fence],
        [right!.id, newer.fence],
      ]);
    }
  });

  it('Clock with additional event can be joined: the joined clock stands at the newer stamp, above its own', () => {
    const { left, right } = forked();
    const own = left.next();
    for (let i = 0; i < 10; i++) right.next();
    const newer = right.next();
    left.observe(newer);
    const next = left.next();
    expect(next, 'the next stamp after the newer one').toBe(newer + 1);
    expect(next).toBeGreaterThan(own);
  });

  it('Peeked clock with additional event can be joined: a copied row moves the clock of the node that reads it', () => {
    const { runtime, left, right } = forked();
    for (let i = 0; i < 5_000; i++) right.next();
    const row = activation(right.next(), 'a');
    const replicas = new Replicas({
      ended: () => undefined,
      runtime,
      transport: new FakeTransport(runtime),
      clock: left,
      index: new RegistryIndex({ changed: () => undefined, contested: () => undefined }),
      forgotten: new Forgotten(),
      mayLackRows: () => false,
      count: () => undefined,
      trace: () => undefined,
    });
    replicas.open('a', 1, undefined);
    expect(left.next(), 'it has not heard of it').toBeLessThan(row.fence);
    replicas.batch('a', {
      kind: FrameKind.Batch,
      incarnation: 1,
      from: 1,
      waits: true,
      ops: [[0, peeked(row)]],
    });
    expect(left.next()).toBe(row.fence + 1);
  });

  it('Concurrent clocks can be joined and the joined clock contains events from both: it gives stamps above both', () => {
    const { runtime, left, right } = forked();
    for (let i = 0; i < 3_000; i++) right.next();
    const stamps = [left.next(), right.next()];
    for (const order of [stamps, [...stamps].toReversed()]) {
      const joined = new HybridLogicalClock(runtime);
      for (const stamp of order) joined.observe(stamp);
      expect(joined.next()).toBe(Math.max(...stamps) + 1);
    }
  });

  it('Concurrent clocks can be joined and new event is not concurrent anymore: activations that follow a meeting are in one order', () => {
    const { left, right } = forked();
    for (let i = 0; i < 3_000; i++) right.next();
    const [onLeft, onRight] = [left.next(), right.next()];
    left.observe(onRight);
    right.observe(onLeft);
    const after = left.next();
    expect(after).toBeGreaterThan(onLeft);
    expect(after).toBeGreaterThan(onRight);
    right.observe(after);
    expect(right.next()).toBeGreaterThan(after);
  });
});
