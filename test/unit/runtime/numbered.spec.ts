import { describe, expect, it } from 'vitest';
import { Numbered, NUMBERS } from '../../../lib/runtime/numbered.js';
import { seededRandom } from '../../../lib/runtime/virtual.runtime.js';
import { bytesGrownOld } from '../../support/old-space.js';

interface One {
  readonly id: number;
}

function add(table: Numbered<One>): One {
  const one = { id: table.nextId(), ballast: Array.from({ length: 100 }, () => 0) };
  table.add(one);
  return one;
}

describe('a table of numbered things', () => {
  it('finds each by its number, and nothing by another', () => {
    const table = new Numbered<One>(10);
    const [a, b] = [add(table), add(table)];
    expect([a.id, b.id]).toEqual([11, 12]);
    expect([table.get(11), table.get(12)]).toEqual([a, b]);
    expect([table.get(10), table.get(13), table.get(11 + 64), table.get(-1), table.get(0.5)]).toEqual(
      Array(5).fill(undefined),
    );
  });

  it('has nobody who was taken out, and takes nobody out twice', () => {
    const table = new Numbered<One>(0);
    const one = add(table);
    expect(table.delete(one)).toBe(true);
    expect([table.get(one.id), table.size, table.values()]).toEqual([undefined, 0, []]);
    expect(table.delete(one)).toBe(false);
    expect(table.size).toBe(0);
  });

  it('goes on at 0 after the highest number, in order', () => {
    const table = new Numbered<One>(NUMBERS - 3);
    const all = [add(table), add(table), add(table), add(table)];
    expect(all.map(({ id }) => id)).toEqual([NUMBERS - 2, NUMBERS - 1, 0, 1]);
    expect(table.values()).toEqual(all);
  });

  it('gives no number whose place is taken, however long somebody stays', () => {
    const table = new Numbered<One>(0);
    const stays = add(table);
    for (let count = 0; count < 1_000; count++) {
      const one = add(table);
      expect(table.get(one.id)).toBe(one);
      table.delete(one);
    }
    expect(table.get(stays.id)).toBe(stays);
    expect(table.values()).toEqual([stays]);
  });

  it('is as a Map would be, in whichever order they come and go', () => {
    const random = seededRandom(7);
    const table = new Numbered<One>(Math.floor(random() * NUMBERS));
    const map = new Map<number, One>();
    for (let step = 0; step < 20_000; step++) {
      // Grows to some thousands, and is empty again and again.
      if (random() < (Math.floor(step / 4_000) % 2 === 0 ? 0.8 : 0.2)) {
        const one = add(table);
        expect(map.has(one.id)).toBe(false);
        map.set(one.id, one);
      } else {
        const ids = [...map.keys()];
        const one = map.get(ids[Math.floor(random() * ids.length)] ?? -1);
        if (!one) continue;
        map.delete(one.id);
        expect(table.delete(one)).toBe(true);
      }
      expect(table.size).toBe(map.size);
    }
    expect(table.values()).toEqual([...map.values()]);
    for (const [id, one] of map) expect(table.get(id)).toBe(one);
  });

  it('keeps nothing that was taken out from minor collections', () => {
    const table = new Numbered<One>(0);
    const all = Array.from({ length: 64 }, () => add(table));
    const grown = bytesGrownOld(20, () => {
      for (let count = 0; count < 1_000; count++) {
        table.delete(all[count % 64]!);
        all[count % 64] = add(table);
      }
    });
    // 20,000 of about 1 KB have come and gone.
    expect(grown).toBeLessThan(1_000_000);
  });
});
