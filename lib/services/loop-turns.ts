// Lets the event loop have its turn however long an application asks for what is answered at once: a name that is not
// registered, a mailbox that is full, a worker that is there already.
import { NodeRuntime } from '../runtime/node.runtime.js';
import { OwedTurns } from '../runtime/owed-turns.js';

/** Of all nodes of this process, which has one event loop. */
const turns = new OwedTurns(new NodeRuntime());

/** The answer, or failure, of what was asked for comes after the event loop has had its turn, if one is due. */
export function answerInTurn<T>(answer: Promise<T>): Promise<T> {
  return turns.answer(answer);
}
