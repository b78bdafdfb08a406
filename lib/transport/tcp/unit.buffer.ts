import { Buffer } from 'node:buffer';
import { bodyMemory } from '../codec/body-memory.js';
import { ByteWriter } from '../codec/byte.writer.js';
import { UNIT_HEADER_BYTES } from './wire.js';

/** What one tick has to write is rarely more; an idle link keeps much less. */
const MOST_CHUNK_BYTES = 64 * 1024;
/** What a link begins with again after something larger. */
const FIRST_CHUNK_BYTES = 4096;
/** Copying less than this into the chunk is cheaper than one more buffer for the system call. */
export const COPIED_BYTES = 16 * 1024;

/** Gathers what one tick has to write: small units in one chunk, large bytes as they are. */
export class UnitBuffer extends ByteWriter {
  /** Bytes gathered and not yet taken. */
  gathered = 0;
  private pieces: Uint8Array[] = [];
  /** Bodies that are among the pieces, whole, and those that the system may not have yet. */
  private bodies: Uint8Array[] = [];
  private drained: Uint8Array[] = [];
  /** Of this chunk what is not among the pieces yet begins here, and what may still be undone. */
  private uncut = 0;
  private closed = 0;

  /** One unit whose body is `parts`, one behind the other. Parts above 16 KiB are not copied. */
  append(kind: number, ...parts: readonly Uint8Array[]): void {
    let length = 0;
    for (const part of parts) length += part.length;
    this.open();
    this.header(kind, length);
    for (const part of parts) this.add(part);
    this.closed = this.length;
    this.gathered += UNIT_HEADER_BYTES + length;
  }

  /** Begins a unit whose body is then written to this. What was opened before and not closed is forgotten. */
  open(): void {
    this.length = this.closed;
    this.reserve(UNIT_HEADER_BYTES);
    this.length += UNIT_HEADER_BYTES;
  }

  /** `body` was added as it is, to be written this once: its memory is given back with `written`. */
  spend(body: Uint8Array): void {
    this.bodies.push(body);
  }

  /** How long the body of the opened unit is by now. */
  get opened(): number {
    return this.length - this.closed - UNIT_HEADER_BYTES;
  }

  /** Ends the opened unit; `tail` belongs behind what was written. */
  close(kind: number, tail: Uint8Array | undefined): void {
    const length = this.opened + (tail === undefined ? 0 : tail.length);
    this.header(kind, length);
    if (tail !== undefined) this.add(tail);
    this.closed = this.length;
    this.gathered += UNIT_HEADER_BYTES + length;
  }

  /** The body of the opened unit, in memory of its own; the unit is forgotten. */
  withdraw(): Buffer {
    const { bytes, closed, length } = this;
    const body = bytes.subarray(closed + UNIT_HEADER_BYTES, length);
    this.length = closed;
    if (bytes.length <= MOST_CHUNK_BYTES || body.length * 2 < bytes.length) return Buffer.from(body);
    // It has outgrown the chunk: it keeps the memory, instead of being copied and leaving as much with the link.
    this.cut();
    this.bytes = Buffer.allocUnsafeSlow(FIRST_CHUNK_BYTES);
    this.length = this.closed = this.uncut = 0;
    return body;
  }

  /** Everything gathered, in order. Its memory is not used again before `written`. */
  drain(): readonly Uint8Array[] {
    this.cut();
    const { pieces } = this;
    this.pieces = [];
    if (this.bodies.length > 0) {
      this.drained.push(...this.bodies);
      this.bodies = [];
    }
    this.gathered = 0;
    return pieces;
  }

  /** The system has everything that was ever drained: the chunk is filled from its beginning again. */
  written(): void {
    for (let body = this.drained.pop(); body; body = this.drained.pop()) bodyMemory.giveBack(body);
    if (this.gathered > 0) return;
    this.length = this.closed = this.uncut = 0;
    if (this.bytes.length > MOST_CHUNK_BYTES) this.bytes = Buffer.allocUnsafeSlow(FIRST_CHUNK_BYTES);
  }

  /** What is among the pieces stays where it is. */
  protected override grow(count: number): void {
    const { bytes, closed, length } = this;
    this.cut();
    const open = length - closed;
    // A unit that has outgrown the chunk doubles: it is copied each time, and may be written in very many small steps.
    const capacity = Math.max(Math.min(MOST_CHUNK_BYTES, bytes.length * 2), open * 2);
    this.bytes = Buffer.allocUnsafeSlow(Math.max(capacity, open + count));
    this.bytes.set(bytes.subarray(closed, length));
    this.length = open;
    this.closed = this.uncut = 0;
  }

  private header(kind: number, length: number): void {
    const { bytes, closed } = this;
    bytes.writeUInt32LE(1 + length, closed);
    bytes[closed + 4] = kind;
  }

  private add(part: Uint8Array): void {
    if (part.length <= COPIED_BYTES) return this.raw(part);
    this.closed = this.length;
    this.cut();
    this.pieces.push(part);
  }

  private cut(): void {
    if (this.closed > this.uncut) this.pieces.push(this.bytes.subarray(this.uncut, this.closed));
    this.uncut = this.closed;
  }
}
