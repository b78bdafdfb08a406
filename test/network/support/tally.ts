interface Outcome {
  passed: number;
  failed: number;
  readonly times: Map<string, number[]>;
}

/** What came of scenarios that were played many times. */
export class Tally {
  private readonly outcomes = new Map<string, Outcome>();

  /** Plays a scenario once, and counts what comes of it; it answers what was measured, in milliseconds. */
  async count(name: string, play: () => Promise<Readonly<Record<string, number>>>): Promise<void> {
    let outcome = this.outcomes.get(name);
    if (!outcome) this.outcomes.set(name, (outcome = { passed: 0, failed: 0, times: new Map() }));
    // Until it has passed: its test may be given up.
    outcome.failed++;
    for (const [what, ms] of Object.entries(await play()))
      outcome.times.set(what, [...(outcome.times.get(what) ?? []), ms]);
    outcome.failed--;
    outcome.passed++;
  }

  /** One line per scenario. */
  lines(): string[] {
    return [...this.outcomes].map(([name, { passed, failed, times }]) => {
      const took = [...times].map(([what, all]) => `${what} ${median(all)} (worst ${worst(all)}) ms`);
      return `${name}: ${passed} passed, ${failed} failed; ${took.join(', ')}`;
    });
  }
}

function median(times: readonly number[]): number {
  return Math.round([...times].sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0);
}

function worst(times: readonly number[]): number {
  return Math.round(Math.max(...times));
}
