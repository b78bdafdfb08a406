import { Buffer } from 'node:buffer';
import { PayloadTooLargeError } from '../../errors/index.js';
import type { PayloadRules, RefFactory } from '../payload.interface.js';
import { bodyMemory } from './body-memory.js';
import { ByteWriter } from './byte.writer.js';
import { contentOf } from './payload-error.js';
import { PayloadFault } from './payload-fault.js';
import { kindOf, losesItsClass } from './payload-kind.js';
import { leastBytes, MEASURED_FROM_BYTES } from './payload.meter.js';
import { isForbiddenKey, MAX_DEPTH, PayloadTag } from './payload-tag.js';
import { bytesOf, typedArrayKind } from './payload-typed-array.js';

/** Strings up to this length carry it in their tag. */
const SHORT_STRING = 31;
const SHORT_COUNT = 15;

class BodyWriter extends ByteWriter {
  protected override memory(bytes: number): Buffer {
    return bodyMemory.take(bytes);
  }
}

/**
 * Values to bytes in one walk. It knows no paths and no cycles: what cannot travel ends it with `PayloadFault`
 * (a cycle by way of the depth), and a second, slow walk then finds out where. So the good case pays for neither.
 */
export class PayloadEncoder {
  private readonly out = new BodyWriter();
  private rules!: PayloadRules;
  private root: unknown;
  /** What more bytes than these mean is looked at: the value is measured, or is too large. */
  private bound = 0;

  constructor(private readonly refs: RefFactory) {}

  /** @throws PayloadFault, PayloadTooLargeError, and whatever a getter of the value throws */
  encode(value: unknown, rules: PayloadRules): Uint8Array {
    this.rules = rules;
    this.root = value;
    this.bound = Math.min(rules.maxBytes, MEASURED_FROM_BYTES);
    this.out.reset();
    this.value(value, 0);
    if (this.out.length > rules.maxBytes) this.outgrown(this.out.length);
    return this.out.take();
  }

  /** To be called after `encode`, so that nothing of the value is kept until the next. */
  release(): void {
    this.root = undefined;
  }

  private value(value: unknown, depth: number): void {
    switch (typeof value) {
      case 'string':
        return this.string(value);
      case 'number':
        return this.number(value);
      case 'boolean':
        return this.out.u8(value ? PayloadTag.True : PayloadTag.False);
      case 'undefined':
        return this.out.u8(PayloadTag.Undefined);
      case 'object':
        return value === null ? this.out.u8(PayloadTag.Null) : this.object(value, depth);
      case 'bigint':
        return this.bigint(value);
      default:
        throw new PayloadFault();
    }
  }

  private string(value: string): void {
    const { out } = this;
    const { length } = value;
    if (length <= SHORT_STRING) {
      out.reserve(1 + SHORT_STRING);
      if (out.ascii(value, out.length + 1)) {
        out.bytes[out.length] = PayloadTag.ShortString | length;
        out.length += 1 + length;
        return;
      }
    } else {
      this.checkSize(length);
    }
    if (isWellFormed(value)) {
      out.u8(PayloadTag.String);
      out.string(value);
    } else {
      out.u8(PayloadTag.String16);
      out.blob(Buffer.from(value, 'utf16le'));
    }
  }

  private number(value: number): void {
    const { out } = this;
    const int = value | 0;
    if (int !== value || (int === 0 && 1 / value < 0)) {
      out.u8(PayloadTag.Float64);
      out.f64(value);
    } else if (int >= 0 && int < 0x80) {
      out.u8(int);
    } else if (int >= -0x80 && int < 0x80) {
      out.reserve(2);
      out.bytes[out.length++] = PayloadTag.Int8;
      out.bytes[out.length++] = int;
    } else if (int >= -0x8000 && int < 0x8000) {
      out.reserve(3);
      out.bytes[out.length++] = PayloadTag.Int16;
      out.bytes[out.length++] = int;
      out.bytes[out.length++] = int >> 8;
    } else {
      out.u8(PayloadTag.Int32);
      out.u32(int);
    }
  }

  private bigint(value: bigint): void {
    const { out } = this;
    if (BigInt.asIntN(64, value) === value) {
      out.u8(PayloadTag.BigInt64);
      out.reserve(8);
      out.length = out.bytes.writeBigInt64LE(value, out.length);
      return;
    }
    const hex = (value < 0n ? -value : value).toString(16);
    this.checkSize(hex.length / 2);
    out.u8(value < 0n ? PayloadTag.BigNegative : PayloadTag.BigPositive);
    out.blob(Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex'));
  }

  private object(value: object, depth: number): void {
    if (depth >= MAX_DEPTH) throw new PayloadFault();
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype === Object.prototype) this.fields(value, depth + 1);
    else if (prototype === Array.prototype && Array.isArray(value)) this.array(value, depth + 1);
    else this.exotic(value, depth + 1);
  }

