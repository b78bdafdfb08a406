import { describe, expect, it } from 'vitest';
import { LoopSlice } from '../../../lib/runtime/loop-slice.js';

const PROMISED_MS = 5;
/** More than are let through without a look at the clock. */
const MANY = 100;

describe('a slice between two turns of the event loop', () => {
  it('is over within 5 ms of work, and begins anew', () => {
    const slice = new LoopSlice(0);
    let now = 0;
    for (let round = 0; round < 3; round++) {
      const began = now;
      while (!slice.isOver(now)) now += 0.01;
      expect(now - began).toBeLessThanOrEqual(PROMISED_MS);
      slice.begin(now);
    }
  });

  it('is not over for those that come one by one, however long ago it began', () => {
    const slice = new LoopSlice(0);
    expect([slice.isOver(1_000), slice.isOver(2_000)]).toEqual([false, false]);
    for (let count = 0; count < MANY; count++) slice.isOver(2_000);
    expect(slice.isOver(2_000)).toBe(true);
  });

  it('is over soon after 4 ms where the clock is looked at for few pieces of work only', () => {
    const slice = new LoopSlice(0);
    let now = 0;
    let looks = 0;
    let pieces = 0;
    const clock = (): number => (looks++, now);
    for (let round = 0; round < 3; round++) {
      const began = now;
      for (; !slice.isOverBy(clock); pieces++) now += 0.01;
      expect(now - began).toBeLessThanOrEqual(PROMISED_MS);
      slice.begin(now);
    }
    expect(looks).toBeLessThanOrEqual(pieces / 10);
  });

  it('is over for one in a few where nobody says that the event loop had its turns in between', () => {
    const slice = new LoopSlice(0);
    const over = Array.from({ length: MANY }, () => slice.isOverBy(() => 1_000)).filter(Boolean);
    expect(over.length).toBeGreaterThan(0);
    expect(over.length).toBeLessThanOrEqual(MANY / 10);
  });
});
