import { PayloadTooLargeError, UnserializableError } from '../../errors/index.js';
import type { PayloadCodec, PayloadRules, RefFactory } from '../payload.interface.js';
import { bodyMemory } from './body-memory.js';
import { PayloadCopier } from './payload.copier.js';
import { PayloadDecoder } from './payload.decoder.js';
import { PayloadEncoder } from './payload.encoder.js';
import { explain } from './payload-fault.js';
import { StringCache } from './string.cache.js';

/** `undefined` is the commonest answer: it takes no bytes at all. */
const NOTHING = new Uint8Array(0);

/**
 * The codec of what users send. Own format (`PayloadTag`): no library keeps all these kinds, refuses the rest with its
 * path and takes one walk for it, and the general ones register their extensions for the whole process.
 *
 * A worker ref must be an instance of a class: `refs.describe` is not asked about plain objects, arrays and primitives.
 */
export function createPayloadCodec({ refs }: { readonly refs: RefFactory }): PayloadCodec {
  return new TaggedPayloadCodec(refs);
}

class TaggedPayloadCodec implements PayloadCodec {
  private readonly strings = new StringCache();
  /** Kept for the next value; absent while in use, because a getter of the value may itself send something. */
  private encoder: PayloadEncoder | undefined;

  constructor(private readonly refs: RefFactory) {}

  encode(value: unknown, rules: PayloadRules, isForOne = false): Uint8Array {
    if (value === undefined) return NOTHING;
    const encoder = this.encoder ?? new PayloadEncoder(this.refs);
    this.encoder = undefined;
    try {
      const bytes = encoder.encode(value, rules);
      if (isForOne) bodyMemory.lend(bytes);
      return bytes;
    } catch (error) {
      throw this.translated(error, value, rules);
    } finally {
      encoder.release();
      this.encoder = encoder;
    }
  }

  decode(bytes: Uint8Array, isOwn = false): unknown {
    if (bytes.length === 0) return undefined;
    return new PayloadDecoder(bytes, this.refs, this.strings, isOwn).decode();
  }

  copy(value: unknown, rules: PayloadRules): unknown {
    const type = typeof value;
    if (
      value === null ||
      (type !== 'object' && type !== 'function' && type !== 'symbol' && type !== 'string')
    ) {
      return value;
    }
    try {
      return new PayloadCopier(this.refs, rules, value).copy(value, 0);
    } catch (error) {
      throw this.translated(error, value, rules);
    }
  }

  private translated(error: unknown, value: unknown, rules: PayloadRules): Error {
    if (error instanceof PayloadTooLargeError || error instanceof UnserializableError) return error;
    return explain(value, rules, this.refs, error);
  }
}
