import { describe, expect, it } from 'vitest';
import { enter, type InRing, leave, Ring } from '../../../lib/runtime/ring.js';
import { bytesGrownOld } from '../../support/old-space.js';

class One implements InRing {
  previous: InRing | undefined;
  next: InRing | undefined;
  readonly ballast = Array.from({ length: 100 }, () => 0);

  constructor(readonly name: number) {}
}

function ringOf(count: number): { ring: Ring<One>; all: One[] } {
  const ring = new Ring<One>();
  const all = Array.from({ length: count }, (_, name) => new One(name));
  for (const one of all) enter(ring, one);
  return { ring, all };
}

const names = (ring: Ring<One>): number[] => ring.members().map(({ name }) => name);

describe('a ring', () => {
  it('has its members in the order in which they came', () => {
    const { ring, all } = ringOf(4);
    expect(names(ring)).toEqual([0, 1, 2, 3]);
    leave(all[1]!);
    expect(names(ring)).toEqual([0, 2, 3]);
    enter(ring, all[1]!);
    expect(names(ring)).toEqual([0, 2, 3, 1]);
  });

  it('is empty when all have left, first, last or from between', () => {
    for (const order of [
      [0, 1, 2],
      [2, 1, 0],
      [1, 0, 2],
    ]) {
      const { ring, all } = ringOf(3);
      expect(ring.isEmpty).toBe(false);
      for (const index of order) expect(leave(all[index]!)).toBe(true);
      expect(ring.isEmpty).toBe(true);
      expect(names(ring)).toEqual([]);
    }
  });

  it('is not left twice, and not by who never entered it', () => {
    const { ring, all } = ringOf(2);
    leave(all[0]!);
    expect(leave(all[0]!)).toBe(false);
    expect(leave(new One(9))).toBe(false);
    expect(names(ring)).toEqual([1]);
  });

  it('keeps nothing that has left it from minor collections', () => {
    const { ring, all } = ringOf(64);
    const grown = bytesGrownOld(20, () => {
      for (let count = 0; count < 1_000; count++) {
        leave(all[count % 64]!);
        enter(ring, (all[count % 64] = new One(count)));
      }
    });
    // 20,000 of about 1 KB have come and gone.
    expect(grown).toBeLessThan(1_000_000);
  });
});
