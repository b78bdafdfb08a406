import { LoopSlice } from './loop-slice.js';
import type { Runtime } from './runtime.interface.js';

/**
 * Lets the event loop have its turn however often somebody waits for what is answered at once. Node goes on with what
 * waits for a promise until nothing is left, so who asks again and again would keep out the very sockets that bring
 * another answer, and the pings by which other nodes know that this one lives.
 */
export class OwedTurns {
  private readonly slice: LoopSlice;
  private readonly clock: () => number;
  private next: Promise<void> | undefined;

  constructor(private readonly runtime: Pick<Runtime, 'now' | 'defer'>) {
    this.clock = () => runtime.now();
    this.slice = new LoopSlice(runtime.now());
  }

  /** The answer, or failure, of what was asked for comes after the event loop has had its turn, if one is due. */
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
