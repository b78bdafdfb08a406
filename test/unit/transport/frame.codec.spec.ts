import { describe, expect, it } from 'vitest';

import { FrameDecoder, FrameEncoder } from '../../../lib/transport/codec/frame.codec.js';
import { MalformedFrameError } from '../../../lib/transport/codec/malformed-frame.error.js';
import { SentPatterns } from '../../../lib/transport/codec/pattern.table.js';
import {
  FrameKind,
  type AnswerFrame,
  type CastFrame,
  type Frame,
  type RowOp,
  type WireError,
  type WireRow,
} from '../../../lib/transport/frame.js';
import { Random } from './support/random.js';

const encoder = new FrameEncoder();

function bytesOf(frame: Frame, patterns?: SentPatterns): Buffer {
  const { head, tail } = encoder.encode(frame, patterns);
  return Buffer.concat(tail === undefined ? [head] : [head, tail]);
}

function row(random: Random): WireRow {
  const args = random.bool() ? null : new Uint8Array(random.bytes(random.below(30)));
  return [
    random.name(),
    random.name(),
    args,
    random.below(2 ** 50),
    random.name(),
    random.list(3, () => random.name()),
    random.below(4),
    random.below(2),
  ];
}

function error(random: Random): WireError {
  return random.bool()
    ? { code: 'E', message: random.name() }
    : { code: 'E', message: 'm'.repeat(2000), details: { a: [1, { b: 'x' }], d: undefined } };
}

function rowOp(random: Random): RowOp {
  return random.pick<() => RowOp>([
    () => [0, row(random)],
    () => [1, random.name(), random.below(2)],
    () => [2, random.name(), random.below(4), random.list(3, () => random.name())],
  ])();
}

/** One frame of every kind. */
function frames(random: Random): Frame[] {
  const whole = (): number =>
    random.pick([0, 1, 127, 128, 2 ** 31, 2 ** 32 + 5, Number.MAX_SAFE_INTEGER, random.below(1000)]);
  const names = (): string[] => random.list(3, () => random.name());
  const request = (): { id: number; timeoutMs: number; name: string } => ({
    id: whole(),
    timeoutMs: random.next() * 1e4,
    name: random.name(),
  });
  const message = (): { pattern: string; from: string; body: Buffer } => ({
    pattern: random.name(),
    from: random.bool() ? '' : random.name(),
    body: random.bytes(random.pick([0, 5, 300])),
  });
  const rows = { rows: random.list(3, () => row(random)), first: random.bool(), last: random.bool() };
  const bytes = (): Buffer | null => (random.bool() ? null : random.bytes(9));
  const errorOrNone = (): WireError | null => (random.bool() ? null : error(random));
  return [
    { kind: FrameKind.Ping, id: whole(), stamp: whole(), seq: random.bool() ? null : whole(), digest: -5 },
    { kind: FrameKind.Pong, id: whole() },
    { kind: FrameKind.Status, status: random.pick(['joining', 'up', 'leaving', 'left'] as const) },
    { kind: FrameKind.Have, incarnation: whole(), seq: whole() },
    { kind: FrameKind.Batch, incarnation: whole(), from: whole(), ops: random.list(4, () => rowOp(random)) },
    { kind: FrameKind.BatchAck, seq: whole() },
    { kind: FrameKind.Snapshot, incarnation: whole(), seq: whole(), ...rows },
    {
      kind: FrameKind.Adopted,
      members: random.list(3, () => ({
        id: random.name(),
        host: 'h',
        port: random.below(65_536),
        incarnation: whole(),
      })),
    },
    { kind: FrameKind.Lost, node: random.name(), incarnation: whole(), seq: whole() },
    { kind: FrameKind.Orphans, node: random.name(), incarnation: whole(), seq: whole(), ...rows },
    {
      kind: FrameKind.Forgotten,
      registrations: random.list(3, () => [random.name(), random.name()] as const),
    },
    {
      kind: FrameKind.Register,
      ...request(),
      type: random.name(),
      args: bytes(),
      registration: random.name(),
    },
    { kind: FrameKind.Reserve, ...request(), registration: random.name() },
    { kind: FrameKind.Unregister, ...request() },
    { kind: FrameKind.Locate, ...request() },
    { kind: FrameKind.Group, ...request(), group: random.name(), joins: random.bool() },
    {
      kind: FrameKind.Response,
      id: whole(),
      outcome: random.pick(['ok', 'error', 'elsewhere'] as const),
      node: random.bool() ? null : random.name(),
      row: random.bool() ? null : row(random),
      error: errorOrNone(),
    },
    { kind: FrameKind.Call, ...request(), ...message(), hops: random.below(4), chain: names() },
    { kind: FrameKind.Cast, name: random.name(), ...message(), hops: random.below(4) },
    { kind: FrameKind.Answer, id: whole(), body: random.bytes(20), error: errorOrNone() },
    { kind: FrameKind.Publish, group: random.name(), ...message() },
    {
      kind: FrameKind.MultiCall,
      id: whole(),
      timeoutMs: 5.5,
      group: random.name(),
      ...message(),
      chain: names(),
    },
    {
      kind: FrameKind.MultiAnswer,
      id: whole(),
      results: random.list(3, () => [random.name(), bytes(), errorOrNone()] as const),
    },
  ];
}

