import { afterEach, describe, expect, it, vi } from 'vitest';
import { FrameEncoder } from '../../../lib/transport/codec/frame.codec.js';
import { SentPatterns } from '../../../lib/transport/codec/pattern.table.js';
import { FrameKind, type MultiAnswerFrame } from '../../../lib/transport/frame.js';
import { OutgoingQueue } from '../../../lib/transport/tcp/outgoing.queue.js';
import { UnitBuffer } from '../../../lib/transport/tcp/unit.buffer.js';

const CHUNK_BYTES = 64 * 1024;

afterEach(() => vi.restoreAllMocks());

/** How much memory was taken from now on. */
function memoryTaken(): () => number {
  const taken = vi.spyOn(Buffer, 'allocUnsafeSlow');
  return () => taken.mock.calls.reduce((sum, [bytes]) => sum + bytes, 0);
}

describe('what one tick has to write', () => {
  // Each growth copies the whole unit, so one that grows by a little each time takes time that rises with its square: the
  // answers of 16 members with 4 MiB each held up the event loop for seconds, and the node was taken for dead.
  it('takes little more memory for a large unit that is written in many small steps than it has bytes', () => {
    const units = new UnitBuffer();
    const taken = memoryTaken();
    units.open();
    for (let step = 0; step < 5000; step += 1) units.string('a name of thirty-two characters.');
    expect(units.opened).toBe(165_000);
    expect(taken()).toBeLessThan(4 * 165_000);
  });

  it('takes little more memory for many answers in one frame than they have bytes', () => {
    const queue = new OutgoingQueue({ backlog: 0, write: () => undefined });
    const body = Buffer.alloc(8 * 1024);
    const frame: MultiAnswerFrame = {
      kind: FrameKind.MultiAnswer,
      id: 1,
      parts: 1,
      results: Array.from({ length: 200 }, (_, index) => [`worker-${index}`, body, null] as const),
    };
    const encoder = new FrameEncoder();
    const taken = memoryTaken();
    const bytes = queue.encode(encoder, frame, new SentPatterns());
    queue.take(frame.kind);
    expect(bytes).toBeGreaterThan(1_600_000);
    expect(taken()).toBeLessThan(4 * bytes);
  });

  it('gives a large unit that is withdrawn the memory that it was written into, and goes on in a small chunk', () => {
    const units = new UnitBuffer();
    units.append(1, Buffer.from('before'));
    units.open();
    units.raw(Buffer.alloc(50_000, 1));
    units.raw(Buffer.alloc(1_000_000, 2));
    const written = units.bytes.buffer;
    const body = units.withdraw();
    expect(body.buffer).toBe(written);
    expect([body.length, body[0], body[49_999], body[50_000], body.at(-1)]).toEqual([1_050_000, 1, 1, 2, 2]);
    expect(units.bytes.length).toBeLessThanOrEqual(CHUNK_BYTES);
    units.append(3, Buffer.from('after'));
    expect(Buffer.concat(units.drain()).toString('latin1')).toBe('\x07\0\0\0\x01before\x06\0\0\0\x03after');
    expect(body.every((byte, index) => byte === (index < 50_000 ? 1 : 2))).toBe(true);
  });

  it('copies a small unit that is withdrawn, and goes on in the same chunk', () => {
    const units = new UnitBuffer();
    units.open();
    units.raw(Buffer.from('small'));
    const body = units.withdraw();
    units.open();
    units.raw(Buffer.from('other'));
    expect(body.toString()).toBe('small');
    expect(body.buffer).not.toBe(units.bytes.buffer);
  });

  it('keeps no large chunk once everything is written', () => {
    const units = new UnitBuffer();
    units.open();
    for (let step = 0; step < 67; step += 1) units.raw(Buffer.alloc(1000, step));
    units.close(1, undefined);
    expect(units.bytes.length).toBeGreaterThan(CHUNK_BYTES);
    expect(Buffer.concat(units.drain())).toHaveLength(67_005);
    units.written();
    expect(units.bytes.length).toBeLessThanOrEqual(CHUNK_BYTES);
  });
});
