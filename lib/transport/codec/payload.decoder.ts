import { Buffer } from 'node:buffer';
import { UnserializableError } from '../../errors/index.js';
import type { RefFactory } from '../payload.interface.js';
import { errorFrom } from './payload-error.js';
import { isForbiddenKey, MAX_DEPTH, PayloadTag } from './payload-tag.js';
import { arrayBufferFrom, typedArrayFrom } from './payload-typed-array.js';
import type { StringCache } from './string.cache.js';

/** Up to here a loop makes a string faster than a call into C++. */
const LOOPED_STRING = 16;

/** Copying less than this costs next to nothing. */
const COPIED_BUFFER = 16 * 1024;

/**
 * Bytes to a value. Trusts nothing: every length is checked before memory is taken for it, nesting is bounded, and
 * only the kinds of `PayloadTag` are ever made. What it returns shares no memory with the bytes, unless they are its own.
 */
export class PayloadDecoder {
  private at = 0;
  private readonly end: number;
  private readonly bytes: Buffer;

  constructor(
    bytes: Uint8Array,
    private readonly refs: RefFactory,
    private readonly strings: StringCache,
    /** Nobody else reads the bytes, which were received into memory that is not used again. */
    private readonly isOwn = false,
  ) {
    this.bytes = Buffer.isBuffer(bytes)
      ? bytes
      : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.end = bytes.length;
  }

  /** @throws UnserializableError */
  decode(): unknown {
    const value = this.value(0);
    if (this.at !== this.end) throw fault('has bytes behind its end');
    return value;
  }

  private value(depth: number): unknown {
    if (this.at >= this.end) throw fault('ends too early');
    const tag = this.bytes[this.at++] as number;
    if (tag < PayloadTag.ShortString) return tag;
    if (tag < PayloadTag.ShortObject) return this.text(tag & 0x1f);
    if (tag < PayloadTag.ShortArray) return this.fields(tag & 0x0f, depth);
    if (tag < PayloadTag.Null) return this.array(tag & 0x0f, depth);
    switch (tag) {
      case PayloadTag.Null:
        return null;
      case PayloadTag.Undefined:
        return undefined;
      case PayloadTag.False:
        return false;
      case PayloadTag.True:
        return true;
      case PayloadTag.Int8:
        return this.bytes.readInt8(this.skip(1));
      case PayloadTag.Int16:
        return this.bytes.readInt16LE(this.skip(2));
      case PayloadTag.Int32:
        return this.bytes.readInt32LE(this.skip(4));
      case PayloadTag.Float64:
        return this.bytes.readDoubleLE(this.skip(8));
      case PayloadTag.String:
        return this.text(this.uint());
      case PayloadTag.String16:
        return this.text16();
      case PayloadTag.Object:
        return this.fields(this.uint(), depth);
      case PayloadTag.Array:
        return this.array(this.uint(), depth);
      case PayloadTag.BigInt64:
        return this.bytes.readBigInt64LE(this.skip(8));
      default:
        return this.exotic(tag, depth);
    }
  }

  private exotic(tag: number, depth: number): unknown {
    switch (tag) {
      case PayloadTag.Date:
        return new Date(this.bytes.readDoubleLE(this.skip(8)));
      case PayloadTag.Map:
        return this.map(depth);
      case PayloadTag.Set:
        return this.set(depth);
      case PayloadTag.Buffer:
        return this.buffer();
      case PayloadTag.ArrayBuffer:
        return arrayBufferFrom(this.blob());
      case PayloadTag.TypedArray:
        return this.typedArray();
      case PayloadTag.BigPositive:
        return this.bigint();
      case PayloadTag.BigNegative:
        return -this.bigint();
      case PayloadTag.Error:
        return this.error(depth);
      case PayloadTag.Ref:
        return this.refs.make(this.string(), this.string());
      default:
        throw fault(`has an unknown kind of value (${tag})`);
    }
  }

  private buffer(): Buffer {
    const blob = this.blob();
    // A small one must not keep a large piece of memory from being collected.
    const isMost = blob.length > COPIED_BUFFER && blob.length * 2 > this.bytes.buffer.byteLength;
    return this.isOwn && isMost ? blob : Buffer.from(blob);
  }

