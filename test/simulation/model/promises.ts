// Runs plans one by one, and makes the first that breaks a promise as small as it can be.
import * as fc from 'fast-check';
import type { Arbitrary } from 'fast-check';

import type { Plan } from './plan.js';

/** What came of a plan. */
export interface Outcome {
  readonly violations: readonly string[];
  /** What happened, a line each, with virtual times. */
  readonly story: readonly string[];
}

/** What it takes to make plans, and to carry one out. */
export interface Model<Kind extends string = string> {
  readonly plans: Arbitrary<Plan<Kind>>;
  play(plan: Plan<Kind>): Promise<Outcome>;
}

/** A failing history is made smaller for so long. */
const SHRINK_MS = 60_000;

/** The plan of a seed: always the same one. */
export function planOf<Kind extends string>({ plans }: Model<Kind>, seed: number): Plan<Kind> {
  const [plan] = fc.sample(plans, { seed, numRuns: 1 });
  if (!plan) throw new RangeError(`there is no plan of seed ${seed}`);
  return plan;
}

/**
 * Plays the history of a seed.
 *
 * @returns the smallest history found that breaks a promise, as a story that can be read and a plan that can be kept;
 * `undefined` where all were kept
 */
export async function storyOfBroken<Kind extends string>(
  model: Model<Kind>,
  seed: number,
): Promise<string | undefined> {
  const { violations } = await model.play(planOf(model, seed));
  return violations.length > 0 ? smallest(model, seed, violations) : undefined;
}

async function smallest<Kind extends string>(
  model: Model<Kind>,
  seed: number,
  before: readonly string[],
): Promise<string> {
  // Another promise that is broken on the way down would be another failure.
  const same = promisesIn(before);
  const breaks = async (plan: Plan<Kind>): Promise<boolean> => {
    const { violations } = await model.play(plan);
    return promisesIn(violations).some((promise) => same.includes(promise));
  };
  const property = fc.asyncProperty(model.plans, async (plan) => !(await breaks(plan)));
  const { counterexample } = await fc.check(property, {
    seed,
    numRuns: 1,
    interruptAfterTimeLimit: SHRINK_MS,
  });
  const plan = counterexample?.[0] ?? planOf(model, seed);
  const { violations, story } = await model.play(plan);
  return [
    `seed ${seed}: ${plan.steps.length} steps are enough`,
    ...violations,
    '',
    ...story,
    '',
    'as a plan:',
    JSON.stringify(plan),
  ].join('\n');
}

/** `P4` of `P4: "name-3" was registered and is gone`; the first words of what is no promise by name. */
function promisesIn(violations: readonly string[]): string[] {
  return violations.map(
    (violation) => /^P\d/.exec(violation)?.[0] ?? violation.replaceAll(/"[^"]*"|\d+/g, '…'),
  );
}
