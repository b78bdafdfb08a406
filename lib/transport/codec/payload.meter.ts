import type { RefFactory } from '../payload.interface.js';
import { kindOf } from './payload-kind.js';
import { MAX_DEPTH } from './payload-tag.js';

/** A value is measured when so many bytes of it have been written or copied; most are smaller, and cost nothing more. */
export const MEASURED_FROM_BYTES = 512 * 1024;
/** So much of a value is looked at: a message that is large by itself is not walked over twice. */
const MOST_VALUES = 1 << 15;

/**
 * Bytes that a value will have at least. What it holds many times over is looked at once and counted each time, so that of
 * a structure which doubles with each level it is known at once that it is too large, and not when time or memory is out.
 */
export function leastBytes(value: unknown, refs: RefFactory): number {
  try {
    return Math.min(new PayloadMeter(refs).bytes(value, 0), Number.MAX_SAFE_INTEGER);
  } catch {
    // A getter, or a proxy: whoever asked for the size comes upon it as well, and says so.
    return 0;
  }
}

class PayloadMeter {
  private readonly known = new Map<object, number>();
  private looked = 0;

  constructor(private readonly refs: RefFactory) {}

  bytes(value: unknown, depth: number): number {
    if (typeof value === 'string') return 1 + value.length;
    if (typeof value !== 'object' || value === null) return 1;
    const known = this.known.get(value);
    if (known !== undefined) return known;
    if (this.isDone || depth >= MAX_DEPTH) return 1;
    const bytes = this.inside(value, depth + 1);
    this.known.set(value, bytes);
    return bytes;
  }

  private get isDone(): boolean {
    return this.looked >= MOST_VALUES;
  }

  private inside(value: object, depth: number): number {
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype === Object.prototype) return this.fields(value as Record<string, unknown>, depth);
    if (Array.isArray(value)) return this.items(value, value.length, depth);
    switch (kindOf(value, this.refs)) {
      case 'plain':
      case 'instance':
        return this.fields(value as Record<string, unknown>, depth);
      case 'set':
        return this.items(value as ReadonlySet<unknown>, (value as ReadonlySet<unknown>).size, depth);
      case 'map': {
        const { size } = value as ReadonlyMap<unknown, unknown>;
        return this.items(flat(value as ReadonlyMap<unknown, unknown>), size * 2, depth);
      }
      case 'buffer':
      case 'typed-array':
      case 'array-buffer':
        return 1 + (value as ArrayBuffer | Buffer).byteLength;
      default:
        return 1;
    }
  }

  private fields(value: Record<string, unknown>, depth: number): number {
    const keys = Object.keys(value);
    let bytes = 1 + 2 * keys.length;
    for (const key of keys) {
      if (this.isDone) break;
      this.looked++;
      bytes += key.length + this.bytes(value[key], depth) - 1;
    }
    return bytes;
  }

  private items(items: Iterable<unknown>, count: number, depth: number): number {
    let bytes = 1 + count;
    for (const item of items) {
      if (this.isDone) break;
      this.looked++;
      bytes += this.bytes(item, depth) - 1;
    }
    return bytes;
  }
}

function* flat(map: ReadonlyMap<unknown, unknown>): Iterable<unknown> {
  for (const [key, item] of map) {
    yield key;
    yield item;
  }
}
