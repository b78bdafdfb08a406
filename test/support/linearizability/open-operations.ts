import type { Operation } from './operation.interface.js';
import type { SequentialModel } from './sequential-model.interface.js';

/** Bits of a number that stay exact in arithmetic on 32-bit integers. */
const WORD_BITS = 30;

/**
 * The operations of a history that have no place in the order yet. Each has a number: the answered ones count up from 0
 * as they were invoked; of those that were never answered each kind has one number, from -1 down, which stands for the
 * next of that kind. That may be so because of two of one kind the earlier one can always stand in for the later.
 */
export class OpenOperations<Input, Output> {
  private readonly answered: ReadonlyArray<Operation<Input, Output>>;
  private readonly unanswered: ReadonlyArray<ReadonlyArray<Operation<Input, Output>>>;
  private readonly isTaken: Uint8Array;
  /** How many of each kind of `unanswered` are taken. */
  private readonly takenOfKind: number[];
  /** The first answered operation that is not taken. */
  private first = 0;
  /** The last answered operation that is taken. */
  private last = -1;
  private readonly history: Array<{ readonly place: number; readonly first: number; readonly last: number }> =
    [];
  private left: number;

  constructor(
    operations: ReadonlyArray<Operation<Input, Output>>,
    { kind }: Pick<SequentialModel<unknown, Input, Output>, 'kind'>,
  ) {
    for (const operation of operations) assertOperation(operation);
    const inOrder = operations.toSorted((a, b) => a.invokedAt - b.invokedAt);
    this.answered = inOrder.filter(({ returnedAt }) => returnedAt !== undefined);
    const kinds = new Map<string | number, Array<Operation<Input, Output>>>();
    for (const operation of inOrder) {
      if (operation.returnedAt !== undefined) continue;
      const of = kind ? kind(operation.input) : kinds.size;
      const alike = kinds.get(of);
      if (alike) alike.push(operation);
      else kinds.set(of, [operation]);
    }
    this.unanswered = [...kinds.values()];
    this.isTaken = new Uint8Array(this.answered.length);
    this.takenOfKind = this.unanswered.map(() => 0);
    this.left = this.answered.length;
  }

  get answeredLeft(): number {
    return this.left;
  }

  at(place: number): Operation<Input, Output> {
    return (place >= 0 ? this.answered[place] : this.unanswered[~place]?.[this.takenOfKind[~place]!])!;
  }

  /** Those that may be next: no other that is open was answered before they were invoked. Answered ones first. */
  candidates(): number[] {
    const found: number[] = [];
    let firstReturn = Infinity;
    for (let place = this.first; place < this.answered.length; place++) {
      if (this.isTaken[place]) continue;
      const { invokedAt, returnedAt } = this.answered[place]!;
      // All that follow were invoked later still.
      if (invokedAt > firstReturn) break;
      found.push(place);
      if (returnedAt! < firstReturn) firstReturn = returnedAt!;
    }
    for (let kind = 0; kind < this.unanswered.length; kind++) {
      const next = this.unanswered[kind]![this.takenOfKind[kind]!];
      if (next && next.invokedAt <= firstReturn) found.push(~kind);
    }
    return found;
  }

  take(place: number): void {
    this.history.push({ place, first: this.first, last: this.last });
    if (place < 0) {
      this.takenOfKind[~place]!++;
      return;
    }
    this.isTaken[place] = 1;
    this.left--;
    while (this.isTaken[this.first] === 1) this.first++;
    if (place > this.last) this.last = place;
  }

  /** What was taken last is open again. */
  putBack(): void {
    const { place, first, last } = this.history.pop()!;
    this.first = first;
    this.last = last;
    if (place < 0) {
      this.takenOfKind[~place]!--;
    } else {
      this.isTaken[place] = 0;
      this.left++;
    }
  }

  /** How many of each kind are taken of those that were never answered. */
  get unansweredTaken(): readonly number[] {
    return this.takenOfKind;
  }

  /**
   * Which answered operations are taken. Exact, and short however long the history is: what is taken beyond the first
   * that is not has run beside it.
   */
  get answeredTaken(): string {
    let key = `${this.first}`;
    for (let from = this.first + 1; from <= this.last; from += WORD_BITS) {
      let word = 0;
      const end = Math.min(this.last, from + WORD_BITS - 1);
      for (let place = end; place >= from; place--) word = word * 2 + this.isTaken[place]!;
      key += `,${word}`;
    }
    return key;
  }
}

function assertOperation({ id, invokedAt, returnedAt, output }: Operation<unknown, unknown>): void {
  const fault = faultOf(invokedAt, returnedAt, output);
  if (fault !== undefined) throw new RangeError(`operation ${id}: ${fault}`);
}

function faultOf(invokedAt: number, returnedAt: number | undefined, output: unknown): string | undefined {
  if (!Number.isFinite(invokedAt)) return `invokedAt must be a finite number, not ${invokedAt}`;
  if (returnedAt === undefined) {
    return output === undefined ? undefined : 'it has an output, so it needs the time of it in returnedAt';
  }
  if (output === undefined) return 'it has returned: give an output, and be it null, or leave out returnedAt';
  if (Number.isFinite(returnedAt) && returnedAt >= invokedAt) return undefined;
  return `returnedAt must be a finite number not below invokedAt ${invokedAt}, not ${returnedAt}`;
}
