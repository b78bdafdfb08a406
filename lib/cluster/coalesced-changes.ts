// Makes one view change of all that is seen within `coalesceMs`: one line, one rebalance for ten joins.
import type { Runtime } from '../runtime/runtime.interface.js';

/** Changes of the view, told together. */
export class CoalescedChanges {
  private due = false;

  constructor(
    private readonly runtime: Runtime,
    private readonly coalesceMs: number,
    private readonly changed: () => void,
  ) {}

  /** Whether something has changed that was not told yet. */
  get isPending(): boolean {
    return this.due;
  }

  note(): void {
    if (this.due) return;
    this.due = true;
    this.runtime.after(this.coalesceMs, () => {
      this.due = false;
      this.changed();
    });
  }
}
