// Keeps an application that repeats what is answered at once (a name that nobody has, a mailbox that is full) from blocking
// the event loop.
import { NodeRuntime } from '../runtime/node.runtime.js';
import { OwedTurns } from '../runtime/owed-turns.js';

/** Shared by all nodes of this process: it has one event loop. */
const turns = new OwedTurns(new NodeRuntime());

/** The same answer, or failure; if a turn of the event loop is due, after that. */
export function answerInTurn<T>(answer: Promise<T>): Promise<T> {
  return turns.answer(answer);
}