  private fields(value: object, depth: number): void {
    const keys = Object.keys(value);
    if (this.out.length > this.bound) this.outgrown(this.out.length);
    this.count(keys.length, PayloadTag.ShortObject, PayloadTag.Object);
    for (const key of keys) {
      if (isForbiddenKey(key)) throw new PayloadFault();
      this.string(key);
      this.value((value as Record<string, unknown>)[key], depth);
    }
  }

  private array(value: readonly unknown[], depth: number): void {
    this.checkSize(value.length);
    this.count(value.length, PayloadTag.ShortArray, PayloadTag.Array);
    for (let index = 0; index < value.length; index += 1) this.value(value[index], depth);
  }

  private exotic(value: object, depth: number): void {
    const { out } = this;
    const kind = kindOf(value, this.refs);
    if (this.rules.instances === 'refuse' && losesItsClass(value, kind)) throw new PayloadFault();
    switch (kind) {
      case 'plain':
      case 'instance':
        return this.fields(value, depth);
      case 'array':
        return this.array(value as readonly unknown[], depth);
      case 'date':
        out.u8(PayloadTag.Date);
        return out.f64(Date.prototype.getTime.call(value));
      case 'map':
        return this.map(value as ReadonlyMap<unknown, unknown>, depth);
      case 'set':
        return this.set(value as ReadonlySet<unknown>, depth);
      case 'buffer':
        return this.bytes(PayloadTag.Buffer, value as Buffer);
      case 'array-buffer':
        return this.bytes(PayloadTag.ArrayBuffer, new Uint8Array(value as ArrayBuffer));
      case 'typed-array':
        return this.typedArray(value as ArrayBufferView);
      case 'error':
        return this.error(value as Error, depth);
      case 'ref':
        return this.ref(value);
      case 'refused':
        throw new PayloadFault();
    }
  }

  private map(value: ReadonlyMap<unknown, unknown>, depth: number): void {
    this.checkSize(value.size * 2);
    this.out.u8(PayloadTag.Map);
    this.out.uint(value.size);
    for (const [key, item] of value) {
      this.value(key, depth);
      this.value(item, depth);
    }
  }

  private set(value: ReadonlySet<unknown>, depth: number): void {
    this.checkSize(value.size);
    this.out.u8(PayloadTag.Set);
    this.out.uint(value.size);
    for (const item of value) this.value(item, depth);
  }

  private bytes(tag: number, value: Uint8Array): void {
    this.checkSize(value.length);
    this.out.u8(tag);
    this.out.blob(value);
  }

  private typedArray(value: ArrayBufferView): void {
    const kind = typedArrayKind(value);
    if (kind < 0) throw new PayloadFault();
    this.checkSize(value.byteLength);
    this.out.u8(PayloadTag.TypedArray);
    this.out.u8(kind);
    this.out.blob(bytesOf(value));
  }

  private error(value: Error, depth: number): void {
    const { name, message, fields } = contentOf(value);
    this.out.u8(PayloadTag.Error);
    this.string(name);
    this.string(message);
    this.out.uint(fields.length);
    for (const [key, field] of fields) {
      this.string(key);
      this.value(field, depth);
    }
  }

  private ref(value: object): void {
    const ref = this.refs.describe(value);
    if (ref === undefined) throw new PayloadFault();
    this.out.u8(PayloadTag.Ref);
    this.string(ref.name);
    this.string(ref.type);
  }

  private count(count: number, short: number, long: number): void {
    if (count <= SHORT_COUNT) return this.out.u8(short | count);
    this.out.u8(long);
    this.out.uint(count);
  }

  /** Before what is large is written, so that memory is not spent on what will be refused. */
  private checkSize(more: number): void {
    const bytes = this.out.length + more;
    if (bytes > this.bound) this.outgrown(bytes);
  }

  /** What holds the same many times over is refused before all of it is written. */
  private outgrown(bytes: number): void {
    const { root, maxBytes } = this.rules;
    if (bytes > maxBytes) throw new PayloadTooLargeError(root, bytes, maxBytes);
    this.bound = maxBytes;
    const least = leastBytes(this.root, this.refs);
    if (least > maxBytes) throw new PayloadTooLargeError(root, least, maxBytes);
  }
}

function isWellFormed(value: string): boolean {
  // In every Node that is supported, not yet in the ES2023 typings.
  return (value as unknown as { isWellFormed(): boolean }).isWellFormed();
}
