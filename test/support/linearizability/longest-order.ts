import type { Operation } from './operation.interface.js';
import type { SequentialModel } from './sequential-model.interface.js';

/** Most operations of the order, and most of those that cannot follow, that are shown. */
const SHOWN = 12;

/** The longest order found that explains what is in it, counted by its answered operations. */
export interface LongestOrder<State, Input, Output> {
  readonly prefix: ReadonlyArray<Operation<Input, Output>>;
  /** After that order. */
  readonly state: State;
  /** The answered operations that would have to come next, or beside what comes next, and cannot. */
  readonly stuck: ReadonlyArray<Operation<Input, Output>>;
}

/** The end of the order, the state after it, and what cannot follow: enough to see what is wrong. */
export function explain<State, Input, Output>(
  { prefix, state, stuck }: LongestOrder<State, Input, Output>,
  operations: ReadonlyArray<Operation<Input, Output>>,
  model: SequentialModel<State, Input, Output>,
): string {
  const line = (operation: Operation<Input, Output>): string => `  ${told(operation, model)}`;
  const hidden = Math.max(0, prefix.length - SHOWN);
  return [
    `of ${operations.filter(isAnswered).length} answered operations at most ${prefix.filter(isAnswered).length} have an order:`,
    ...(hidden > 0 ? [`  … ${hidden} before`] : []),
    ...prefix.slice(hidden).map(line),
    `then it is ${model.key(state)}${stuck.length > 0 ? ', which these cannot follow:' : ''}`,
    ...stuck.slice(0, SHOWN).map(line),
    ...(stuck.length > SHOWN ? [`  … and ${stuck.length - SHOWN} more`] : []),
  ].join('\n');
}

function told<State, Input, Output>(
  { client, invokedAt, returnedAt, input, output }: Operation<Input, Output>,
  model: SequentialModel<State, Input, Output>,
): string {
  const until = returnedAt === undefined ? 'never answered' : returnedAt.toFixed(3);
  const what = model.describe?.(input, output) ?? `${JSON.stringify(input)} -> ${JSON.stringify(output)}`;
  return `${invokedAt.toFixed(3)} .. ${until} ${client}: ${what}`;
}

function isAnswered({ returnedAt }: Operation<unknown, unknown>): boolean {
  return returnedAt !== undefined;
}
