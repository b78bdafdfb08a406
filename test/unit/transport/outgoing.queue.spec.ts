import { describe, expect, it } from 'vitest';

import { FrameKind } from '../../../lib/transport/frame.js';
import { FragmentAssembly } from '../../../lib/transport/tcp/fragment.assembly.js';
import { isAnswer, laneOf } from '../../../lib/transport/tcp/lane.js';
import { OutgoingQueue } from '../../../lib/transport/tcp/outgoing.queue.js';
import { UnitSplitter } from '../../../lib/transport/tcp/unit.splitter.js';
import { ANSWER_BUDGET_BYTES, MAX_UNIT_BYTES, UnitKind } from '../../../lib/transport/tcp/wire.js';
import { Random } from './support/random.js';

const MiB = 1024 * 1024;

/** A queue and what its peer gets of it, who acknowledges when the test says so. */
class Wire {
  backlog = 0;
  /** Fragments that the peer has not acknowledged. */
  owed = 0;
  readonly units: Array<{ kind: number; frame: number; body: Buffer }> = [];
  onUnit: ((kind: number, body: Buffer) => void) | undefined;
  readonly queue: OutgoingQueue;
  private readonly splitter = new UnitSplitter(MAX_UNIT_BYTES, (kind, bytes, start, end) =>
    this.unit(kind, bytes.subarray(start, end)),
  );

  constructor() {
    const backlog = (): number => this.backlog;
    this.queue = new OutgoingQueue({
      get backlog() {
        return backlog();
      },
      write: (pieces) => {
        // A copy, as the system makes one: the queue may use the memory again.
        for (const piece of pieces) this.splitter.push(Buffer.from(piece));
      },
    });
  }

  add(kind: number, ...parts: readonly Uint8Array[]): void {
    const [head = Buffer.alloc(0), tail] = parts;
    this.queue.add({ kind, head, tail }, true);
  }

  /** The peer reads and acknowledges until nothing more comes. */
  settle(): void {
    do {
      this.queue.acknowledge(this.owed);
      this.owed = 0;
      this.queue.pump();
    } while (this.owed > 0);
  }

  /** Kinds of the frames whose first fragment, or who whole, have come, in order. */
  get begun(): number[] {
    return this.units.filter(({ kind }) => kind !== UnitKind.NextFragment).map(({ frame }) => frame);
  }

  private unit(kind: number, body: Buffer): void {
    const isFragment = kind === UnitKind.FirstFragment || kind === UnitKind.NextFragment;
    if (isFragment) this.owed += 1;
    const frame = kind === UnitKind.FirstFragment ? (body[4] ?? 0) : isFragment ? 0 : kind;
    this.units.push({ kind, frame, body: body.subarray(0, 16) });
    this.onUnit?.(kind, body);
  }
}

