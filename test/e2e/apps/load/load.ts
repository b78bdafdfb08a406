import type { SwarmRegistry } from 'nestjs-swarm';

/** Calls are due by the clock; this often what is due is sent. */
const TICK_MS = 5;
/** Calls that wait for an answer at most; beyond, the load is behind its plan. */
const IN_FLIGHT = 2_000;
/** A caller who waits longer calls it a failure. */
const PATIENCE_MS = 5_000;
/** Errors that are kept with their text. */
const ERRORS_KEPT = 20;

export interface LoadPlan {
  /** Names are the prefix and a number from 0 up. */
  readonly prefix: string;
  readonly names: number;
  /** Calls per second, over all names in turn. */
  readonly perSecond: number;
  /** The number of the name to begin with, so that two loads do not walk side by side. */
  readonly from?: number;
}

/** What callers saw since the last lap. */
export interface Lap {
  readonly calls: number;
  readonly failed: number;
  /** The longest time that a call waited for its answer, and whose. */
  readonly worstMs: number;
  readonly worstName: string;
}

export interface LoadReport {
  readonly calls: number;
  readonly perSecond: number;
  readonly failed: number;
  readonly errors: readonly string[];
  readonly worstMs: number;
  readonly worstName: string;
  /** Calls that were answered, by the number of the name. */
  readonly acknowledged: readonly number[];
}

/** Constant increments on many names, evenly over them and over time. */
export class Load {
  private readonly acknowledged: Uint32Array;
  /** The longest wait of each name. */
  private readonly waited: Float64Array;
  private readonly errors: string[] = [];
  private readonly began = performance.now();
  private readonly timer: NodeJS.Timeout;
  private calls = 0;
  private failed = 0;
  private inFlight = 0;
  private lapBegan = { calls: 0, failed: 0 };
  private lapWorst = { ms: 0, index: 0 };
  private drained: (() => void) | undefined;

  constructor(
    private readonly registry: SwarmRegistry,
    private readonly plan: LoadPlan,
  ) {
    this.acknowledged = new Uint32Array(plan.names);
    this.waited = new Float64Array(plan.names);
    this.timer = setInterval(() => this.sendDue(), TICK_MS);
  }

  /** What happened since the last lap, or the start. */
  lap(): Lap {
    const { calls, failed, lapBegan, lapWorst } = this;
    this.lapBegan = { calls, failed };
    this.lapWorst = { ms: 0, index: 0 };
    return {
      calls: calls - lapBegan.calls,
      failed: failed - lapBegan.failed,
      worstMs: lapWorst.ms,
      worstName: this.nameOf(lapWorst.index),
    };
  }

  /** Sends no more, and resolves when every call has been answered or has failed. */
  async stop(): Promise<LoadReport> {
    clearInterval(this.timer);
    const seconds = (performance.now() - this.began) / 1_000;
    if (this.inFlight > 0) {
      await new Promise<void>((resolve) => {
        this.drained = resolve;
      });
    }
    const worst = this.waited.reduce(
      (longest, ms, index) => (ms > this.waited[longest]! ? index : longest),
      0,
    );
    return {
      calls: this.calls,
      perSecond: this.calls / seconds,
      failed: this.failed,
      errors: this.errors,
      worstMs: this.waited[worst] ?? 0,
      worstName: this.nameOf(worst),
      acknowledged: [...this.acknowledged],
    };
  }

  private sendDue(): void {
    const due = Math.floor(((performance.now() - this.began) * this.plan.perSecond) / 1_000);
    while (this.calls < due && this.inFlight < IN_FLIGHT) this.send();
  }

  private send(): void {
    const { names, from = 0 } = this.plan;
    const index = (from + this.calls++) % names;
    const began = performance.now();
    this.inFlight++;
    this.registry
      .call(this.nameOf(index), 'add', undefined, { timeoutMs: PATIENCE_MS })
      .then(
        () => {
          this.acknowledged[index]!++;
          if (performance.now() - began > PATIENCE_MS) this.fail(index, 'was answered too late');
        },
        (error: Error) => this.fail(index, `${error.name}: ${error.message}`),
      )
      .finally(() => this.ended(index, performance.now() - began));
  }

  private ended(index: number, ms: number): void {
    if (ms > this.waited[index]!) this.waited[index] = ms;
    if (ms > this.lapWorst.ms) this.lapWorst = { ms, index };
    if (--this.inFlight === 0) this.drained?.();
  }

  private fail(index: number, what: string): void {
    this.failed++;
    if (this.errors.length < ERRORS_KEPT) this.errors.push(`${this.nameOf(index)}: ${what}`);
  }

  private nameOf(index: number): string {
    return `${this.plan.prefix}${index}`;
  }
}
