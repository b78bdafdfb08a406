import { Buffer } from 'node:buffer';
import { types } from 'node:util';

import type { RefFactory } from '../payload.interface.js';

/** What an object counts as in a payload. */
export type PayloadKind =
  | 'plain'
  | 'instance'
  | 'array'
  | 'date'
  | 'map'
  | 'set'
  | 'buffer'
  | 'typed-array'
  | 'array-buffer'
  | 'error'
  | 'ref'
  | 'refused';

const BUILT_IN_ERRORS: ReadonlySet<object> = new Set(
  [Error, TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError, AggregateError].map(
    (type) => type.prototype as object,
  ),
);

/** Classes whose instances keep their kind; an instance of a child class counts as one of its parent. */
const KEPT: Partial<Record<PayloadKind, object>> = {
  array: Array.prototype,
  date: Date.prototype,
  map: Map.prototype,
  set: Set.prototype,
};

/**
 * Which kind an object is of, by what it is and not by what it claims (internal slots, so also from another realm).
 * The one place that decides, so that encoding, copying and explaining cannot disagree.
 */
export function kindOf(value: object, refs: RefFactory): PayloadKind {
  if (Array.isArray(value)) return 'array';
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return 'plain';
  if (refs.describe(value) !== undefined) return 'ref';
  if (ArrayBuffer.isView(value)) return viewKind(value);
  if (types.isDate(value)) return 'date';
  if (types.isMap(value)) return 'map';
  if (types.isSet(value)) return 'set';
  if (types.isArrayBuffer(value)) return 'array-buffer';
  if (types.isNativeError(value) || value instanceof Error) return 'error';
  return refusalOf(value) !== undefined ? 'refused' : isRoot(prototype as object) ? 'plain' : 'instance';
}

/** Whether `instances: 'refuse'` forbids this object: it is of a class whose methods the receiver would miss. */
export function losesItsClass(value: object, kind: PayloadKind): boolean {
  if (kind === 'instance') return true;
  const prototype = Object.getPrototypeOf(value) as object;
  if (kind === 'error') return !BUILT_IN_ERRORS.has(prototype);
  const kept = KEPT[kind];
  return kept !== undefined && prototype !== kept;
}

/** Why an object cannot travel; `undefined` if its own fields say what it is. */
export function refusalOf(value: object): string | undefined {
  const { then, pipe, getReader } = value as { then?: unknown; pipe?: unknown; getReader?: unknown };
  if (typeof then === 'function') return 'a promise cannot travel: await it first';
  if (typeof pipe === 'function' || typeof getReader === 'function') return 'a stream cannot travel';
  const tag = Object.prototype.toString.call(value).slice(8, -1);
  if (tag === 'Object') return undefined;
  if (types.isBoxedPrimitive(value)) return `a ${tag} object cannot travel: send the primitive value`;
  // A class may name its instances as it likes; built-in ones keep what they are in slots that no field shows.
  return Object.keys(value).length === 0 ? `a ${tag} cannot travel` : undefined;
}

function viewKind(value: ArrayBufferView): PayloadKind {
  if (Buffer.isBuffer(value)) return 'buffer';
  return types.isTypedArray(value) ? 'typed-array' : 'refused';
}

/** A prototype without a parent: `Object.prototype` of another realm. */
function isRoot(prototype: object): boolean {
  return Object.getPrototypeOf(prototype) === null;
}
