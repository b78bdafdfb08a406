import { Readable } from 'node:stream';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';

import { PayloadTooLargeError, UnserializableError } from '../../../lib/errors/index.js';
import { createPayloadCodec } from '../../../lib/transport/codec/payload.codec.js';
import type { PayloadRules } from '../../../lib/transport/payload.interface.js';
import { Point, Random } from './support/random.js';

class Ref {
  constructor(
    readonly name: string,
    readonly type: string,
  ) {}
}
const codec = createPayloadCodec({
  refs: {
    describe: (value) => (value instanceof Ref ? { name: value.name, type: value.type } : undefined),
    make: (name, type) => new Ref(name, type),
  },
});
const rules: PayloadRules = { root: 'data', instances: 'flatten', maxBytes: 1024 * 1024 };
const strict: PayloadRules = { ...rules, instances: 'refuse' };
const trip = (value: unknown): unknown => codec.decode(codec.encode(value, rules));

function fault(value: unknown, under: PayloadRules = rules): UnserializableError {
  const errors = [codec.encode, codec.copy].map((method) => {
    try {
      method.call(codec, value, under);
    } catch (error) {
      return error as UnserializableError;
    }
    return undefined;
  });
  expect(errors[0]).toBeInstanceOf(UnserializableError);
  expect(errors[1]?.message).toBe(errors[0]?.message);
  return errors[0] as UnserializableError;
}

