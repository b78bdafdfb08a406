// Decides whether an order of operations explains what every client has seen of an object.
import { explain, type LongestOrder } from './longest-order.js';
import { OpenOperations } from './open-operations.js';
import type { Operation } from './operation.interface.js';
import type { SequentialModel } from './sequential-model.interface.js';
import { VisitedConfigurations } from './visited-configurations.js';

/** Most configurations that are visited unless told otherwise: about a second, and a few hundred bytes each. */
export const CONFIGURATION_LIMIT = 200_000;

export interface Linearizable<Input, Output> {
  readonly verdict: 'linearizable';
  /** One order that explains the history; what was never answered is in it where its effect was seen. */
  readonly order: ReadonlyArray<Operation<Input, Output>>;
  readonly configurations: number;
}

export interface NotLinearizable<State, Input, Output> extends LongestOrder<State, Input, Output> {
  readonly verdict: 'violation';
  readonly configurations: number;
  /** The longest order, for people, in a few lines. */
  readonly explanation: string;
}

/** The search was given up. That is no proof of anything: never take it for passed. */
export interface Undecided<State, Input, Output> extends LongestOrder<State, Input, Output> {
  readonly verdict: 'undecided';
  readonly configurations: number;
  /** The longest order so far, for people: where it ends is often what is wrong. */
  readonly explanation: string;
}

export type Verdict<State, Input, Output> =
  Linearizable<Input, Output> | NotLinearizable<State, Input, Output> | Undecided<State, Input, Output>;

/** A place in the search: the operations ordered so far, last first, and what may be tried after them. */
interface Place<State, Input, Output> {
  readonly before: Place<State, Input, Output> | undefined;
  readonly operation: Operation<Input, Output> | undefined;
  readonly state: State;
  readonly moves: ReadonlyArray<Move<State, Input, Output>>;
  readonly answered: number;
  tried: number;
}

interface Move<State, Input, Output> {
  readonly place: number;
  readonly operation: Operation<Input, Output>;
  readonly state: State;
}

/**
 * Whether a history is linearizable (Herlihy & Wing, "Linearizability: a correctness condition for concurrent objects",
 * 1990): whether each operation can be taken to happen in one instant between its call and its answer, so that the model
 * gives every answer that was seen. An operation that ends in the instant in which another begins may come after it.
 *
 * The search is that of Wing & Gong ("Testing and verifying concurrent objects", 1993): depth first through all orders
 * that keep to real time. As Lowe does ("Testing for linearizability", 2017), it visits each configuration once, that is
 * a set of ordered operations together with the state after them. Objects that do not depend on each other are checked
 * one by one (Horn & Kroening, "Faster linearizability checking via P-compositionality", 2015; as Porcupine by Athalye
 * does by key): see `OperationRecorder`.
 *
 * @param limit most configurations that are visited; beyond it the verdict is `undecided`
 * @throws RangeError for an operation that is none, and for a limit that is no positive integer
 */
export function checkLinearizability<State, Input, Output>(
  operations: ReadonlyArray<Operation<Input, Output>>,
  model: SequentialModel<State, Input, Output>,
  limit = CONFIGURATION_LIMIT,
): Verdict<State, Input, Output> {
  if (!Number.isSafeInteger(limit) || limit < 1) {
    throw new RangeError(`limit must be a positive number of configurations, not ${limit}`);
  }
  const open = new OpenOperations(operations, model);
  const visited = new VisitedConfigurations();
  let place = placeAfter(undefined, undefined, model.initial, open, model);
  let longest = place;
  while (open.answeredLeft > 0) {
    const move = place.moves[place.tried++];
    if (!move) {
      if (!place.before) return failure('violation', longest, operations, model, visited.size);
      open.putBack();
      place = place.before;
      continue;
    }
    open.take(move.place);
    const configuration = `${open.answeredTaken}|${model.key(move.state)}`;
    if (visited.has(configuration, open.unansweredTaken)) {
      open.putBack();
      continue;
    }
    if (visited.size >= limit) return failure('undecided', longest, operations, model, visited.size);
    visited.add(configuration, open.unansweredTaken);
    place = placeAfter(place, move.operation, move.state, open, model);
    if (place.answered > longest.answered) longest = place;
  }
  return { verdict: 'linearizable', order: orderTo(place), configurations: visited.size };
}

function placeAfter<State, Input, Output>(
  before: Place<State, Input, Output> | undefined,
  operation: Operation<Input, Output> | undefined,
  state: State,
  open: OpenOperations<Input, Output>,
  model: SequentialModel<State, Input, Output>,
): Place<State, Input, Output> {
  const moves = movesFrom(state, open, model);
  const answered = (before?.answered ?? 0) + (operation?.returnedAt === undefined ? 0 : 1);
  return { before, operation, state, moves, answered, tried: 0 };
}

/** None if one of the next operations cannot come any more, and only one if that does not matter to the others. */
function movesFrom<State, Input, Output>(
  state: State,
  open: OpenOperations<Input, Output>,
  model: SequentialModel<State, Input, Output>,
): Array<Move<State, Input, Output>> {
  const moves: Array<Move<State, Input, Output>> = [];
  let pure: Move<State, Input, Output> | undefined;
  for (const place of open.candidates()) {
    const operation = open.at(place);
    const { input, output } = operation;
    if (output !== undefined && model.isOver?.(state, input, output)) return [];
    for (const after of model.step(state, input, output)) {
      const move = { place, operation, state: after };
      moves.push(move);
      if (output !== undefined && model.isPure?.(input, output)) pure = move;
    }
  }
  return pure ? [pure] : moves;
}

function failure<State, Input, Output, Kind extends 'violation' | 'undecided'>(
  verdict: Kind,
  place: Place<State, Input, Output>,
  operations: ReadonlyArray<Operation<Input, Output>>,
  model: SequentialModel<State, Input, Output>,
  configurations: number,
): LongestOrder<State, Input, Output> & {
  readonly verdict: Kind;
  readonly configurations: number;
  readonly explanation: string;
} {
  const { state } = place;
  const prefix = orderTo(place);
  const ordered = new Set(prefix);
  const left = operations.filter((one) => one.returnedAt !== undefined && !ordered.has(one));
  const firstReturn = left.reduce((first, { returnedAt = first }) => Math.min(first, returnedAt), Infinity);
  const stuck = left.filter(
    ({ invokedAt, input, output }) =>
      invokedAt <= firstReturn && model.step(state, input, output).length === 0,
  );
  const longest = { prefix, state, stuck };
  const what =
    verdict === 'violation'
      ? `not linearizable (${configurations} configurations)`
      : `undecided after ${configurations} configurations: raise the limit, or ask less at a time`;
  return {
    verdict,
    ...longest,
    configurations,
    explanation: `${what}\n${explain(longest, operations, model)}`,
  };
}

function orderTo<State, Input, Output>(
  place: Place<State, Input, Output>,
): ReadonlyArray<Operation<Input, Output>> {
  const order: Array<Operation<Input, Output>> = [];
  for (let at: typeof place | undefined = place; at?.operation; at = at.before) order.push(at.operation);
  return order.toReversed();
}
