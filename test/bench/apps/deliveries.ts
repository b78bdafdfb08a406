import { sharedNow } from './load.js';

/** Counts what the group members of this process receive. */
class Deliveries {
  /** Members of this process. */
  members = 0;
  private missing = 0;
  private done: ((at: number) => void) | undefined;
  private finished: Promise<number> = Promise.resolve(0);

  /** Begins to count anew. */
  arm(): void {
    this.missing = this.members;
    this.finished = new Promise((resolve) => (this.done = resolve));
    if (this.missing === 0) this.done?.(0);
  }

  received(): void {
    if (--this.missing === 0) this.done?.(sharedNow());
  }

  /** When the last member received, by the clock of the machine. */
  last(): Promise<number> {
    return this.finished;
  }
}

export const deliveries = new Deliveries();