/** Buffers and plain views count as the same bytes. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString('hex')}`;
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
}

describe('frame codec', () => {
  it('carries every kind of frame unchanged, interned and inline', () => {
    expect(
      frames(new Random(1))
        .map(({ kind }) => kind)
        .sort((a, b) => a - b),
    ).toEqual(Object.values(FrameKind));
    const decoder = new FrameDecoder();
    const patterns = new SentPatterns();
    for (let seed = 1; seed <= 300; seed += 1) {
      for (const frame of frames(new Random(seed))) {
        const expected = plain(frame);
        expect(plain(decoder.decode(frame.kind, bytesOf(frame, patterns))), `seed ${seed}`).toEqual(expected);
        expect(plain(new FrameDecoder().decode(frame.kind, bytesOf(frame))), `seed ${seed}`).toEqual(
          expected,
        );
      }
    }
  });

  it('writes a pattern once per link, and inline when the table is full', () => {
    const patterns = new SentPatterns();
    const decoder = new FrameDecoder();
    const cast = (pattern: string): CastFrame => ({
      kind: FrameKind.Cast,
      name: 'n',
      pattern,
      from: '',
      hops: 0,
      body: Buffer.alloc(0),
    });
    const first = bytesOf(cast('a-long-pattern'), patterns);
    decoder.decode(FrameKind.Cast, first);
    const second = bytesOf(cast('a-long-pattern'), patterns);
    expect(second.length).toBeLessThan(first.length - 10);
    expect(decoder.decode(FrameKind.Cast, second)).toMatchObject({ pattern: 'a-long-pattern' });
    for (let index = 0; index < 3000; index += 1) {
      const bytes = bytesOf(cast(`p${index}`), patterns);
      expect(decoder.decode(FrameKind.Cast, bytes)).toMatchObject({ pattern: `p${index}` });
    }
    expect(() => new FrameDecoder().decode(FrameKind.Cast, second)).toThrow(
      /Cast\.pattern: number .* never defined/,
    );
  });

  it('copies what the registry keeps out of the receive buffer, and only views bodies', () => {
    const decoder = new FrameDecoder();
    const kept: WireRow = ['n', 't', new Uint8Array([1, 2, 3]), 1, 'r', [], 0, 0];
    const batch = bytesOf({ kind: FrameKind.Batch, incarnation: 1, from: 1, ops: [[0, kept]] });
    const seen = decoder.decode(FrameKind.Batch, batch);
    const answer = bytesOf({ kind: FrameKind.Answer, id: 1, body: Buffer.from('abc'), error: null });
    const viewed = decoder.decode(FrameKind.Answer, answer) as AnswerFrame;
    batch.fill(0);
    expect(seen).toMatchObject({ ops: [[0, kept]] });
    expect(viewed.body.buffer).toBe(answer.buffer);
  });

  it('lets an error through whose details cannot travel, and bounds a timeout', () => {
    const bad: WireError = { code: 'E', message: 'm', details: { f: () => 1 } };
    const seen = new FrameDecoder().decode(
      FrameKind.Answer,
      bytesOf({ kind: FrameKind.Answer, id: 1, body: Buffer.alloc(0), error: bad }),
    );
    expect(seen).toMatchObject({ error: { code: 'E', message: 'm' } });
    for (const [timeoutMs, arrives] of [
      [-3, 0],
      [Infinity, 604_800_000],
      [Number.NaN, 0],
    ] as const) {
      const bytes = bytesOf({ kind: FrameKind.Locate, id: 1, name: 'n', timeoutMs });
      expect(new FrameDecoder().decode(FrameKind.Locate, bytes)).toMatchObject({ timeoutMs: arrives });
    }
  });

  it.each<[string, number, number[]]>([
    ['Frame.kind', 99, []],
    ['Pong.id', FrameKind.Pong, []],
    ['Pong.end', FrameKind.Pong, [1, 1]],
    ['Status.status', FrameKind.Status, [9]],
    ['Snapshot.first', FrameKind.Snapshot, [1, 1, 7]],
    ['Batch.ops', FrameKind.Batch, [1, 1, 200, 1]],
    ['Lost.node', FrameKind.Lost, [50, 1]],
  ])('names %s in the error', (what, kind, bytes) => {
    let thrown: unknown;
    try {
      new FrameDecoder().decode(kind, Buffer.from(bytes));
    } catch (caught) {
      thrown = caught;
    }
    expect(thrown).toBeInstanceOf(MalformedFrameError);
    expect(`${(thrown as MalformedFrameError).frame}.${(thrown as MalformedFrameError).field}`).toBe(what);
  });

  it('ends in MalformedFrameError or in a frame, whatever the bytes (50,000 mutations)', () => {
    const random = new Random(3);
    for (let round = 0; round < 2200; round += 1) {
      for (const frame of frames(random)) {
        const bytes = bytesOf(frame);
        for (let change = random.below(4); change > 0 && bytes.length > 0; change -= 1)
          bytes[random.below(bytes.length)] = random.below(256);
        const cut = random.bool() ? bytes : bytes.subarray(0, random.below(bytes.length + 1));
        try {
          new FrameDecoder().decode(random.next() < 0.1 ? random.below(256) : frame.kind, cut);
        } catch (caught) {
          expect(caught).toBeInstanceOf(MalformedFrameError);
        }
      }
    }
  });
});