describe('the outgoing queue', () => {
  it.each(Array.from({ length: 20 }, (_, index) => index + 1))(
    'delivers every frame once and whole, in the order of its lane (seed %i)',
    (seed) => {
      const random = new Random(seed);
      const wire = new Wire();
      const assembly = new FragmentAssembly(16 * MiB);
      const sent: string[] = [];
      const seen: string[] = [];
      const whole = (kind: number, body: Buffer): void => {
        seen.push(`${kind} ${body.length > 0 ? body.readUInt32LE(0) : 'empty'} ${body.length}`);
      };
      wire.onUnit = (kind, body) => {
        if (kind !== UnitKind.FirstFragment && kind !== UnitKind.NextFragment) return whole(kind, body);
        const frame = assembly.add(kind, body);
        if (frame) whole(frame.kind, frame.body);
        return undefined;
      };
      const kinds = [
        FrameKind.Batch,
        FrameKind.Answer,
        FrameKind.MultiAnswer,
        FrameKind.Call,
        FrameKind.Prepare,
        FrameKind.Offer,
      ];
      for (let index = 0; index < 200; index += 1) {
        const kind = random.pick(kinds);
        const body = Buffer.alloc(random.pick([4, 100, 65_000, 70_000, 200_000, MiB]));
        body.writeUInt32LE(index);
        const cut = random.bool() ? body.length : 4;
        if (cut < body.length) wire.add(kind, body.subarray(0, cut), body.subarray(cut));
        else wire.add(kind, body);
        sent.push(`${kind} ${index} ${body.length}`);
        if (random.next() < 0.1) {
          wire.add(FrameKind.LastWord);
          sent.push(`${FrameKind.LastWord} empty 0`);
        }
        wire.backlog = random.bool() ? 0 : 300_000;
        if (random.bool()) wire.queue.pump();
        const count = random.below(wire.owed + 1);
        expect(wire.queue.acknowledge(count)).toBe(true);
        wire.owed -= count;
      }
      wire.backlog = 0;
      wire.settle();
      expect(seen.toSorted()).toEqual(sent.toSorted());
      expect([wire.queue.isEmpty, wire.queue.bytes]).toEqual([true, 0]);
      for (const lane of ['ordered', 'messages', 'bulk']) {
        const inLane = (line: string): boolean => {
          const kind = Number(line.split(' ')[0]);
          return laneOf(kind) === lane && !isAnswer(kind);
        };
        expect(seen.filter(inLane)).toEqual(sent.filter(inLane));
      }
    },
  );

  it('writes a frame without any bytes also when it had to wait', () => {
    const wire = new Wire();
    wire.backlog = MiB;
    wire.add(FrameKind.Farewell);
    wire.add(FrameKind.LastWord);
    expect([wire.queue.isEmpty, wire.units]).toEqual([false, []]);
    wire.backlog = 0;
    wire.settle();
    expect(wire.begun).toEqual([FrameKind.Farewell, FrameKind.LastWord]);
    expect(wire.queue.isEmpty).toBe(true);
  });

  it('lets a large frame of each lane go on while all others have one too', () => {
    const wire = new Wire();
    const large = Buffer.allocUnsafeSlow(100 * MiB);
    const kinds = [FrameKind.Answer, FrameKind.Batch, FrameKind.Call, FrameKind.Prepare];
    for (const kind of kinds) wire.add(kind, Buffer.alloc(1), large);
    for (let round = 0; round < 4; round += 1) {
      wire.queue.pump();
      wire.queue.acknowledge(wire.owed);
      wire.owed = 0;
    }
    expect(wire.begun.toSorted()).toEqual(kinds.toSorted());
    const shares = new Map<number, number>();
    for (const { body } of wire.units)
      shares.set(body.readUInt32LE(0), (shares.get(body.readUInt32LE(0)) ?? 0) + 1);
    expect([...shares.values()].every((count) => count >= 3 && count <= 5)).toBe(true);
  });

  it('gives a lane its turn although another one never ends', () => {
    const wire = new Wire();
    const state = Buffer.allocUnsafeSlow(MiB);
    for (const kind of [FrameKind.Call, FrameKind.Batch, FrameKind.Answer]) {
      wire.add(FrameKind.Prepare, Buffer.alloc(1), state);
      wire.queue.pump();
      wire.add(kind, Buffer.alloc(1), state);
      for (let round = 0; round < 16; round += 1) {
        wire.add(FrameKind.Prepare, Buffer.alloc(1), state);
        wire.queue.acknowledge(wire.owed);
        wire.owed = 0;
        wire.queue.pump();
      }
      expect(wire.begun).toContain(kind);
    }
    wire.settle();
    expect(wire.queue.isEmpty).toBe(true);
  });

  it('lets the largest answer begin although smaller ones keep coming', () => {
    const wire = new Wire();
    const [small, largest] = [Buffer.allocUnsafeSlow(MiB), Buffer.allocUnsafeSlow(ANSWER_BUDGET_BYTES + MiB)];
    const answer = (body: Buffer): void => wire.add(FrameKind.Answer, Buffer.alloc(1), body);
    const totals = (): number[] =>
      wire.units
        .filter(({ kind }) => kind === UnitKind.FirstFragment)
        .map(({ body }) => body.readUInt32LE(5));
    answer(small);
    answer(small);
    wire.queue.pump();
    answer(largest);
    for (let round = 0; round < 40; round += 1) {
      answer(small);
      wire.queue.acknowledge(wire.owed);
      wire.owed = 0;
      wire.queue.pump();
    }
    expect(totals()).toEqual([MiB + 1, MiB + 1, largest.length + 1]);
    wire.settle();
    expect(totals()).toHaveLength(43);
    expect(wire.queue.isEmpty).toBe(true);
  });

  it('counts what waits by lane, and not a large frame that is on its way', () => {
    const wire = new Wire();
    const { queue } = wire;
    const add = (kind: number, bytes: number): void =>
      queue.add({ kind, head: Buffer.alloc(bytes), tail: undefined }, true);
    const waiting = (): number[] =>
      [FrameKind.Batch, FrameKind.Cast, FrameKind.Offer, FrameKind.Ping].map((kind) =>
        queue.waitingWith(kind),
      );
    add(FrameKind.Prepare, 10 * MiB);
    add(FrameKind.Prepare, MiB);
    add(FrameKind.Answer, 5 * MiB);
    add(FrameKind.Call, 2 * MiB);
    expect(waiting()).toEqual([0, 2 * MiB, 11 * MiB, 0]);
    queue.pump();
    expect(waiting()).toEqual([0, 0, MiB, 0]);
    expect(queue.bytes).toBe(18 * MiB - 4 * 65_536);
    expect(wire.units.length).toBe(4);
    queue.clear();
    expect([waiting(), queue.bytes]).toEqual([[0, 0, 0, 0], 0]);
  });
});

