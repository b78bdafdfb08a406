import { Buffer } from 'node:buffer';
const FIRST_CAPACITY = 4096;
/** A writer that once held something large gives the memory back instead of keeping it for ever. */
const KEPT_CAPACITY = 1024 * 1024;
/** Copying less than this costs less than new memory. */
const GIVEN_BYTES = 16 * 1024;
/** Strings up to this length are written by a loop: the call into C++ costs more. Three bytes each fit one length byte. */
const SHORT_STRING = 42;
/** Bytes up to this number are copied by a loop, for the same reason. */
const LOOPED_BYTES = 32;

const f64 = new Float64Array(1);
const f64Bytes = new Uint8Array(f64.buffer);

/** A growing buffer with a cursor; what both codecs write into. Reused, so what was written is copied out by `take`. */
export class ByteWriter {
  /** Never given away. */
  private readonly first = Buffer.allocUnsafeSlow(FIRST_CAPACITY);
  bytes: Buffer = this.first;
  length = 0;

  /** Starts anew. */
  reset(): void {
    this.length = 0;
    if (this.bytes.length > KEPT_CAPACITY) this.bytes = this.first;
  }

  /** Makes room for `count` bytes behind the cursor. */
  reserve(count: number): void {
    if (this.length + count > this.bytes.length) this.grow(count);
  }

  u8(value: number): void {
    this.reserve(1);
    this.bytes[this.length++] = value;
  }

  u32(value: number): void {
    this.reserve(4);
    this.length = this.bytes.writeUInt32LE(value >>> 0, this.length);
  }

  /** Eight bytes, so that also NaN, infinities and -0 arrive. Little-endian, as every platform that Node runs on but s390x. */
  f64(value: number): void {
    this.reserve(8);
    f64[0] = value;
    const { bytes, length } = this;
    for (let index = 0; index < 8; index += 1) bytes[length + index] = f64Bytes[index] as number;
    this.length = length + 8;
  }

  /** A safe integer from 0 on, seven bits to a byte, the lowest first. */
  uint(value: number): void {
    this.reserve(8);
    let rest = value;
    while (rest > 0x7fffffff) {
      this.bytes[this.length++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    while (rest > 0x7f) {
      this.bytes[this.length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.bytes[this.length++] = rest;
  }

  /** Length and UTF-8. */
  string(value: string): void {
    const { length } = value;
    if (length <= SHORT_STRING) {
      this.reserve(1 + length * 3);
      const start = this.length + 1;
      if (this.ascii(value, start)) {
        this.bytes[this.length] = length;
        this.length = start + length;
      } else {
        const written = this.bytes.write(value, start, 'utf8');
        this.bytes[this.length] = written;
        this.length = start + written;
      }
      return;
    }
    const count = Buffer.byteLength(value, 'utf8');
    this.uint(count);
    this.reserve(count);
    this.bytes.write(value, this.length, count, 'utf8');
    this.length += count;
  }

  /** Writes `value` at `start` if it is ASCII; says whether it was. Room must be reserved. */
  ascii(value: string, start: number): boolean {
    const { bytes } = this;
    for (let index = 0; index < value.length; index += 1) {
      const code = value.charCodeAt(index);
      if (code > 0x7f) return false;
      bytes[start + index] = code;
    }
    return true;
  }

  /** The bytes alone, without their length. */
  raw(value: Uint8Array): void {
    const { length } = value;
    this.reserve(length);
    if (length > LOOPED_BYTES) this.bytes.set(value, this.length);
    else
      for (let index = 0; index < length; index += 1)
        this.bytes[this.length + index] = value[index] as number;
    this.length += length;
  }

  /** Length and bytes. */
  blob(value: Uint8Array): void {
    this.uint(value.length);
    this.raw(value);
  }

  /** What was written, in memory of its own. Something large is not copied: it gets the writer's memory, if it fills it. */
  take(): Buffer {
    const { bytes, length } = this;
    if (length > GIVEN_BYTES && length * 2 > bytes.length) {
      const taken = bytes.subarray(0, length);
      this.bytes = this.first;
      this.length = 0;
      return taken;
    }
    const taken = Buffer.allocUnsafe(length);
    taken.set(length === bytes.length ? bytes : bytes.subarray(0, length));
    return taken;
  }

  /** New memory of at least so many bytes. */
  protected memory(bytes: number): Buffer {
    return Buffer.allocUnsafeSlow(bytes);
  }

  /** Takes memory in which the next `count` bytes fit too. */
  protected grow(count: number): void {
    const grown = this.memory(Math.max(this.length + count, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }
}
