import { checkLinearizability, CONFIGURATION_LIMIT } from './linearizability.checker.js';
import type { Operation } from './operation.interface.js';
import type { SequentialModel } from './sequential-model.interface.js';

/** What is recorded later in the same instant came later: by so much, which no clock of a simulation resolves. */
const INSTANT_MS = 1e-6;

/** Told once how an operation ended; without an output it stays one that was never answered. */
export type Ended<Output> = (output?: Output) => void;

/**
 * Writes down what is asked of objects that do not depend on each other, and checks each of them: a history is
 * linearizable if that of every object is (Herlihy & Wing, 1990).
 *
 * All callers must be in one process: the order in which they record is taken for the order in which things happened,
 * also within one instant of the clock.
 */
export class OperationRecorder<State, Input, Output> {
  private readonly histories = new Map<string, Array<Operation<Input, Output>>>();
  private recorded = 0;
  private latest = -Infinity;

  /**
   * @param now milliseconds, which never fall
   * @param limit most configurations that are visited for one object
   */
  constructor(
    private readonly model: SequentialModel<State, Input, Output>,
    private readonly now: () => number,
    private readonly limit = CONFIGURATION_LIMIT,
  ) {}

  /** How many operations were begun. */
  get size(): number {
    return this.recorded;
  }

  /** To be called before an operation begins; what it gives, in the instant in which its answer is there. */
  began(object: string, client: string, input: Input): Ended<Output> {
    const history = this.histories.get(object) ?? [];
    this.histories.set(object, history);
    const id = ++this.recorded;
    const at = history.length;
    const begun = { id, client, invokedAt: this.moment(), input };
    history.push({ ...begun, returnedAt: undefined, output: undefined });
    let hasEnded = false;
    return (output) => {
      if (hasEnded) throw new Error(`operation ${id} of "${object}" has ended already: tell its end once`);
      hasEnded = true;
      if (output !== undefined) history[at] = { ...begun, returnedAt: this.moment(), output };
    };
  }

  operationsOf(object: string): ReadonlyArray<Operation<Input, Output>> {
    return this.histories.get(object) ?? [];
  }

  /** One for each object whose history no order explains, and for each about which that was not found out. */
  violations(): string[] {
    return [...this.histories].flatMap(([object, history]) => {
      const result = checkLinearizability(history, this.model, this.limit);
      return result.verdict === 'linearizable' ? [] : [`"${object}" is ${result.explanation}`];
    });
  }

  private moment(): number {
    this.latest = Math.max(this.now(), this.latest + INSTANT_MS);
    return this.latest;
  }
}
