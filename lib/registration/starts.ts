// Decides when a worker is started on this node: after the name's arbiter gave the name, and after the row was
// tracked, so that whoever becomes arbiter meanwhile waits for it (promise P1).
import {
  NoNodeAvailableError,
  OperationTimeoutError,
  ShuttingDownError,
  SwarmError,
  WorkerStartError,
} from '../errors/index.js';
import { messageOf } from '../errors/thrown.js';
import { Deadlines, DueTask } from '../runtime/deadlines.js';
import { contentOf, Row, RowFlag, RowStatus, Untracked } from '../tracker/row.js';
import { FrameKind } from '../transport/frame.js';
import type { NodeId } from '../transport/node-info.js';
import type { ActivationSpec } from '../workers/worker-host.interface.js';
import type { Arbiter } from './arbiter.js';
import type { Copies } from './copies.js';
import { ask } from './questions.js';
import type { RegistrationParts } from './registration-parts.js';

/** Pause before an arbiter is asked again that was not to be reached, or did not know that it is one; times 0.5 to 1.5. */
const ASK_AGAIN_MS = 20;
export interface StartSpec {
  readonly name: string;
  readonly type: string;
  readonly args: Uint8Array | null;
  readonly registration: string;
  readonly groups: readonly string[];
  readonly pinned?: ActivationSpec['pinned'];
  /** The registration is older than this start: a failure is the supervisor's, and nobody waits for the outcome. */
  readonly again: boolean;
  /** Asked before the name is taken: whether this node should start it at all. */
  readonly isWanted: () => boolean;
}

export class Starts {
  private readonly deadlines: Deadlines;
  /** Those of workers that had run before and are being started anew, while there is something to wait for. */
  private readonly restarting = new Set<Row>();
  private underWay = 0;
  private closed = false;

  constructor(
    private readonly parts: RegistrationParts,
    private readonly arbiter: Arbiter,
    private readonly copies: Copies,
    /** A worker that had run before could not be started. */
    private readonly restartFailed: (row: Row, error: unknown) => void,
  ) {
    this.deadlines = new Deadlines(parts.runtime);
  }

  get size(): number {
    return this.underWay;
  }

  /** Begins nothing any more; what was begun goes on. */
  close(): void {
    this.closed = true;
  }

  /** Starts a parked worker of this node anew, as another activation. Its row must belong here. */
  async restart(row: Row): Promise<void> {
    const { rows, clock, runtime, registerTimeoutMs, membership, cancelMove } = this.parts;
    if (this.closed || !rows.has(row)) return;
    this.underWay++;
    // It may have belonged elsewhere a moment ago, and its move still wait for the target.
    cancelMove(row);
    const fresh = rows.replace(row, { ...contentOf(row), fence: clock.next(), status: RowStatus.starting });
    try {
      const deadline = runtime.now() + registerTimeoutMs;
      const { ringVersion } = membership.members;
      await this.run(fresh, { again: true }, false, deadline, registerTimeoutMs, ringVersion);
    } catch {
      // Its name was taken away, or this node leaves: others start it.
    } finally {
      this.ended();
    }
  }

  /**
   * Too few nodes are there for a worker that is being started, or they have gone on without this one: nobody may take it for
   * one that is about to run, however long its start takes to end. One that had run before has not failed by that, and waits
   * for a quorum; another is given up.
   */
  loseQuorum(row: Row): void {
    const { rows, host } = this.parts;
    host.end(row.name, 'no-quorum');
    if (this.restarting.has(row)) rows.setStatus(row, RowStatus.parked);
    else rows.untrack(row, Untracked.givenBack);
  }

  /**
   * Starts a worker, or finds out who has its name: the row of either, or `elsewhere` if it is not wanted here.
   * Rejects with `WorkerStartError`, or with `OperationTimeoutError` after `deadline`; then nothing stays tracked. What
   * has nothing to wait for has ended when this returns, and makes no promise.
   */
  begin(spec: StartSpec, deadline: number): Promise<Row | 'elsewhere'> | Row | 'elsewhere' {
    this.underWay++;
    const begun = this.attempt(spec, deadline, deadline - this.parts.runtime.now());
    if (begun instanceof Promise) return begun.finally(() => this.ended());
    this.ended();
    return begun;
  }

  private attempt(
    spec: StartSpec,
    deadline: number,
    timeoutMs: number,
  ): Promise<Row | 'elsewhere'> | Row | 'elsewhere' {
    const { self } = this.parts;
    if (this.closed) return Promise.reject(new ShuttingDownError());
    if (!spec.isWanted()) return 'elsewhere';
    const { registration } = spec;
    const strict = this.isStrict(spec);
    const verdict = this.arbiter.verdict(spec.name, { node: self, registration, strict });
    if (verdict instanceof Row) return verdict;
    const arbiter = this.parts.placements.arbiterOf(spec.name, strict);
    if (verdict === 'wait' || !this.mayRun(spec) || !this.canAsk(arbiter))
      return this.attemptLater(spec, deadline, timeoutMs);
    if (arbiter === self) {
      const { ringVersion } = this.parts.membership.members;
      const row = this.track(spec, RowStatus.starting);
      return this.run(row, spec, strict, deadline, timeoutMs, ringVersion);
    }
    if (arbiter === undefined)
      return Promise.reject(new NoNodeAvailableError(`no node may decide about "${spec.name}" now`));
    return this.attemptWith(arbiter, spec, strict, deadline, timeoutMs);
  }

