import { afterEach, describe, expect, it, vi } from 'vitest';
import type { SimulatedHistory } from './histories.js';
import type { Mutation } from './mutation.interface.js';
import { mutations } from './mutations.js';
import type { Outcome } from './outcome.js';

/** Where the code has changed so that other seeds are needed, all of them may be tried. */
const TIMEOUT_MS = 300_000;

/** Histories without a fault, which several faults share. */
const faultless = new Map<string, Outcome>();

describe('the simulation notices a node that', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it.each(mutations)('$name', { timeout: TIMEOUT_MS }, async (mutation) => {
    const { history, promise, firstSeed = 1, withinSeeds } = mutation;
    const found: string[] = [];
    for (let seed = firstSeed; seed < firstSeed + withinSeeds; seed++) {
      const { violations, story } = await withoutFault(history, seed);
      expect(violations, `without the fault, seed ${seed}\n${story.join('\n')}`).toEqual([]);
      const broken = await withFault(mutation, seed);
      if (broken.some((violation) => promise.test(violation))) return;
      found.push(...broken.map((violation) => `seed ${seed}: ${violation}`));
    }
    const tried = `${withinSeeds} seeds from ${firstSeed} under ${history.name}`;
    expect.fail(
      [`nothing that matches ${String(promise)} in ${tried}, but`, ...found.slice(0, 20)].join('\n'),
    );
  });
});

async function withoutFault(history: SimulatedHistory, seed: number): Promise<Outcome> {
  const key = `${history.name} ${seed}`;
  const outcome = faultless.get(key) ?? (await history.run(seed));
  faultless.set(key, outcome);
  return outcome;
}

async function withFault({ plant, history }: Mutation, seed: number): Promise<readonly string[]> {
  plant();
  const { violations } = await history.run(seed);
  vi.restoreAllMocks();
  return violations;
}
