import { Buffer } from 'node:buffer';
import { PayloadTooLargeError } from '../../errors/index.js';
import type { PayloadRules, RefFactory } from '../payload.interface.js';
import { contentOf, errorFrom } from './payload-error.js';
import { PayloadFault } from './payload-fault.js';
import { kindOf, losesItsClass } from './payload-kind.js';
import { leastBytes, MEASURED_FROM_BYTES } from './payload.meter.js';
import { isForbiddenKey, MAX_DEPTH } from './payload-tag.js';
import { bytesOf, typedArrayFrom, typedArrayKind } from './payload-typed-array.js';

/**
 * What encoding and decoding would give, without bytes. `structuredClone` is ten times slower and keeps other things.
 * Sizes are counted from below (a character, a key or an item is at least a byte), so that a value shared a thousand
 * times over cannot fill the memory; what is only a little too large passes here and not on the wire.
 */
export class PayloadCopier {
  private bytes = 1;
  /** What more bytes than these mean is looked at: the value is measured, or is too large. */
  private bound: number;

  /** @param root the value that is copied */
  constructor(
    private readonly refs: RefFactory,
    private readonly rules: PayloadRules,
    private readonly root: unknown,
  ) {
    this.bound = Math.min(rules.maxBytes, MEASURED_FROM_BYTES);
  }

  /** @throws PayloadFault, PayloadTooLargeError, and whatever a getter of the value throws */
  copy(value: unknown, depth: number): unknown {
    switch (typeof value) {
      case 'object':
        return value === null ? null : this.object(value, depth);
      case 'string':
        this.spend(value.length);
        return value;
      case 'function':
      case 'symbol':
        throw new PayloadFault();
      default:
        return value;
    }
  }

  private object(value: object, depth: number): unknown {
    if (depth >= MAX_DEPTH) throw new PayloadFault();
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype === Object.prototype) return this.fields(value as Record<string, unknown>, depth + 1);
    if (prototype === Array.prototype && Array.isArray(value)) return this.array(value, depth + 1);
    return this.exotic(value, depth + 1);
  }

  private fields(value: Record<string, unknown>, depth: number): Record<string, unknown> {
    const keys = Object.keys(value);
    this.spend(2 * keys.length);
    const copied: Record<string, unknown> = {};
    for (const key of keys) {
      if (isForbiddenKey(key)) throw new PayloadFault();
      this.bytes += key.length;
      const item = value[key];
      copied[key] = typeof item === 'number' ? item : this.copy(item, depth);
    }
    return copied;
  }

  private array(value: readonly unknown[], depth: number): unknown[] {
    this.spend(value.length);
    const copied: unknown[] = [];
    for (let index = 0; index < value.length; index += 1) copied.push(this.copy(value[index], depth));
    return copied;
  }

  private exotic(value: object, depth: number): unknown {
    const kind = kindOf(value, this.refs);
    if (this.rules.instances === 'refuse' && losesItsClass(value, kind)) throw new PayloadFault();
    switch (kind) {
      case 'plain':
      case 'instance':
        return this.fields(value as Record<string, unknown>, depth);
      case 'array':
        return this.array(value as readonly unknown[], depth);
      case 'date':
        this.spend(8);
        return new Date(Date.prototype.getTime.call(value));
      case 'map':
        return this.map(value as ReadonlyMap<unknown, unknown>, depth);
      case 'set':
        return this.set(value as ReadonlySet<unknown>, depth);
      case 'buffer':
        this.spend((value as Buffer).length);
        return Buffer.from(value as Buffer);
      case 'array-buffer':
        this.spend((value as ArrayBuffer).byteLength);
        return (value as ArrayBuffer).slice(0);
      case 'typed-array':
        return this.typedArray(value as ArrayBufferView);
      case 'error': {
        const { name, message, fields } = contentOf(value as Error);
        this.spend(name.length + message.length);
        return errorFrom(name, message, fields);
      }
      case 'ref': {
        const ref = this.refs.describe(value);
        if (ref === undefined) throw new PayloadFault();
        return this.refs.make(ref.name, ref.type);
      }
      case 'refused':
        throw new PayloadFault();
    }
  }

  private map(value: ReadonlyMap<unknown, unknown>, depth: number): Map<unknown, unknown> {
    this.spend(2 * value.size);
    const copied = new Map<unknown, unknown>();
    for (const [key, item] of value) copied.set(this.copy(key, depth), this.copy(item, depth));
    return copied;
  }

  private set(value: ReadonlySet<unknown>, depth: number): Set<unknown> {
    this.spend(value.size);
    const copied = new Set<unknown>();
    for (const item of value) copied.add(this.copy(item, depth));
    return copied;
  }

  private typedArray(value: ArrayBufferView): ArrayBufferView {
    this.spend(value.byteLength);
    const copied = typedArrayFrom(typedArrayKind(value), bytesOf(value));
    if (copied === undefined) throw new PayloadFault();
    return copied;
  }

  private spend(bytes: number): void {
    this.bytes += bytes;
    if (this.bytes > this.bound) this.outgrown();
  }

  /** What holds the same many times over is refused before all of it is copied. */
  private outgrown(): void {
    const { root, maxBytes } = this.rules;
    if (this.bytes > maxBytes) throw new PayloadTooLargeError(root, this.bytes, maxBytes);
    this.bound = maxBytes;
    const least = leastBytes(this.root, this.refs);
    if (least > maxBytes) throw new PayloadTooLargeError(root, least, maxBytes);
  }
}
