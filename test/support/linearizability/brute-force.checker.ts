import type { Operation } from './operation.interface.js';
import type { SequentialModel } from './sequential-model.interface.js';

/** Beyond it there are millions of orders. */
const MOST_OPERATIONS = 7;

/**
 * The definition of linearizability, word by word: whether any order of all answered operations and of some that were
 * never answered keeps to real time and gives every output. To test a checker against, on small histories.
 *
 * @throws RangeError for more than 7 operations
 */
export function isLinearizableByForce<State, Input, Output>(
  operations: ReadonlyArray<Operation<Input, Output>>,
  model: SequentialModel<State, Input, Output>,
): boolean {
  if (operations.length > MOST_OPERATIONS) {
    throw new RangeError(`at most ${MOST_OPERATIONS} operations, not ${operations.length}`);
  }
  const isAnswered = ({ returnedAt }: Operation<Input, Output>): boolean => returnedAt !== undefined;
  const unanswered = operations.filter((one) => !isAnswered(one));
  return subsets(unanswered).some((some) =>
    orders([...operations.filter(isAnswered), ...some]).some(
      (order) => keepsToRealTime(order) && isExplained(order, model),
    ),
  );
}

function isExplained<State, Input, Output>(
  order: ReadonlyArray<Operation<Input, Output>>,
  model: SequentialModel<State, Input, Output>,
): boolean {
  let states: readonly State[] = [model.initial];
  for (const { input, output } of order) states = states.flatMap((state) => model.step(state, input, output));
  return states.length > 0;
}

function keepsToRealTime(order: ReadonlyArray<Operation<unknown, unknown>>): boolean {
  return order.every(({ invokedAt }, i) =>
    order.slice(i + 1).every(({ returnedAt }) => returnedAt === undefined || returnedAt >= invokedAt),
  );
}

function subsets<T>(items: readonly T[]): T[][] {
  const [item, ...others] = items;
  if (item === undefined) return [[]];
  const without = subsets(others);
  return without.concat(without.map((some) => some.toSpliced(0, 0, item)));
}

function orders<T>(items: readonly T[]): T[][] {
  if (items.length === 0) return [[]];
  return items.flatMap((item, i) => orders(items.toSpliced(i, 1)).map((rest) => rest.toSpliced(0, 0, item)));
}
