import { sharedNow } from './load.js';

/** What a load has seen. */
export interface LoadReport {
  /** Calls that were answered. */
  readonly calls: number;
  /** Calls that failed, by the code of their error. */
  readonly failed: Readonly<Record<string, number>>;
  /** Between a call and its answer, in milliseconds: the longest, which is how long a name has paused. */
  readonly longestMs: number;
  /** What answered calls have added and the workers do not have. */
  readonly lost: number;
}

const TICK_MS = 1;
/** Most calls that are made up for at once, where the process was held up. */
const MOST_AT_ONCE = 500;

/**
 * Calls names in turn at a steady rate, whether or not earlier calls are answered: so a pause of a worker is seen by all
 * calls that fall into it, and not only by those that a closed loop would get to.
 */
export class SteadyLoad {
  private readonly acknowledged: Float64Array;
  private readonly failed: Record<string, number> = {};
  private readonly open = new Set<Promise<void>>();
  private readonly timer: NodeJS.Timeout;
  private readonly began = sharedNow();
  private sent = 0;
  private calls = 0;
  private longestMs = 0;

  constructor(
    private readonly names: readonly string[],
    private readonly perSecond: number,
    /** Adds to the worker and returns its total. */
    private readonly add: (name: string, by: number) => Promise<number>,
  ) {
    this.acknowledged = new Float64Array(names.length);
    this.timer = setInterval(() => this.tick(), TICK_MS);
  }

  /** Forgets how long calls have taken so far. */
  beginPhase(): void {
    this.longestMs = this.calls = 0;
  }

  /** How long calls have taken since the phase began. */
  phase(): { readonly calls: number; readonly longestMs: number } {
    return { calls: this.calls, longestMs: this.longestMs };
  }

  /** Ends the load, waits for what is under way, and compares what was acknowledged with what the workers have. */
  async stop(): Promise<LoadReport> {
    clearInterval(this.timer);
    await Promise.all(this.open);
    const { calls, longestMs } = this;
    let lost = 0;
    for (let from = 0; from < this.names.length; from += MOST_AT_ONCE) {
      const some = this.names.slice(from, from + MOST_AT_ONCE);
      const totals = await Promise.all(some.map((name) => this.add(name, 0)));
      totals.forEach((total, index) => {
        // What has failed may have been added all the same.
        lost += Math.max(0, (this.acknowledged[from + index] ?? 0) - total);
      });
    }
    return { calls, failed: this.failed, longestMs, lost };
  }

  private tick(): void {
    const due = Math.floor(((sharedNow() - this.began) / 1000) * this.perSecond);
    const most = Math.min(due, this.sent + MOST_AT_ONCE);
    while (this.sent < most) this.send(this.sent++ % this.names.length);
    // What was not made up for is given up: the rate is what is asked for, not the number.
    this.sent = due;
  }

  private send(index: number): void {
    const at = sharedNow();
    const call: Promise<void> = this.add(this.names[index] ?? '', 1).then(
      () => {
        this.acknowledged[index]! += 1;
        this.calls++;
        this.longestMs = Math.max(this.longestMs, sharedNow() - at);
        this.open.delete(call);
      },
      (error: Error & { code?: string }) => {
        const code = error.code ?? error.name;
        this.failed[code] = (this.failed[code] ?? 0) + 1;
        this.open.delete(call);
      },
    );
    this.open.add(call);
  }
}
