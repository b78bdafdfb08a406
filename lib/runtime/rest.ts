import type { Runtime } from './runtime.interface.js';

interface Waiter {
  readonly condition: () => boolean;
  readonly done: (reached: boolean) => void;
}

/** Lets an operation wait for a condition, such as that no move is under way; whoever ends something calls `changed`. */
export class Rest {
  private readonly waiters = new Set<Waiter>();
  private lookDue = false;

  constructor(private readonly runtime: Runtime) {}

  /** Something has ended, or has become impossible: whoever waits looks again, once per tick. */
  readonly changed = (): void => {
    if (this.waiters.size === 0 || this.lookDue) return;
    this.lookDue = true;
    this.runtime.defer(() => {
      this.lookDue = false;
      for (const waiter of this.waiters) if (waiter.condition()) waiter.done(true);
    });
  };

  /** True when `condition` holds, false when `deadline` (monotonic) has passed. */
  until(deadline: number, condition: () => boolean): Promise<boolean> {
    if (condition()) return Promise.resolve(true);
    return new Promise((resolve) => {
      const waiter: Waiter = {
        condition,
        done: (reached) => {
          timer.cancel();
          this.waiters.delete(waiter);
          resolve(reached);
        },
      };
      const timer = this.runtime.after(Math.max(0, deadline - this.runtime.now()), () => waiter.done(false));
      this.waiters.add(waiter);
    });
  }
}
