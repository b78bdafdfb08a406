import { Buffer } from 'node:buffer';
import { MalformedFrameError } from './malformed-frame.error.js';
import type { StringCache } from './string.cache.js';

/** Names, patterns and ids are at most 1 KiB long; messages of errors are longer. */
const LONGEST_TEXT = 1024 * 1024;

const NOTHING = Buffer.alloc(0);

/**
 * A cursor over the bytes of one frame, and then of the next. Every read names its field, so that a broken frame is
 * reported by it.
 */
export class ByteReader {
  private bytes: Buffer = NOTHING;
  private frame = '';
  private at = 0;
  private end = 0;

  constructor(private readonly strings: StringCache) {}

  get left(): number {
    return this.end - this.at;
  }

  /** Goes to the frame that stands in `bytes` from `start` to `end`. */
  begin(frame: string, bytes: Buffer, start: number, end: number): void {
    this.frame = frame;
    this.bytes = bytes;
    this.at = start;
    this.end = end;
  }

  fail(field: string, reason: string): never {
    throw new MalformedFrameError(this.frame, field, reason);
  }

  u8(field: string): number {
    return this.bytes[this.skip(1, field)] as number;
  }

  f64(field: string): number {
    return this.bytes.readDoubleLE(this.skip(8, field));
  }

  bool(field: string): boolean {
    const byte = this.u8(field);
    return byte === 0 ? false : byte === 1 ? true : this.fail(field, 'is no truth value');
  }

  uint(field: string): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.u8(field);
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) break;
      scale *= 128;
      if (scale > 2 ** 49) this.fail(field, 'has too many digits');
    }
    return value <= Number.MAX_SAFE_INTEGER ? value : this.fail(field, 'is too large');
  }

  /** How many items follow; each takes at least one byte, so that no number makes memory by itself. */
  count(field: string): number {
    const count = this.uint(field);
    return count <= this.left ? count : this.fail(field, `says ${count} items, ${this.left} bytes are left`);
  }

  string(field: string): string {
    const length = this.uint(field);
    if (length > LONGEST_TEXT) this.fail(field, `is a text of ${length} bytes`);
    const start = this.skip(length, field);
    return this.strings.read(this.bytes, start, this.at) ?? this.bytes.toString('utf8', start, this.at);
  }

  /** A view of the frame's bytes. */
  blob(field: string): Buffer {
    return this.view(this.uint(field), field);
  }

  /** A view of the next `count` bytes. */
  view(count: number, field: string): Buffer {
    const start = this.skip(count, field);
    return this.bytes.subarray(start, this.at);
  }

  /** A view of everything that is left. */
  rest(): Buffer {
    const start = this.at;
    this.at = this.end;
    return this.bytes.subarray(start, this.end);
  }

  /** To be called last. */
  done(): void {
    if (this.left > 0) this.fail('end', `${this.left} bytes too many`);
    this.bytes = NOTHING;
  }

  private skip(count: number, field: string): number {
    const start = this.at;
    if (count > this.left) this.fail(field, 'ends too early');
    this.at = start + count;
    return start;
  }
}
