import { describe, expect, it } from 'vitest';

import { FrameDecoder, FrameEncoder } from '../../../lib/transport/codec/frame.codec.js';
import { MalformedFrameError } from '../../../lib/transport/codec/malformed-frame.error.js';
import { SentPatterns } from '../../../lib/transport/codec/pattern.table.js';
import {
  FrameKind,
  type AnswerFrame,
  type CastFrame,
  type Frame,
  type OfferFrame,
  type PrepareFrame,
  type WireError,
  type WireRow,
} from '../../../lib/transport/frame.js';
import { RowFlag, RowStatus, Untracked } from '../../../lib/tracker/row.js';
import { maxFrameBytes } from '../../../lib/transport/tcp/wire.js';
import { frames } from './support/random-frame.js';
import { Random } from './support/random.js';

const encoder = new FrameEncoder();

function bytesOf(frame: Frame, patterns?: SentPatterns): Buffer {
  const { head, tail } = encoder.encode(frame, patterns);
  return Buffer.concat(tail === undefined ? [head] : [head, tail]);
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
    const batch = bytesOf({ kind: FrameKind.Batch, incarnation: 1, from: 1, waits: true, ops: [[0, kept]] });
    const seen = decoder.decode(FrameKind.Batch, batch);
    const answer = bytesOf({ kind: FrameKind.Answer, id: 1, body: Buffer.from('abc'), error: null });
    const viewed = decoder.decode(FrameKind.Answer, answer) as AnswerFrame;
    batch.fill(0);
    expect(seen).toMatchObject({ ops: [[0, kept]] });
    expect(viewed.body.buffer).toBe(answer.buffer);
  });

  it('hands a large state on without a copy, on both sides', () => {
    const large = Buffer.alloc(1024 * 1024, 7);
    const arriving: WireRow = ['n', 't', new Uint8Array([1, 2, 3]), 1, 'r', [], 3, 0];
    const prepare: PrepareFrame = {
      kind: FrameKind.Prepare,
      timeoutMs: 5,
      arrivals: [
        [arriving, Buffer.from('small')],
        [arriving, large],
        [arriving, null],
      ],
    };
    const offer: OfferFrame = { kind: FrameKind.Offer, offers: [['n', 1, 2, large]] };
    for (const frame of [prepare, offer]) {
      const { head, tail } = new FrameEncoder().encode(frame);
      expect(tail).toBe(large);
      expect(head.length).toBeLessThan(200);
      const bytes = Buffer.concat([head, large]);
      const seen = new FrameDecoder().decode(frame.kind, bytes);
      const state =
        seen.kind === FrameKind.Prepare ? seen.arrivals[1]![1]! : (seen as OfferFrame).offers[0]![3];
      expect([state.buffer, state.length]).toEqual([bytes.buffer, large.length]);
      expect(plain(seen)).toEqual(plain(frame));
    }
    const bytes = bytesOf(prepare);
    const { arrivals } = new FrameDecoder().decode(FrameKind.Prepare, bytes) as PrepareFrame;
    bytes.fill(0);
    // What the registry keeps is its own.
    expect(arrivals[0]![0]).toEqual(arriving);
  });

  it('takes a frame with one state of the largest size, and its row', () => {
    const maxPayloadBytes = 64 * 1024 * 1024;
    const args = new Uint8Array(64 * 1024);
    const groups = Array.from({ length: 10_000 }, (_, index) => `group ${index} ${'g'.repeat(100)}`);
    const arriving: WireRow = ['n'.repeat(1024), 't', args, 1, 'r', groups, 3, 0];
    const state = new Uint8Array(maxPayloadBytes);
    for (const frame of [
      { kind: FrameKind.Prepare, timeoutMs: 5, arrivals: [[arriving, state]] },
      { kind: FrameKind.Offer, offers: [['n', 1, 2, state]] },
    ] as const) {
      const { head, tail } = new FrameEncoder().encode(frame);
      expect(head.length + tail!.length).toBeLessThan(maxFrameBytes(maxPayloadBytes));
    }
  });

  it('knows every status, all flags and every end of a row, and no others', () => {
    const snapshot = (status: number, flags: number): Frame => ({
      kind: FrameKind.Snapshot,
      incarnation: 1,
      seq: 1,
      first: true,
      last: true,
      rows: [['n', 't', null, 1, 'r', [], status, flags]],
    });
    const allFlags = Object.values(RowFlag).reduce((sum, one) => sum + one, 0);
    for (const status of Object.values(RowStatus)) {
      for (let flags = 0; flags <= allFlags; flags += 1) {
        const frame = snapshot(status, flags);
        expect(new FrameDecoder().decode(frame.kind, bytesOf(frame))).toEqual(frame);
      }
    }
    const mostStatus = Math.max(...Object.values(RowStatus));
    for (const [status, flags] of [
      [mostStatus + 1, 0],
      [0, allFlags + 1],
      [-1, 0],
      [0.5, 0],
    ] as const) {
      expect(() => bytesOf(snapshot(status, flags)), `${status} ${flags}`).toThrow(RangeError);
    }
    const last = bytesOf(snapshot(mostStatus, allFlags));
    for (const [fromEnd, field] of [
      [1, 'flags'],
      [2, 'status'],
    ] as const) {
      const bytes = Buffer.from(last);
      bytes[bytes.length - fromEnd]! += 1;
      expect(() => new FrameDecoder().decode(FrameKind.Snapshot, bytes)).toThrow(
        new RegExp(`Snapshot\\.rows\\.${field}`),
      );
    }
    for (const why of Object.values(Untracked)) {
      const frame: Frame = {
        kind: FrameKind.Batch,
        incarnation: 1,
        from: 1,
        waits: true,
        ops: [[1, 'n', why]],
      };
      const bytes = bytesOf(frame);
      expect(new FrameDecoder().decode(frame.kind, bytes)).toEqual(frame);
      bytes[bytes.length - 1] = Object.values(Untracked).length;
      expect(() => new FrameDecoder().decode(frame.kind, bytes)).toThrow(/Batch\.ops/);
    }
    const update = bytesOf({
      kind: FrameKind.Batch,
      incarnation: 1,
      from: 1,
      waits: true,
      ops: [[2, 'n', 4, []]],
    });
    update[update.length - 2]! += 1;
    expect(() => new FrameDecoder().decode(FrameKind.Batch, update)).toThrow(/Batch\.ops\.status/);
  });

  it('cuts what somebody’s code threw where it is too long to travel', () => {
    const reason = '漢'.repeat(400_000);
    const frame: Frame = { kind: FrameKind.Prepared, results: [['n', 1, 'failed', reason]] };
    const seen = new FrameDecoder().decode(FrameKind.Prepared, bytesOf(frame));
    expect(seen).toMatchObject({ results: [['n', 1, 'failed', expect.stringMatching(/^漢+…$/)]] });
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
    ['Pong.view', FrameKind.Pong, [1]],
    ['Pong.end', FrameKind.Pong, [1, 1, 1]],
    ['Relay.kind', FrameKind.Relay, [1, 97, 1, 98, 1, FrameKind.Relay]],
    ['Relay.kind', FrameKind.Relay, [1, 97, 1, 98, 1, FrameKind.RelayControl]],
    ['Relay.kind', FrameKind.Relay, [1, 97, 1, 98, 1, 99]],
    ['Verdict.verdict', FrameKind.Verdict, [1, 97, 1, 0, 9]],
    ['Handshake.body', FrameKind.RelayControl, [1, 97, 1, 98, 1, 0, 1, 1, 123]],
    ['Status.status', FrameKind.Status, [9]],
    ['Snapshot.first', FrameKind.Snapshot, [1, 1, 7]],
    ['Batch.ops', FrameKind.Batch, [1, 1, 1, 200, 1]],
    ['Lost.node', FrameKind.Lost, [50, 1]],
    ['Prepared.results', FrameKind.Prepared, [1, 1, 110, 1, 3, 0]],
    ['Decide.decisions', FrameKind.Decide, [1, 1, 110, 1, 2, 0]],
    ['Offered.results', FrameKind.Offered, [1, 1, 110, 1, 2]],
    ['Offer.offers.state', FrameKind.Offer, [1, 1, 110, 1, 2, 5, 0]],
    ['Offer.end', FrameKind.Offer, [1, 1, 110, 1, 2, 1, 0, 0]],
    ['Farewell.end', FrameKind.Farewell, [0]],
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
});
