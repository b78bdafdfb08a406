/** A small seeded generator (mulberry32), so that a failing case can be run again by its seed. */
export class Random {
  private state: number;

  constructor(seed: number) {
    this.state = seed >>> 0;
  }

  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  }

  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }

  bool(): boolean {
    return this.next() < 0.5;
  }

  bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.below(256)));
  }

  list<T>(most: number, item: () => T): T[] {
    return Array.from({ length: this.below(most + 1) }, item);
  }

  text(): string {
    const alphabet = this.pick(['abcdefgh', 'aé漢😀z', '\ud800a\udc00', ' "\\\n\u0000']);
    const length = this.pick([0, 1, 5, 12, 31, 32, 33, 43, 200]);
    return Array.from({ length }, () => alphabet[this.below(alphabet.length)] as string).join('');
  }

  name(): string {
    return `n${this.below(1000)}-${this.pick(['device', 'é漢', 'x'.repeat(60), ''])}`;
  }

  number(): number {
    return this.pick([
      0,
      -0,
      1,
      127,
      128,
      -1,
      -128,
      -129,
      32_767,
      32_768,
      -32_769,
      2 ** 31 - 1,
      2 ** 31,
      -(2 ** 31),
      2 ** 53,
      0.1,
      Number.NaN,
      Infinity,
      -Infinity,
      Number.MIN_VALUE,
      this.next() * 1e9,
    ]);
  }

  /** Any value that may travel. */
  value(depth = 0): unknown {
    const simple = [
      () => null,
      () => undefined,
      () => this.bool(),
      () => this.number(),
      () => this.text(),
      () => this.pick([0n, 1n, -1n, 2n ** 63n, -(2n ** 63n), 2n ** 200n, -(2n ** 200n) + 7n]),
      () => new Date(this.pick([0, 1.5e12, Number.NaN, -1])),
      () => this.bytes(this.below(40)),
      () => new Uint8Array(this.bytes(9)),
      () => new Float32Array([1.5, Number.NaN]),
      () => new BigInt64Array([1n, -1n]),
      () => new Int16Array(this.bytes(8).buffer.slice(0, 8)),
      () => new Uint8Array(this.bytes(5)).buffer,
      () => Object.assign(new TypeError(this.text()), { code: 'E1', detail: this.number(), skipped: {} }),
    ];
    if (depth > 4 || this.next() < 0.4) return this.pick(simple)();
    const deeper = (): unknown => this.value(depth + 1);
    return this.pick<() => unknown>([
      () => this.list(5, deeper),
      () => Object.fromEntries(this.list(6, () => [this.text(), deeper()] as const)),
      () => new Map(this.list(4, () => [deeper(), deeper()] as const)),
      () => new Set(this.list(4, deeper)),
      () => new Point(this.number(), deeper()),
      () => Object.assign(Object.create(null) as object, { bare: deeper() }),
    ])();
  }
}

/** A class of a user. */
export class Point {
  constructor(
    readonly x: number,
    readonly y: unknown,
  ) {}

  length(): number {
    return this.x;
  }
}
