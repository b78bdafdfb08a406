/** Looked at so often only: a look costs as much as a small task of the simulation. */
const TASKS_PER_LOOK = 64;

/** Real time in which a case of the study has to end. */
export class TimeBudget {
  private readonly began = performance.now();
  private asked = 0;
  private isSpent = false;

  /** @param seconds of real time, Infinity for as long as it takes */
  constructor(private readonly seconds: number) {}

  get usedSeconds(): number {
    return (performance.now() - this.began) / 1000;
  }

  readonly isOver = (): boolean => {
    if (++this.asked % TASKS_PER_LOOK === 0) this.isSpent ||= this.usedSeconds > this.seconds;
    return this.isSpent;
  };
}

/** A case was not done when its time was up. */
export class OutOfBudgetError extends Error {
  constructor(
    /** Milliseconds of virtual time at which it was stopped. */
    readonly virtualMs: number,
    /** Real seconds that it had taken by then. */
    readonly seconds: number,
  ) {
    super(`not done after ${seconds.toFixed(0)} s, at ${virtualMs.toFixed(0)} ms of virtual time`);
  }
}