describe('the fragments of a peer', () => {
  const first = (id: number, kind: number, total: number): Buffer => {
    const body = Buffer.alloc(10);
    body.writeUInt32LE(id);
    body[4] = kind;
    body.writeUInt32LE(total, 5);
    return body;
  };

  it.each([FrameKind.Batch, FrameKind.Call, FrameKind.Prepare])(
    'are refused when a second large frame of its lane begins before the first has ended (kind %i)',
    (kind) => {
      const assembly = new FragmentAssembly(MiB);
      for (const other of [FrameKind.Response, FrameKind.Cast, FrameKind.Offer, FrameKind.Answer]) {
        if (laneOf(other) === laneOf(kind) && !isAnswer(other)) continue;
        assembly.add(UnitKind.FirstFragment, first(other, other, 100_000));
      }
      assembly.add(UnitKind.FirstFragment, first(1, kind, 100_000));
      expect(() => assembly.add(UnitKind.FirstFragment, first(2, kind, 100_000))).toThrow('are under way');
    },
  );

  it('are refused when too many answers, or too large ones, are under way, or a ping is large', () => {
    const many = new FragmentAssembly(MiB);
    for (let id = 1; id <= 8; id += 1) many.add(UnitKind.FirstFragment, first(id, FrameKind.Answer, 100_000));
    expect(() => many.add(UnitKind.FirstFragment, first(9, FrameKind.MultiAnswer, 100_000))).toThrow(
      'more than 8',
    );
    const large = new FragmentAssembly(ANSWER_BUDGET_BYTES);
    large.add(UnitKind.FirstFragment, first(1, FrameKind.Answer, ANSWER_BUDGET_BYTES));
    expect(() => large.add(UnitKind.FirstFragment, first(2, FrameKind.Answer, 100_000))).toThrow(
      'too many bytes',
    );
    expect(() => large.add(UnitKind.FirstFragment, first(3, FrameKind.Ping, 100_000))).toThrow(
      'are under way',
    );
  });
});
