import { LoopSlice } from './loop-slice.js';
import type { Runtime } from './runtime.interface.js';

/**
 * Delays answers, now and then, until the event loop has had its turn. A caller that repeats what is answered at once would
 * otherwise run in microtasks alone, and keep out the sockets that could bring another answer (see `LoopSlice`).
 */
export class OwedTurns {
  private readonly slice: LoopSlice;
  private readonly clock: () => number;
  private next: Promise<void> | undefined;

  constructor(private readonly runtime: Pick<Runtime, 'now' | 'defer'>) {
    this.clock = () => runtime.now();
    this.slice = new LoopSlice(runtime.now());
  }

  /** The same answer, or failure; if a turn of the event loop is due, after that. */
  answer<T>(answer: Promise<T>): Promise<T> {
    const { owed } = this;
    return owed === undefined ? answer : after(owed, answer);
  }

  /** The next turn of the event loop, if it has not had one for a while as far as is known. */
  private get owed(): Promise<void> | undefined {
    if (this.next === undefined && this.slice.isOverBy(this.clock)) {
      this.next = new Promise((resolve) => {
        this.runtime.defer(() => {
          this.slice.begin(this.clock());
          this.next = undefined;
          resolve();
        });
      });
    }
    return this.next;
  }
}

async function after<T>(turn: Promise<void>, answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } finally {
    await turn;
  }
}