  private async attemptLater(
    spec: StartSpec,
    deadline: number,
    timeoutMs: number,
  ): Promise<Row | 'elsewhere'> {
    if (!(await this.parts.waiters.changed(spec.name, deadline))) throw tooLate(spec, timeoutMs);
    return this.attempt(spec, deadline, timeoutMs);
  }

  private async attemptWith(
    arbiter: NodeId,
    spec: StartSpec,
    strict: boolean,
    deadline: number,
    timeoutMs: number,
  ): Promise<Row | 'elsewhere'> {
    const { ringVersion } = this.parts.membership.members;
    const row = this.track(spec, RowStatus.claiming);
    const claimed = await this.claim(row, arbiter, spec, strict, deadline, timeoutMs);
    if (claimed === 'again') return this.attempt(spec, deadline, timeoutMs);
    if (!this.parts.rows.has(claimed)) return claimed;
    return this.run(claimed, spec, strict, deadline, timeoutMs, ringVersion);
  }

  private ended(): void {
    this.underWay--;
    this.parts.rest.changed();
  }

  /** A row of this node for a name that was found free just now: its own arbiter has it at once, another must be asked. */
  private track(spec: StartSpec, status: Row['status']): Row {
    const { rows, clock } = this.parts;
    const { name, type, args, registration, groups } = spec;
    const flags = this.flagsOf(spec);
    return rows.track({ name, type, args, registration, groups, flags, fence: clock.next(), status });
  }

  /** Asks the name's arbiter for it: the row, now that it has it, or that of who has it instead. */
  private async claim(
    row: Row,
    arbiter: NodeId,
    spec: StartSpec,
    strict: boolean,
    deadline: number,
    timeoutMs: number,
  ): Promise<Row | 'again'> {
    const { placements, rows, runtime, clock } = this.parts;
    this.parts.stream.log.flush();
    const winner = await this.askFor(row, arbiter, strict, deadline);
    if (!rows.has(row)) return 'again';
    if (winner === 'granted' && placements.arbiterOf(spec.name, strict) === arbiter) {
      // While this node waited for its answer the name may have had another activation, and lost it.
      return rows.replace(row, { ...contentOf(row), fence: clock.next(), status: RowStatus.starting });
    }
    rows.untrack(row, Untracked.givenBack);
    if (winner instanceof Row) return winner;
    if (runtime.now() >= deadline) throw tooLate(spec, timeoutMs);
    await pause(this.parts, ASK_AGAIN_MS);
    return 'again';
  }

  private async askFor(
    row: Row,
    arbiter: NodeId,
    strict: boolean,
    deadline: number,
  ): Promise<Row | 'granted' | 'again'> {
    const { name, registration } = row;
    try {
      const question = { kind: FrameKind.Reserve, name, registration, strict } as const;
      const reply = await ask(this.parts, arbiter, question, deadline);
      // The link broke: whoever is arbiter next is asked.
      if (!reply) return 'again';
      const told = reply.row && reply.node !== null ? Row.fromWire(reply.row, reply.node) : undefined;
      if (told && reply.outcome === 'error') return told;
      // The arbiter has read of every activation before.
      if (told) this.parts.clock.observe(told.fence);
      return reply.outcome === 'ok' ? 'granted' : 'again';
    } catch {
      // The deadline has passed: nobody is asked.
      return 'again';
    }
  }

  private run(
    row: Row,
    spec: Pick<StartSpec, 'again' | 'pinned'>,
    /** The row is new here, and enough others have to hold it before anybody is answered. */
    mustBeHeld: boolean,
    deadline: number,
    timeoutMs: number,
    ringVersion: number,
  ): Promise<Row> | Row {
    const { name, type, args, fence } = row;
    if (this.closed) return this.notStarted(row, spec.again, new ShuttingDownError());
    const starting = this.parts.host.start({
      ...{ name, type, args, fence },
      ...(spec.pinned && { pinned: spec.pinned }),
    });
    if (!starting && !mustBeHeld) return this.started(row, spec.again, ringVersion);
    if (spec.again) this.restarting.add(row);
    const ready = async (): Promise<void> => {
      try {
        if (starting) await this.inTime(starting, row, spec.again, deadline, timeoutMs);
        if (mustBeHeld) await this.acknowledged(row, spec.again, deadline);
      } finally {
        this.restarting.delete(row);
      }
    };
    return ready().then(
      () => this.started(row, spec.again, ringVersion),
      (error: unknown) => this.notStarted(row, spec.again, error),
    );
  }

