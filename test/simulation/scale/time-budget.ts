/** Looked at so often only: a look, which asks all threads of the process, costs as much as a task of the simulation. */
const TASKS_PER_LOOK = 1_024;

/** Processor time in which a case of the study has to end. */
export class TimeBudget {
  private readonly began = processorSeconds();
  private asked = 0;
  private isSpent = false;

  /** @param seconds of processor time, Infinity for as long as it takes */
  constructor(private readonly seconds: number) {}

  get usedSeconds(): number {
    return processorSeconds() - this.began;
  }

  readonly isOver = (): boolean => {
    if (++this.asked % TASKS_PER_LOOK === 0) this.isSpent ||= this.usedSeconds > this.seconds;
    return this.isSpent;
  };
}

function processorSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** A case was not done when its time was up. */
export class OutOfBudgetError extends Error {
  constructor(
    /** Milliseconds of virtual time at which it was stopped. */
    readonly virtualMs: number,
    /** Seconds of processor time that it had taken by then. */
    readonly seconds: number,
  ) {
    super(
      `not done after ${seconds.toFixed(0)} s of processor time, at ${virtualMs.toFixed(0)} ms of virtual time`,
    );
  }
}
