import { UNIT_HEADER_BYTES } from './wire.js';

const CHUNK_BYTES = 64 * 1024;
/** Copying less than this into the chunk is cheaper than one more buffer for the system call. */
const COPIED_BYTES = 16 * 1024;

/** Gathers what one tick has to write: small units in one chunk, large bytes as they are. */
export class UnitBuffer {
  private chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  private start = 0;
  private end = 0;
  private pieces: Uint8Array[] = [];
  /** Bytes gathered and not yet taken. */
  bytes = 0;

  /** One unit whose body is `parts`, one behind the other. Parts above 16 KiB are not copied. */
  append(kind: number, ...parts: readonly Uint8Array[]): void {
    let length = 1;
    for (const part of parts) length += part.length;
    this.room(UNIT_HEADER_BYTES);
    this.end = this.chunk.writeUInt32LE(length, this.end);
    this.chunk[this.end++] = kind;
    for (const part of parts) this.add(part);
    this.bytes += 4 + length;
  }

  /** Everything gathered, in order. Its memory is not used again. */
  take(): readonly Uint8Array[] {
    this.cut();
    const taken = this.pieces;
    this.pieces = [];
    this.bytes = 0;
    return taken;
  }

  private add(part: Uint8Array): void {
    if (part.length > COPIED_BYTES) {
      this.cut();
      this.pieces.push(part);
      return;
    }
    this.room(part.length);
    this.chunk.set(part, this.end);
    this.end += part.length;
  }

  private room(count: number): void {
    if (this.chunk.length - this.end >= count) return;
    this.cut();
    this.chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
    this.start = 0;
    this.end = 0;
  }

  private cut(): void {
    if (this.end > this.start) this.pieces.push(this.chunk.subarray(this.start, this.end));
    this.start = this.end;
  }
}
