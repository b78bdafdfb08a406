// Lets the event loop have its turn however long an application asks for what is answered at once: a name that is not
// registered, a mailbox that is full, a worker that is there already.
import { OwedTurns } from '../runtime/owed-turns.js';

/** The timers that an application's tests replace must not hold up its questions. */
const { setImmediate } = globalThis;

/** Of all nodes of this process, which has one event loop. */
const turns = new OwedTurns({
  now: () => performance.now(),
  defer: (task) => void setImmediate(task),
});

/** The answer, or failure, of what was asked for comes after the event loop has had its turn, if one is due. */
export function answerInTurn<T>(answer: Promise<T>): Promise<T> {
  return turns.answer(answer);
}
