import { describe, expect, it } from 'vitest';
import { forgottenFence, forgottenTakeover } from './mutations/forgotten.history.js';

const SEEDS = Array.from({ length: 5 }, (_, index) => index + 1);

describe('a node that has forgotten what it fenced', () => {
  it.each([
    ['keeps no lease alive that it has helped to end', forgottenFence],
    ['lets it go on only as another one, which those who remember do not take for over', forgottenTakeover],
  ])('%s', async (_, history) => {
    for (const seed of SEEDS) {
      const { violations, story } = await history(seed);
      expect(violations, `seed ${seed}\n${story.join('\n')}`).toEqual([]);
    }
  });
});
