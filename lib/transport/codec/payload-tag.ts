/**
 * First byte of each value of a payload. Below `0xc0` the byte also carries the value or its length:
 * `0x00-0x7f` an integer, `0x80-0x9f` a string, `0xa0-0xaf` an object, `0xb0-0xbf` an array.
 * Numbers on the wire; one is never given to another kind of value.
 */
export const PayloadTag = {
  ShortString: 0x80,
  ShortObject: 0xa0,
  ShortArray: 0xb0,
  Null: 0xc0,
  Undefined: 0xc1,
  False: 0xc2,
  True: 0xc3,
  Int8: 0xc4,
  Int16: 0xc5,
  Int32: 0xc6,
  Float64: 0xc7,
  String: 0xc8,
  /** UTF-16: a string with lone surrogates, which UTF-8 cannot carry. */
  String16: 0xc9,
  Object: 0xca,
  Array: 0xcb,
  Date: 0xcc,
  Map: 0xcd,
  Set: 0xce,
  Buffer: 0xcf,
  ArrayBuffer: 0xd0,
  TypedArray: 0xd1,
  BigInt64: 0xd2,
  BigPositive: 0xd3,
  BigNegative: 0xd4,
  Error: 0xd5,
  Ref: 0xd6,
} as const;

/** Containers in containers in …: more is a mistake or an attack, and would overflow the stack. */
export const MAX_DEPTH = 200;

/** Keys that must never become a property of an object made from received bytes. */
export function isForbiddenKey(key: string): boolean {
  const { length } = key;
  if (length !== 9 && length !== 11) return false;
  return key === '__proto__' || key === 'prototype' || key === 'constructor';
}