  private started(row: Row, again: boolean, ringVersion: number): Promise<Row> | Row {
    const { rows, emit, trace, settledHere } = this.parts;
    const { name, type, fence } = row;
    if (!rows.has(row))
      return Promise.reject(new WorkerStartError(name, 'its name was taken away while it started'));
    rows.setStatus(row, RowStatus.running);
    emit({ type: 'worker-started', name, workerType: type, fence });
    trace(() => `"${name}" runs here${again ? ' again' : ''}, fence ${fence}`);
    settledHere(row, ringVersion);
    return row;
  }

  private notStarted(row: Row, again: boolean, error: unknown): Promise<Row> | Row {
    const { rows } = this.parts;
    const failure = this.failureOf(row, error);
    if (!rows.has(row)) return Promise.reject(failure);
    if (!again) rows.untrack(row, Untracked.givenBack);
    if (!again) return Promise.reject(failure);
    // The row of a restart stays when this node leaves, which need not wait for it: it is an orphan then, and others go on.
    if (this.closed && row.status === RowStatus.starting) rows.setStatus(row, RowStatus.parked);
    if (this.closed) return Promise.reject(failure);
    if (row.status === RowStatus.parked) return row;
    this.restartFailed(row, failure);
    return row;
  }

  /** Gives a start up that takes too long. */
  private inTime(
    starting: Promise<void>,
    row: Row,
    again: boolean,
    deadline: number,
    timeoutMs: number,
  ): Promise<void> {
    const { rows, host, runtime } = this.parts;
    const { name } = row;
    const now = runtime.now();
    return new Promise((resolve, reject) => {
      const late = new DueTask(() => {
        // Who has taken its row away has ended it too, and may have started another since.
        if (rows.has(row)) host.end(name, 'stopped');
        reject(new OperationTimeoutError(`the start of "${name}"`, timeoutMs));
      });
      // A restart has no caller who waits: it gets the whole time.
      this.deadlines.set(late, again ? now + timeoutMs : deadline, now);
      starting.then(
        () => {
          this.deadlines.clear(late);
          resolve();
        },
        (error: unknown) => {
          this.deadlines.clear(late);
          reject(this.thrownBy(row, error));
        },
      );
    });
  }

  /**
   * Under a quorum nobody gets an answer of a registration that may be lost, or never have been. One of a dead node is not
   * given back: it would be nobody's.
   */
  private async acknowledged(row: Row, again: boolean, deadline: number): Promise<void> {
    const { rows, host, runtime, registerTimeoutMs } = this.parts;
    for (let until = deadline; ; until = runtime.now() + registerTimeoutMs) {
      try {
        await this.copies.held(row, until);
        if (rows.has(row) && !host.has(row.name))
          throw new WorkerStartError(row.name, 'it was stopped before enough nodes held it');
        return;
      } catch (error) {
        if (!rows.has(row)) throw error;
        if (again && !this.closed && host.has(row.name)) continue;
        host.end(row.name, 'stopped');
        throw error;
      }
    }
  }

  /** Two nodes must not both find themselves free to start it because they hear different nodes. */
  private isStrict({ type, pinned }: StartSpec): boolean {
    return !pinned && this.parts.placements.quorumOf(type) !== undefined;
  }

  /** Under a quorum nothing is started without a lease. */
  private mayRun({ type, pinned }: StartSpec): boolean {
    return pinned !== undefined || this.parts.membership.leases.isHeld(type);
  }

  /** An arbiter that is not to be reached is asked when it is, or when another takes its place. */
  private canAsk(arbiter: NodeId | undefined): boolean {
    const { membership, self } = this.parts;
    return arbiter === undefined || arbiter === self || membership.members.get(arbiter)?.linked === true;
  }

  private flagsOf({ type, pinned }: StartSpec): number {
    if (pinned) return RowFlag.pinned;
    return this.parts.host.definition(type)?.supervision?.restart === 'temporary' ? RowFlag.temporary : 0;
  }

  /**
   * What the worker's own code threw, also where that is an error of the swarm: of a call that timed out, or of another worker
   * which it could not start. Only when this node leaves others take the start over.
   */
  private thrownBy({ name }: Row, error: unknown): SwarmError {
    if (error instanceof WorkerStartError && error.workerName === name) return error;
    if (error instanceof ShuttingDownError && this.closed) return error;
    return new WorkerStartError(name, messageOf(error), { cause: error });
  }

  private failureOf(row: Row, error: unknown): SwarmError {
    if (error instanceof OperationTimeoutError || error instanceof ShuttingDownError) return error;
    return this.thrownBy(row, error);
  }
}

function tooLate({ name }: StartSpec, timeoutMs: number): OperationTimeoutError {
  return new OperationTimeoutError(`the registration of "${name}"`, timeoutMs);
}

/** Half to one and a half of `ms`. */
export function pause({ runtime }: Pick<RegistrationParts, 'runtime'>, ms: number): Promise<void> {
  return new Promise((resolve) => {
    runtime.after(ms * (0.5 + runtime.random()), resolve);
  });
}
