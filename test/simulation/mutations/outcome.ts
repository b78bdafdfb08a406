import type { SimulatedSwarm } from '../simulated-swarm.js';

/** What happened under one seed. */
export interface Outcome {
  /** What was not as promised; each begins with the promise if it is one by name. */
  readonly violations: readonly string[];
  readonly story: readonly string[];
}

/** Plays a history to its end. A fault may be such that it cannot go on: then that is a violation too. */
export async function outcomeOf(
  { story }: SimulatedSwarm,
  history: { readonly violations: readonly string[]; run(): Promise<void> },
): Promise<Outcome> {
  try {
    await history.run();
    return { violations: history.violations, story };
  } catch (error) {
    return { violations: [...history.violations, `the history ended early: ${String(error)}`], story };
  }
}
