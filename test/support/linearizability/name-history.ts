import { AlreadyRegisteredError, SwarmError, WorkerNotFoundError } from '../../../lib/errors/index.js';
import { outcomeOf } from './error-outcome.js';
import { OperationRecorder } from './operation.recorder.js';
import { type NameInput, type NameOutput, type NameState, workerNameModel } from './worker-name.model.js';

/** Told once how an operation ended, in the instant in which its promise settles; `error` is `undefined` if it was fulfilled. */
export type Concluded = (error: unknown, value?: unknown) => void;

/** What a message that adds one must be answered with. */
export interface CountedAnswer {
  /** Of the activation that has handled it. */
  readonly fence: number;
  /** How many that activation has counted now, with those of the state that it was given. */
  readonly total: number;
}

export interface NameHistoryOptions {
  /** Most configurations that are visited for one name. */
  readonly limit?: number;
  /**
   * Whether an answer must be true that there is no such worker, or one already, as it is by default. `false` leaves it out
   * of account: for histories in which nodes are asked that are cut off from those that know the name, and answer from what
   * they knew. Nobody has unregistered a name then that was not found: an earlier attempt may have ended it, whose answer
   * was lost.
   */
  readonly trustsReplicas?: boolean;
}

/** Promises in whose name violations are told, so that a history that is made smaller keeps breaking the same. */
const PROMISES = 'P2, P4';

/**
 * Writes down what callers ask of names of a worker type with a quorum and what they get, and proves that each name
 * behaved as if it were asked for one thing after the other:
 *
 * ```ts
 * const history = new NameHistory(() => swarm.now);
 * operations.follow(operation, node.kernel.call(name, add), history.add(name, node.key, token)); // register, unregister
 * expect(history.violations()).toEqual([]);
 * ```
 *
 * A promise that never settles, because its process is gone, needs nothing more.
 */
export class NameHistory {
  private readonly recorder: OperationRecorder<NameState, NameInput, NameOutput>;
  private readonly faults: string[] = [];

  private readonly trustsReplicas: boolean;

  /** @param now milliseconds of a clock that all callers share */
  constructor(now: () => number, { limit, trustsReplicas = true }: NameHistoryOptions = {}) {
    this.recorder = new OperationRecorder(workerNameModel, now, limit);
    this.trustsReplicas = trustsReplicas;
  }

  get size(): number {
    return this.recorder.size;
  }

  register(name: string, client: string): Concluded {
    return this.follow(name, client, { kind: 'register' }, () => ({ kind: 'ok' }));
  }

  /** Its promise resolves to whether the name was registered. */
  unregister(name: string, client: string): Concluded {
    return this.follow(name, client, { kind: 'unregister' }, (value) => {
      if (typeof value !== 'boolean') return undefined;
      if (value) return { kind: 'ok' };
      return this.trustsReplicas ? { kind: 'not found' } : 'unknown';
    });
  }

  /** A message that adds one and is answered with a `CountedAnswer`; other fields of the answer are not looked at. */
  add(name: string, client: string, token?: string): Concluded {
    const input: NameInput = { kind: 'add', ...(token !== undefined && { token }) };
    return this.follow(name, client, input, (value) => {
      const { fence, total } = (value ?? {}) as Partial<Record<keyof CountedAnswer, unknown>>;
      if (!Number.isSafeInteger(fence) || !Number.isSafeInteger(total)) return undefined;
      return { kind: 'answer', fence: fence as number, total: total as number };
    });
  }

  /** From now on the name may end, once, without anybody asking: nobody is left who holds its row, or its worker gives up. */
  mayEnd(name: string, why: string): void {
    this.recorder.began(name, why, { kind: 'unregister' });
  }

  /** From now on the name may be there again, once, without anybody asking: nobody is left who knows that it has ended. */
  mayReturn(name: string, why: string): void {
    this.recorder.began(name, why, { kind: 'register' });
  }

  /** Each with the promise that it breaks; also what could not be decided, and answers of another form. */
  violations(): string[] {
    return [...this.faults, ...this.recorder.violations()].map((one) => `${PROMISES}: ${one}`);
  }

  private follow(
    name: string,
    client: string,
    input: NameInput,
    outputOf: (value: unknown) => NameOutput | 'unknown' | undefined,
  ): Concluded {
    const ended = this.recorder.began(name, client, input);
    return (error, value) => {
      if (error !== undefined) return ended(this.outputOfError(error, input));
      const output = outputOf(value);
      if (!output)
        this.faults.push(`"${name}" answered ${input.kind} of ${client} with ${JSON.stringify(value)}`);
      return ended(output === 'unknown' ? undefined : output);
    };
  }
  /** `undefined` if it may have taken effect. */
  private outputOfError(error: unknown, { kind }: NameInput): NameOutput | undefined {
    if (!(error instanceof SwarmError)) return undefined;
    if (outcomeOf(error.code, kind === 'add' ? 'call' : 'change') === 'indefinite') return undefined;
    if (!this.trustsReplicas) return { kind: 'failed' };
    if (error instanceof AlreadyRegisteredError) return { kind: 'refused' };
    return { kind: error instanceof WorkerNotFoundError ? 'not found' : 'failed' };
  }
}
