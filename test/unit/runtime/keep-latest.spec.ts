import { describe, expect, it } from 'vitest';
import { keepLatest } from '../../../lib/runtime/keep-latest.js';

describe('the latest of many', () => {
  it('lets go of the one that was noted longest ago, also where that was noted before others', () => {
    const among = new Map<string, number>();
    for (const [key, value] of [
      ['a', 1],
      ['b', 2],
      ['a', 3],
      ['c', 4],
    ] as const)
      keepLatest(among, key, value, 2);
    expect([...among]).toEqual([
      ['a', 3],
      ['c', 4],
    ]);
  });
});
