import { describe, expect, it } from 'vitest';

import { seeds } from '../../support/seeds.js';
import { gentle, happened, lossy, narrow, rough } from './models.js';
import { expectPromisesKept } from './promises.js';

/** A few for whoever changes something; `npm run simulate` runs thousands, on all cores. */
const SEEDS = seeds(60);
/** Every so many seeds one is of a rough history, which takes as much longer. */
const ROUGH_EVERY = 8;
/** And one of links that lose what they carry. */
const LOSSY_EVERY = 10;
/** And one of links that carry little. */
const NARROW_EVERY = 10;
const TIMEOUT_MS = 7_200_000;

const isRough = (seed: number): boolean => seed % ROUGH_EVERY === 0;
const isNarrow = (seed: number): boolean => !isRough(seed) && seed % NARROW_EVERY === 3;
const isLossy = (seed: number): boolean => !isRough(seed) && seed % LOSSY_EVERY === 1;

describe(`histories of 50 and more steps, over ${SEEDS.length} seeds`, () => {
  it('keep all promises while nodes come and go one by one', { timeout: TIMEOUT_MS }, () =>
    expectPromisesKept(
      gentle,
      SEEDS.filter((seed) => !isRough(seed) && !isLossy(seed) && !isNarrow(seed)),
    ),
  );

  it('keep all promises where links carry little', { timeout: TIMEOUT_MS }, () =>
    expectPromisesKept(narrow, SEEDS.filter(isNarrow)),
  );

  it('keep registries equal where links lose batches', { timeout: TIMEOUT_MS }, () =>
    expectPromisesKept(lossy, SEEDS.filter(isLossy)),
  );

  it('keep what is promised under partitions, pauses and crashes', { timeout: TIMEOUT_MS }, async () => {
    const ran = SEEDS.filter(isRough);
    await expectPromisesKept(rough, ran);
    if (ran.length >= 50) expect(Object.keys(happened).length).toBeGreaterThanOrEqual(16);
  });
});