  private fields(count: number, depth: number): Record<string, unknown> {
    this.enter(depth, count * 2);
    const made: Record<string, unknown> = {};
    for (let index = 0; index < count; index += 1) {
      const key = this.string();
      if (isForbiddenKey(key)) throw fault(`has a field called "${key}"`);
      made[key] = this.value(depth + 1);
    }
    return made;
  }

  private array(count: number, depth: number): unknown[] {
    this.enter(depth, count);
    const made: unknown[] = [];
    for (let index = 0; index < count; index += 1) made.push(this.value(depth + 1));
    return made;
  }

  private map(depth: number): Map<unknown, unknown> {
    const count = this.uint();
    this.enter(depth, count * 2);
    const made = new Map<unknown, unknown>();
    for (let index = 0; index < count; index += 1) {
      const key = this.value(depth + 1);
      made.set(key, this.value(depth + 1));
    }
    return made;
  }

  private set(depth: number): Set<unknown> {
    const count = this.uint();
    this.enter(depth, count);
    const made = new Set<unknown>();
    for (let index = 0; index < count; index += 1) made.add(this.value(depth + 1));
    return made;
  }

  private error(depth: number): Error {
    const name = this.string();
    const message = this.string();
    const count = this.uint();
    this.enter(depth, count * 2);
    const fields: Array<readonly [string, unknown]> = [];
    for (let index = 0; index < count; index += 1) {
      const key = this.string();
      if (isForbiddenKey(key)) throw fault(`has a field called "${key}"`);
      fields.push([key, this.value(depth + 1)]);
    }
    return errorFrom(name, message, fields);
  }

  private typedArray(): ArrayBufferView {
    const kind = this.bytes[this.skip(1)] as number;
    const made = typedArrayFrom(kind, this.blob());
    if (made === undefined) throw fault('has a broken typed array');
    return made;
  }

  private bigint(): bigint {
    const blob = this.blob();
    if (blob.length === 0) throw fault('has an empty bigint');
    return BigInt(`0x${blob.toString('hex')}`);
  }

  /** A string with its tag, where nothing else may stand: mostly the name of a field, so one that was seen before. */
  private string(): string {
    const tag = this.bytes[this.skip(1)] as number;
    if (tag >= PayloadTag.ShortString && tag < PayloadTag.ShortObject) {
      const start = this.skip(tag & 0x1f);
      return this.strings.read(this.bytes, start, this.at) ?? this.bytes.toString('utf8', start, this.at);
    }
    if (tag === PayloadTag.String) return this.text(this.uint());
    if (tag === PayloadTag.String16) return this.text16();
    throw fault('has something else where a string must stand');
  }

  private text(length: number): string {
    const start = this.skip(length);
    if (length <= LOOPED_STRING) {
      let made = '';
      for (let index = start; index < this.at; index += 1) {
        const byte = this.bytes[index] as number;
        if (byte > 0x7f) return this.bytes.toString('utf8', start, this.at);
        made += String.fromCharCode(byte);
      }
      return made;
    }
    return this.bytes.toString('utf8', start, this.at);
  }

  private text16(): string {
    const blob = this.blob();
    if (blob.length % 2 !== 0) throw fault('has half a character');
    return blob.toString('utf16le');
  }

  private blob(): Buffer {
    const length = this.uint();
    const start = this.skip(length);
    return this.bytes.subarray(start, this.at);
  }

  private uint(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.bytes[this.skip(1)] as number;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) break;
      scale *= 128;
      if (scale > 2 ** 49) throw fault('has a number that is too long');
    }
    if (value > Number.MAX_SAFE_INTEGER) throw fault('has a number that is too large');
    return value;
  }

  /** Moves on by `count` bytes; returns where they start. */
  private skip(count: number): number {
    const start = this.at;
    if (count > this.end - start) throw fault('ends too early');
    this.at = start + count;
    return start;
  }

  private enter(depth: number, atLeast: number): void {
    if (depth >= MAX_DEPTH) throw fault(`is nested more than ${MAX_DEPTH} deep`);
    if (atLeast > this.end - this.at) throw fault('ends too early');
  }
}

function fault(reason: string): UnserializableError {
  return new UnserializableError('payload', reason);
}
