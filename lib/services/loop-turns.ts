// Lets the event loop have its turn however long an application asks for what is answered at once: a name that is not
// registered, a mailbox that is full, a worker that is there already. Node goes on with what waits for a promise until
// nothing is left, so who asks again until the answer is another would keep out the very sockets that bring another,
// and the pings by which other nodes know that this one lives.
import { LoopSlice } from '../runtime/loop-slice.js';

/** The timers that an application's tests replace must not hold up its questions. */
const { setImmediate } = globalThis;
const clock = (): number => performance.now();

class LoopTurns {
  private readonly slice = new LoopSlice(clock());
  private next: Promise<void> | undefined;

  /** The next turn of the event loop, if it has not had one for a while as far as is known. */
  get owed(): Promise<void> | undefined {
    if (this.next === undefined && this.slice.isOverBy(clock)) {
      this.next = new Promise((resolve) => {
        setImmediate(() => {
          this.slice.begin(clock());
          this.next = undefined;
          resolve();
        });
      });
    }
    return this.next;
  }
}

/** Of all nodes of this process, which has one event loop. */
const turns = new LoopTurns();

/** The answer, or failure, of what was asked for comes after the event loop has had its turn, if one is due. */
export function answerInTurn<T>(answer: Promise<T>): Promise<T> {
  const { owed } = turns;
  return owed === undefined ? answer : after(owed, answer);
}

async function after<T>(turn: Promise<void>, answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } finally {
    await turn;
  }
}
