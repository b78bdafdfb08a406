import { LoopSlice } from './loop-slice.js';
import type { Runtime } from './runtime.interface.js';

/**
 * Lets the event loop have its turn however often somebody waits for what is answered at once. One for all who ask the
 * same node.
 */
export class OwedTurns {
  private readonly slice: LoopSlice;
  private next: Promise<void> | undefined;

  constructor(private readonly runtime: Pick<Runtime, 'now' | 'defer'>) {
    this.slice = new LoopSlice(runtime.now());
  }

  /** The answer, or failure, comes after the event loop has had its turn, if one is due. */
  answer<T>(answer: Promise<T>): Promise<T> {
    const { owed } = this;
    return owed === undefined ? answer : answer.finally(() => owed);
  }

  private get owed(): Promise<void> | undefined {
    if (this.next !== undefined || !this.slice.isOver(this.runtime.now())) return this.next;
    this.next = new Promise((resolve) => {
      this.runtime.defer(() => {
        this.slice.begin(this.runtime.now());
        this.next = undefined;
        resolve();
      });
    });
    return this.next;
  }
}
