// One name of a worker type with a quorum, as its callers must see it: the promises P2 and P4 as a sequential object.
import type { SequentialModel } from './sequential-model.interface.js';

/** `add` counts one; its answer tells the total and the fence of the activation that counted. */
export type NameInput =
  | { readonly kind: 'register' }
  | { readonly kind: 'unregister' }
  | { readonly kind: 'add'; readonly token?: string };

export type NameOutput =
  /** Of `register` and `unregister`: done. */
  | { readonly kind: 'ok' }
  /** Of `register`: the name is registered already. */
  | { readonly kind: 'refused' }
  /** Of `unregister` and `add`: the name is not registered. */
  | { readonly kind: 'not found' }
  /** Of any: an error after which it is certain that nothing was done, and that says nothing of the name. */
  | { readonly kind: 'failed' }
  /** Of `add`. */
  | { readonly kind: 'answer'; readonly fence: number; readonly total: number };

/** What the answers so far say of the name. */
export interface NameState {
  readonly isPresent: boolean;
  /** The highest fence that an answer has shown, in any life of the name. */
  readonly fence: number;
  /** The total of the activation with that fence; `undefined` if the name has ended since. */
  readonly total: number | undefined;
  /** How many additions there have been in this life, by any activation. */
  readonly additions: number;
}

/** A name that was never registered. Fences are stamps of a clock, and positive. */
const NEVER: NameState = { isPresent: false, fence: 0, total: undefined, additions: 0 };

/**
 * A life of a name begins with a `register` and ends with an `unregister`. In it activations follow each other, at any
 * time and unseen (a move, a crash, a restart): each has a higher fence than all before, also those of earlier lives. An
 * activation counts without a gap from where it has begun. That may be anywhere from 0, if its state was lost, up to all
 * additions of the life, if it was handed over.
 *
 * So an activation is known by its first answer, and all that is known between two answers of one fence is one after the
 * other. An addition that was never answered counts where it stands in the order: for the activation of the last answer
 * if one more follows of that, otherwise for one that is not known yet.
 *
 * What ends a name beside `unregister` (a worker that stops itself or fails for good, all nodes that hold its row lost)
 * is an `unregister` that is never answered.
 */
export const workerNameModel: SequentialModel<NameState, NameInput, NameOutput> = {
  initial: NEVER,
  step(state, input, output) {
    const after = nextState(state, input, output);
    return after ? [after] : [];
  },
  isPure: (_, { kind }) => kind === 'refused' || kind === 'not found' || kind === 'failed',
  /** Fences rise, and so do totals under one fence. */
  isOver({ isPresent, fence, total }, _, output) {
    if (output.kind !== 'answer' || output.fence > fence) return false;
    return !isPresent || output.fence < fence || total === undefined || output.total <= total;
  },
  key({ isPresent, fence, total, additions }) {
    if (!isPresent) return `absent, last fence ${fence}`;
    const known = total === undefined ? `fence above ${fence}` : `fence ${fence}, total ${total}`;
    return `present, ${known}, additions ${additions}`;
  },
  kind: ({ kind }) => kind,
  describe: (input, output) => `${described(input)} -> ${output ? outputDescribed(output) : 'unknown'}`,
};

function nextState(
  state: NameState,
  input: NameInput,
  output: NameOutput | undefined,
): NameState | undefined {
  switch (output?.kind) {
    case 'failed':
      return state;
    case 'refused':
      return state.isPresent ? state : undefined;
    case 'not found':
      return state.isPresent ? undefined : state;
    case 'answer':
      return answered(state, output);
    case 'ok':
    case undefined:
      return effective(state, input);
  }
}

/** It was done, and nothing was seen of how. */
function effective(state: NameState, { kind }: NameInput): NameState | undefined {
  const { isPresent, fence, total, additions } = state;
  if (isPresent === (kind === 'register')) return undefined;
  if (kind === 'register') return { ...state, isPresent: true };
  if (kind === 'unregister') return { isPresent: false, fence, total: undefined, additions: 0 };
  return { ...state, total: total === undefined ? undefined : total + 1, additions: additions + 1 };
}

function answered(
  { isPresent, fence, total, additions }: NameState,
  answer: { readonly fence: number; readonly total: number },
): NameState | undefined {
  if (!isPresent || answer.fence < fence || answer.total < 1) return undefined;
  if (answer.fence === fence) {
    if (total === undefined || answer.total !== total + 1) return undefined;
  } else if (answer.total > additions + 1) {
    return undefined;
  }
  return { isPresent, fence: answer.fence, total: answer.total, additions: additions + 1 };
}

function described(input: NameInput): string {
  return input.kind === 'add' && input.token !== undefined ? `add ${input.token}` : input.kind;
}

function outputDescribed(output: NameOutput): string {
  return output.kind === 'answer' ? `total ${output.total} of fence ${output.fence}` : output.kind;
}
