/** Typed arrays by their number on the wire: append only. */
const TYPED_ARRAYS = [
  Uint8Array,
  Uint8ClampedArray,
  Int8Array,
  Uint16Array,
  Int16Array,
  Uint32Array,
  Int32Array,
  Float32Array,
  Float64Array,
  BigUint64Array,
  BigInt64Array,
] as const;

/** The number of a typed array's kind, -1 if it has none. An instance of a child class counts as one of its parent. */
export function typedArrayKind(value: object): number {
  const tag = (value as { [Symbol.toStringTag]?: unknown })[Symbol.toStringTag];
  return TYPED_ARRAYS.findIndex((type) => type.name === tag);
}

/** A typed array over memory of its own; `undefined` if the number is of no kind or the bytes make no whole items. */
export function typedArrayFrom(kind: number, bytes: Uint8Array): ArrayBufferView | undefined {
  const type = TYPED_ARRAYS[kind];
  if (type === undefined || bytes.byteLength % type.BYTES_PER_ELEMENT !== 0) return undefined;
  return new type(arrayBufferFrom(bytes));
}

/** The bytes of a view, not copied. */
export function bytesOf(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

/** A copy of the bytes as an `ArrayBuffer` of exactly their length. */
export function arrayBufferFrom(bytes: Uint8Array): ArrayBuffer {
  const copied = new ArrayBuffer(bytes.byteLength);
  new Uint8Array(copied).set(bytes);
  return copied;
}
