import type { SimulatedSwarm } from '../simulated-swarm.js';

/** From when nothing is under way any more until all nodes must show the same, and the truth. */
export const TRUE_WITHIN_MS = 1_000;
/**
 * The same where a link lost batches and did not break, which TCP does not do: the repair was lost too, is asked for again
 * by a later ping, and waits for what that tells of. Until then what has moved is shown where it was, for 5 s at most.
 */
export const REPAIRED_WITHIN_MS = 5_500;

/** Whether what nodes show is true soon after the last change, and not only in the end. */
export class Quiescence {
  readonly violations: string[] = [];
  /** Virtual time since which nothing was under way. */
  private quietSince: number | undefined;

  constructor(
    private readonly swarm: SimulatedSwarm,
    private readonly trueWithinMs: number,
  ) {}

  /** `busy`: what is under way. `wrong`: what is not as it must be. */
  look(busy: readonly string[], wrong: readonly string[]): void {
    const { now } = this.swarm;
    if (busy.length > 0) {
      this.quietSince = undefined;
      return;
    }
    this.quietSince ??= now;
    if (wrong.length === 0 || now - this.quietSince <= this.trueWithinMs) return;
    this.violations.push(
      ...wrong.map((what) => `P6: for ${now - this.quietSince!} ms nothing was under way, and ${what}`),
    );
    // Once is enough.
    this.quietSince = Infinity;
  }
}
