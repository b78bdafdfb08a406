import { describe, expect, it } from 'vitest';

import { seeds } from '../../support/seeds.js';
import { gentle, lossy, modelOf, narrow, rough } from './models.js';
import { storyOfBroken, type Model } from './promises.js';

/** A few for whoever changes something; `npm run simulate` plays thousands, on all cores. */
const SEEDS = seeds(60);
const TIMEOUT_MS = 7_200_000;

describe(`histories of 50 and more steps, over ${SEEDS.length} seeds`, () => {
  it.each([
    ['keep all promises while nodes come and go one by one', gentle],
    ['keep all promises where links carry little', narrow],
    ['keep registries equal where links lose batches', lossy],
    ['keep what is promised under partitions, pauses and crashes', rough],
  ] as ReadonlyArray<readonly [string, Model]>)('%s', { timeout: TIMEOUT_MS }, async (_, model) => {
    for (const seed of SEEDS.filter((one) => modelOf(one) === model)) {
      const story = await storyOfBroken(model, seed);
      if (story) expect.fail(story);
    }
  });
});