describe('payload codec', () => {
  it.each([
    null,
    true,
    false,
    0,
    1,
    127,
    128,
    -1,
    -128,
    -129,
    40_000,
    -40_000,
    2 ** 31,
    2 ** 53,
    0.1,
    Number.NaN,
    Infinity,
    -Infinity,
    -0,
    '',
    'plain',
    'é漢😀',
    'x'.repeat(31),
    'x'.repeat(32),
    'é'.repeat(31),
    'x'.repeat(5000),
    '\ud800 lone',
    0n,
    2n ** 63n - 1n,
    2n ** 63n,
    -(2n ** 63n) - 1n,
    123n ** 99n,
    new Date(1234),
    new Date(Number.NaN),
    [],
    [1, [2, [undefined, null]]],
    { a: undefined, b: { c: [] } },
    new Map<unknown, unknown>([
      ['k', 1],
      [{ o: 1 }, new Set([1, 'x'])],
    ]),
    Buffer.from('bytes'),
    new Uint8Array([1, 2]),
    new Uint8ClampedArray([1, 300]),
    new Int8Array([-1]),
    new Uint16Array([65_535]),
    new Int16Array([-5]),
    new Uint32Array([7]),
    new Int32Array([-7]),
    new Float32Array([1.5]),
    new Float64Array([Math.PI]),
    new BigInt64Array([-1n]),
    new BigUint64Array([2n ** 64n - 1n]),
    new Uint8Array([9, 8]).buffer,
  ])('keeps %o', (value) => {
    for (const seen of [trip(value), codec.copy(value, rules)]) {
      expect(seen).toStrictEqual(value);
      if (typeof value === 'object' && value !== null) expect(seen).not.toBe(value);
    }
  });

  it('sends undefined as nothing and keeps an own field that is undefined', () => {
    expect(codec.encode(undefined, rules)).toHaveLength(0);
    expect(trip(undefined)).toBeUndefined();
    expect(Object.hasOwn(trip({ gone: undefined }) as object, 'gone')).toBe(true);
  });

  it('keeps a Buffer a Buffer and shares no memory', () => {
    const bytes = codec.encode({ buffer: Buffer.from('abc'), view: new Uint16Array([1, 2]) }, rules);
    const seen = codec.decode(bytes) as { buffer: Buffer; view: Uint16Array };
    bytes.fill(0);
    expect(Buffer.isBuffer(seen.buffer)).toBe(true);
    expect(seen.buffer.toString()).toBe('abc');
    expect([...seen.view]).toEqual([1, 2]);
  });

  it('sends errors without their stack, with their simple fields', () => {
    class OrderError extends Error {
      override name = 'OrderError';
      readonly code = 'E_ORDER';
      readonly items = [1];
      readonly count = 3;
    }
    for (const seen of [
      trip(new OrderError('no')),
      codec.copy(new OrderError('no'), rules),
    ] as OrderError[]) {
      expect(seen).toBeInstanceOf(Error);
      expect(seen).not.toBeInstanceOf(OrderError);
      expect(seen.stack).toBe('OrderError: no');
      expect({ ...seen, name: seen.name, message: seen.message }).toEqual({
        name: 'OrderError',
        message: 'no',
        code: 'E_ORDER',
        count: 3,
      });
    }
  });

  it('makes refs again, flattens instances, and reads other realms', () => {
    const seen = trip({
      ref: new Ref('a', 'A'),
      point: new Point(1, [2]),
      far: runInNewContext('({ d: new Date(5), m: new Map([[1, 2]]) })'),
    });
    expect(seen).toStrictEqual({
      ref: new Ref('a', 'A'),
      point: { x: 1, y: [2] },
      far: { d: new Date(5), m: new Map([[1, 2]]) },
    });
  });

  it('sends one object at two places twice', () => {
    const shared = { n: 1 };
    const seen = trip([shared, shared]) as unknown[];
    expect(seen).toEqual([{ n: 1 }, { n: 1 }]);
    expect(seen[0]).not.toBe(seen[1]);
  });

  it.each<[string, unknown, string]>([
    ['a function', { items: [1, 2, 3, { done: () => 1 }] }, 'data.items[3].done'],
    ['a symbol', { 'a b': Symbol('s') }, 'data["a b"]'],
    ['a promise', [Promise.resolve()], 'data[0]'],
    ['a stream', { body: Readable.from([]) }, 'data.body'],
    ['a WeakMap', { w: new WeakMap() }, 'data.w'],
    ['a RegExp', { r: /x/ }, 'data.r'],
    ['a URL', { u: new URL('http://x') }, 'data.u'],
    ['a boxed string', { s: Object('x') as unknown }, 'data.s'],
    ['a generator', { g: [1].values() }, 'data.g'],
    ['a DataView', new DataView(new ArrayBuffer(1)), 'data'],
    ['shared memory', { b: new SharedArrayBuffer(1) }, 'data.b'],
    ['a map value', { map: new Map([['k', () => 1]]) }, 'data.map("k")'],
    ['a map key', new Map([[() => 1, 1]]), 'data.keys()[0]'],
    ['a set item', new Set([1, () => 1]), 'data.values()[1]'],
    ['a forbidden key', JSON.parse('{"a":{"__proto__":1}}'), 'data.a.__proto__'],
    ['a function itself', () => 1, 'data'],
    [
      'a throwing getter',
      {
        a: {
          get b() {
            throw new Error('boom');
          },
        },
      },
      'data.a.b',
    ],
  ])('refuses %s with its path', (_, value, path) => {
    expect(fault(value).path).toBe(path);
  });

  it('refuses cycles and depth with their path', () => {
    const cycle: Record<string, unknown> = { list: [] };
    (cycle['list'] as unknown[]).push({ back: cycle });
    expect(fault(cycle).path).toBe('data.list[0].back');
    let deep: unknown = 1;
    for (let level = 0; level < 200; level += 1) deep = [deep];
    expect(trip(deep)).toEqual(deep);
    expect(codec.copy(deep, rules)).toEqual(deep);
    expect(fault([deep]).reason).toContain('200');
  });

  it('refuses instances where they would lose their methods', () => {
    class Basket extends Map<unknown, unknown> {}
    expect(fault({ p: [new Point(1, 2)] }, strict).path).toBe('data.p[0]');
    expect(fault({ p: new Point(1, 2) }, strict).reason).toContain('Point');
    expect(fault(new Basket(), strict).reason).toContain('Basket');
    const fine = {
      d: new Date(1),
      m: new Map(),
      e: new TypeError('x'),
      r: new Ref('a', 'A'),
      b: Buffer.from('x'),
    };
    expect(() => codec.encode(fine, strict)).not.toThrow();
    expect(trip(new Basket([[1, 2]]))).toStrictEqual(new Map([[1, 2]]));
  });

  it('refuses what is too large, before it is written', () => {
    const small: PayloadRules = { ...rules, maxBytes: 100 };
    for (const value of [
      'x'.repeat(101),
      Buffer.alloc(101),
      Array.from({ length: 101 }, () => 1),
      Object.assign([], { length: 1e9 }),
    ]) {
      expect(() => codec.encode(value, small)).toThrow(PayloadTooLargeError);
      expect(() => codec.copy(value, small)).toThrow(PayloadTooLargeError);
    }
    let shared: unknown = { x: 1 };
    for (let level = 0; level < 60; level += 1) shared = { a: shared, b: shared };
    expect(() => codec.encode(shared, rules)).toThrow(PayloadTooLargeError);
    expect(() => codec.copy(shared, rules)).toThrow(PayloadTooLargeError);
  });

  it.each<[string, (item: unknown) => unknown]>([
    [
      'maps',
      (item) =>
        new Map([
          ['a', item],
          ['b', item],
        ]),
    ],
    ['sets', (item) => new Set([[item], [item]])],
  ])('refuses %s that are shared a billion times over', (_, around) => {
    const small: PayloadRules = { ...rules, maxBytes: 1000 };
    let shared: unknown = 1;
    for (let level = 0; level < 60; level += 1) shared = around(shared);
    expect(() => codec.encode(shared, small)).toThrow(PayloadTooLargeError);
    expect(() => codec.copy(shared, small)).toThrow(PayloadTooLargeError);
  });

  it.each<[string, (item: unknown) => unknown]>([
    ['arrays', (item) => [item, item]],
    ['objects', (item) => ({ a: item, b: item })],
    ['maps', (item) => new Map([[1, item]]).set(2, item)],
    ['sets', (item) => new Set([[item], [item]])],
  ])('finds out soon that %s are too large which hold the same again and again', (_, around) => {
    let looks = 0;
    const large: PayloadRules = { ...rules, maxBytes: 64 * 1024 * 1024 };
    let shared: unknown = {
      get look(): number {
        return looks++;
      },
    };
    for (let level = 0; level < 26; level += 1) shared = around(shared);
    for (const send of [codec.encode.bind(codec), codec.copy.bind(codec)]) {
      looks = 0;
      expect(() => send(shared, large)).toThrow(PayloadTooLargeError);
      expect(looks, 'of 67 million ways to it').toBeLessThan(600_000);
    }
  });

  it('takes what is just not too large, here as on its way', () => {
    const shared = Array.from({ length: 100 }, (_, index) => ({
      [`key ${index}`]: [index, [], '', new Date(0)],
    }));
    for (const value of [
      Array.from({ length: 700_000 }, () => []),
      Array.from({ length: 1_000 }, () => shared),
      { text: 'x'.repeat(600_000), more: Array.from({ length: 100_000 }, () => new Map([['', undefined]])) },
      [Buffer.alloc(600_000), new Float64Array(10), new Set([1n, null, true]), new Error('no', { cause: 1 })],
    ]) {
      const { length: maxBytes } = codec.encode(value, { ...rules, maxBytes: 64 * 1024 * 1024 });
      const exact: PayloadRules = { ...rules, maxBytes };
      expect(codec.encode(value, exact)).toHaveLength(maxBytes);
      expect(() => codec.copy(value, exact)).not.toThrow();
      expect(() => codec.encode(value, { ...rules, maxBytes: maxBytes - 1 })).toThrow(PayloadTooLargeError);
    }
  });

  it('refuses what throws when it is looked at', () => {
    class Touchy {
      get pipe(): never {
        throw new Error('do not touch');
      }
    }
    for (const value of [new Touchy(), { inner: new Touchy() }]) {
      expect(() => codec.encode(value, rules)).toThrow(UnserializableError);
      expect(() => codec.copy(value, rules)).toThrow(/do not touch/);
    }
  });

  it('survives a getter that encodes', () => {
    const value = {
      get inner() {
        return codec.encode({ deep: 'x'.repeat(50) }, rules).length;
      },
      after: 'ok',
    };
    expect(trip(value)).toEqual({ inner: expect.any(Number) as number, after: 'ok' });
  });

  it('copies exactly what a receiver would see (2,000 random values)', () => {
    for (let seed = 1; seed <= 2000; seed += 1) {
      const value = new Random(seed).value();
      const seen = trip(value);
      expect(codec.copy(value, rules), `seed ${seed}`).toStrictEqual(seen);
      expect(trip(seen), `seed ${seed}`).toStrictEqual(seen);
    }
  });

  it('refuses broken bytes with a typed error and pollutes nothing (20,000 mutations)', () => {
    const random = new Random(7);
    for (let round = 0; round < 20_000; round += 1) {
      const bytes = Buffer.from(codec.encode([random.value()], rules));
      if (random.bool()) bytes[random.below(bytes.length)] = random.below(256);
      const cut = random.bool() ? bytes : bytes.subarray(0, random.below(bytes.length + 1));
      try {
        codec.decode(cut);
      } catch (error) {
        expect(error).toBeInstanceOf(UnserializableError);
      }
    }
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it.each([
    ['a field called __proto__', [0xa1, 0x89, ...Buffer.from('__proto__'), 0xa0]],
    ['a field called prototype', [0xa1, 0x89, ...Buffer.from('prototype'), 0xa0]],
    ['a field called constructor', [0xb1, 0xa1, 0x8b, ...Buffer.from('constructor'), 0xa0]],
    [
      'a field called constructor, written the long way',
      [0xa1, 0xc8, 11, ...Buffer.from('constructor'), 0xa0],
    ],
    ['a field called __proto__ in UTF-16', [0xca, 1, 0xc9, 18, ...Buffer.from('__proto__', 'utf16le'), 0xa0]],
    [
      'an error with a field called constructor',
      [0xd5, 0x80, 0x80, 1, 0x8b, ...Buffer.from('constructor'), 0xa0],
    ],
    ['trailing bytes', [1, 1]],
    ['a count without items', [0xcb, 0xff, 0xff, 0xff, 0x7f]],
    ['a number that never ends', [0xcb, ...Array.from({ length: 20 }, () => 0xff)]],
    ['nesting without end', Array.from({ length: 100_000 }, () => 0xb1)],
    ['half a typed array', [0xd1, 3, 1, 0]],
    ['an unknown tag', [0xff]],
  ])('refuses %s', (_, bytes) => {
    expect(() => codec.decode(Buffer.from(bytes))).toThrow(UnserializableError);
  });
});
