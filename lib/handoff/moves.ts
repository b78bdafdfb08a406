// Decides, at the source alone, whether a worker has moved (promise P5): it is packed and handed to the target, which
// starts it without a message; when the target has said that it is ready, and its row is held here, the source lets go
// of its own row and says commit. Until then everything may fail, and the worker goes on here.
import { messageOf } from '../errors/thrown.js';
import { Deadlines, DueTask } from '../runtime/deadlines.js';
import { keepLatest } from '../runtime/keep-latest.js';
import { contentOf, type Row, RowStatus, Untracked, wireBytes } from '../tracker/row.js';
import {
  FrameKind,
  type DecideFrame,
  type PreparedFrame,
  type UndecidedFrame,
  type WireArrival,
} from '../transport/frame.js';
import type { NodeId } from '../transport/node-info.js';
import type { HandoffAnswer } from '../workers/worker-host.interface.js';
import { FrameBatches } from './frame-batches.js';
import type { HandoffParts } from './handoff-parts.js';

/** A state larger than this goes after all small ones, so that they do not wait behind it. */
const LARGE_STATE_BYTES = 256 * 1024;
/** How many committed moves are remembered whose worker was not seen to have begun at its target. */
const COMMITTED_LIMIT = 65_536;

/**
 * `moved`; `ignored`: it wishes to stay; `large`: its state is large, and it goes on until its turn has come;
 * `failed`: its own code threw, here or there; `refused`: it is busy, or the target would not have it now;
 * `cancelled`: it ended meanwhile.
 */
export type MoveOutcome =
  | { readonly kind: 'moved' | 'ignored' | 'large' | 'cancelled' }
  | { readonly kind: 'failed' | 'refused'; readonly reason: string };

/** What goes for one move of a worker. */
export interface MoveRules {
  /** Because this node leaves. */
  readonly leaving: boolean;
  /** Its state is large, of so many bytes: whether it may go now. If not, the worker goes on here, and is to be moved again later. */
  readonly mayBeLarge: (bytes: number) => boolean;
}

interface Move {
  readonly row: Row;
  readonly to: NodeId;
  readonly rules: MoveRules;
  /** Of the activation at the target; undefined until it is asked to prepare. */
  fence: number | undefined;
  /** The target has said that it is ready; its row may not have been read yet. */
  prepared: boolean;
  /** Of what it waits for from the target. */
  late: DueTask | undefined;
  /** Told once what became of it, when the rows are as they will be. */
  readonly settled: (outcome: MoveOutcome) => void;
}

/** What a target is told of a move that was committed, if it asks. */
interface Committed {
  readonly to: NodeId;
  readonly fence: number;
  readonly groups: readonly string[];
}

type Decision = DecideFrame['decisions'][number];

export class Moves {
  private readonly moves = new Map<string, Move>();
  /** Moves that this node has committed and whose target may not have heard it, by name. */
  private readonly committed = new Map<string, Committed>();
  private ending = 0;
  private readonly deadlines: Deadlines;
  private readonly prepares: FrameBatches<WireArrival>;
  private readonly decisions: FrameBatches<Decision>;

  constructor(private readonly parts: HandoffParts) {
    const { runtime, sender, stateSender, handoff } = parts;
    this.deadlines = new Deadlines(runtime);
    this.prepares = new FrameBatches(
      runtime,
      stateSender,
      ([row, state]) => wireBytes(row[2], row[5]) + (state?.length ?? 0),
      (arrivals) => ({ kind: FrameKind.Prepare, timeoutMs: handoff.timeoutMs, arrivals }),
    );
    this.decisions = new FrameBatches(
      runtime,
      sender,
      ([name, , , groups]) => name.length + wireBytes(null, groups),
      (decisions) => ({ kind: FrameKind.Decide, decisions }),
      () => parts.stream.log.flush(),
    );
  }

  get size(): number {
    return this.moves.size;
  }

  /** How many workers have moved and are not done with their end here. */
  get endingCount(): number {
    return this.ending;
  }

  has(name: string): boolean {
    return this.moves.has(name);
  }

  /** Whether `rowChanged` wants to hear of the name. */
  follows(name: string): boolean {
    return this.moves.has(name) || this.committed.has(name);
  }

  /** Whether the worker has not been handed to anybody yet. */
  isPacking(name: string): boolean {
    const move = this.moves.get(name);
    return move !== undefined && move.fence === undefined;
  }

  /** What is under way, for `inspect()`. */
  *list(): IterableIterator<{ readonly name: string; readonly to: NodeId; readonly step: string }> {
    for (const [name, { to, fence, prepared }] of this.moves) {
      yield { name, to, step: prepared ? 'prepared' : fence === undefined ? 'packing' : 'preparing' };
    }
  }

  /**
   * Moves a running worker with its state, or a parked one as it is. `settled` is told what became of it, perhaps before
   * this returns.
   */
  move(row: Row, to: NodeId, rules: MoveRules, settled: (outcome: MoveOutcome) => void): void {
    const move: Move = {
      row,
      to,
      rules,
      fence: undefined,
      prepared: false,
      late: undefined,
      settled,
    };
    this.moves.set(row.name, move);
    this.pack(move);
  }

  /** What is packed goes to its targets now, not at the end of the tick. */
  flush(): void {
    this.prepares.flush();
  }

  /** The worker ends, or is started anew: whatever was to become of it elsewhere must not. */
  cancel(row: Row): void {
    const move = this.moves.get(row.name);
    if (move?.row !== row) return;
    if (move.fence !== undefined) this.decide(move.to, [row.name, move.fence, 0, []]);
    this.close(move);
    move.settled({ kind: 'cancelled' });
  }

  onPrepared(from: NodeId, { results }: PreparedFrame): void {
    for (const [name, fence, outcome, reason] of results) {
      const move = this.moves.get(name);
      if (move?.to !== from || move.fence !== fence) {
        this.answer(from, name, fence);
      } else if (outcome === 'ready') {
        move.prepared = true;
        this.commitIfShown(name);
      } else {
        this.goOn(move, { kind: outcome, reason });
      }
    }
  }

  /** A target asks what has become of workers that it has prepared. */
  onUndecided(from: NodeId, { arrivals }: UndecidedFrame): void {
    for (const [name, fence] of arrivals) {
      if (this.moves.get(name)?.fence !== fence) this.answer(from, name, fence);
    }
  }

  /** A row of the name has changed: the target's may have been read, or may show that it has begun. */
  rowChanged(name: string): void {
    if (this.moves.size > 0 && this.moves.get(name)?.prepared) this.commitIfShown(name);
    const done = this.committed.size > 0 ? this.committed.get(name) : undefined;
    if (!done) return;
    const row = this.parts.replicas.table(done.to)?.get(name);
    if (row && (row.fence !== done.fence || row.status !== RowStatus.arriving)) this.committed.delete(name);
  }

  /** No answer will come from there: the workers go on here. */
  unlinked(node: NodeId): void {
    for (const move of [...this.moves.values()]) {
      if (move.to !== node || move.fence === undefined) continue;
      this.goOn(move, { kind: 'refused', reason: `the link to ${node} broke` });
    }
  }

  /** Without a promise if the worker is at rest and its `begin` is synchronous: most are, and so they move together. */
  private pack(move: Move): void {
    const { host, handoff, endings } = this.parts;
    const { row } = move;
    if (endings.isEnding(row)) return this.goOn(move, { kind: 'refused', reason: 'it is being ended' });
    if (row.status === RowStatus.parked) return this.prepare(move, null);
    const atRest = host.pause(row.name, handoff.timeoutMs);
    if (typeof atRest === 'boolean') return this.ask(move, atRest);
    void atRest.then((itIs) => this.ask(move, itIs));
    return undefined;
  }

  private ask(move: Move, atRest: boolean): void {
    const { host, handoff } = this.parts;
    if (!this.isOpen(move)) return;
    if (!atRest) {
      const reason = `its handler runs for more than ${handoff.timeoutMs} ms`;
      return this.goOn(move, { kind: 'refused', reason });
    }
    const answer = host.begin(move.row.name, handoff.timeoutMs);
    if ('kind' in answer) return this.packed(move, answer);
    answer.then(
      (given) => this.packed(move, given),
      (error: unknown) => this.goOn(move, { kind: 'failed', reason: messageOf(error) }),
    );
    return undefined;
  }

  private packed(move: Move, answer: HandoffAnswer): void {
    if (!this.isOpen(move)) return undefined;
    if (answer.kind === 'restart') return this.prepare(move, null);
    if (answer.kind === 'resume') {
      const { length } = answer.state;
      if (length <= LARGE_STATE_BYTES || move.rules.mayBeLarge(length))
        return this.prepare(move, answer.state);
    }
    return this.goOn(move, { kind: answer.kind === 'ignore' ? 'ignored' : 'large' });
  }

  private prepare(move: Move, state: Uint8Array | null): void {
    const { clock, runtime, handoff, rows, membership } = this.parts;
    const { row, to } = move;
    if (!rows.has(row)) {
      this.close(move);
      return move.settled({ kind: 'cancelled' });
    }
    if (!membership.members.get(to)?.linked) {
      return this.goOn(move, { kind: 'refused', reason: `there is no link to ${to}` });
    }
    move.fence = clock.next();
    const { name, type, args, registration, groups, flags } = row;
    const arriving = [name, type, args, move.fence, registration, groups, RowStatus.arriving, flags] as const;
    this.prepares.add(to, [arriving, state]);
    // The target has as long for its own code; what is under way has to come through before that and after it.
    const patienceMs = 2 * handoff.timeoutMs;
    move.late = new DueTask(() =>
      this.goOn(move, { kind: 'refused', reason: `${to} did not answer within ${patienceMs} ms` }),
    );
    const now = runtime.now();
    this.deadlines.set(move.late, now + patienceMs, now);
    return undefined;
  }

  /** The target's row must be held here before its authority is: if the target dies then, it is an orphan to be found. */
  private commitIfShown(name: string): void {
    const move = this.moves.get(name);
    if (!move) return;
    const shown = this.parts.replicas.table(move.to)?.get(name);
    if (shown?.fence !== move.fence || shown?.status !== RowStatus.arriving) return;
    const { row } = move;
    // Without a lease this worker may not be the only one: its state must not go on elsewhere.
    if (row.status === RowStatus.running && !this.parts.membership.leases.isHeld(row.type))
      this.goOn(move, { kind: 'refused', reason: `${row.type} has no lease here` });
    else this.commit(move);
  }

  private commit(move: Move): void {
    const { rows, host, reroute, emit, history, trace, self } = this.parts;
    const { row, to, fence } = move;
    const { name, type, groups } = row;
    if (fence === undefined) return;
    const wasRunning = row.status === RowStatus.running;
    this.remember(name, { to, fence, groups });
    this.close(move);
    this.parts.supervisor.release(row);
    rows.untrack(row, Untracked.moved);
    this.decide(to, [name, fence, 1, groups]);
    move.settled({ kind: 'moved' });
    if (wasRunning) {
      const { waiting, ended } = host.end(name, move.rules.leaving ? 'drained' : 'moved');
      reroute(name, waiting);
      if (ended) this.awaitEnd(ended);
    }
    emit({ type: 'worker-moved', name, workerType: type, from: self, to, fence });
    history.note(name, `moved to ${to}`);
    trace(() => `"${name}" has moved to ${to}, fence ${fence}`);
  }

  private awaitEnd(ended: Promise<void>): void {
    this.ending++;
    void ended.finally(() => {
      this.ending--;
      this.parts.rest.changed();
    });
  }

  /**
   * The worker stays, under a fence above that of the attempt: whoever saw the target's activation takes this one for
   * newer.
   */
  private goOn(move: Move, outcome: MoveOutcome): void {
    const { rows, host, clock } = this.parts;
    const { row, to, fence } = move;
    if (!this.isOpen(move)) return;
    this.close(move);
    if (rows.has(row)) {
      let current = row;
      if (fence !== undefined) {
        this.decide(to, [row.name, fence, 0, []]);
        // One that is parked is started under a new fence anyway.
        if (row.status !== RowStatus.parked)
          current = rows.replace(row, { ...contentOf(row), fence: clock.next() });
      }
      if (current.status === RowStatus.running) host.resume(current.name, current.fence);
    }
    move.settled(outcome);
  }

  private close(move: Move): void {
    if (move.late) this.deadlines.clear(move.late);
    if (this.isOpen(move)) this.moves.delete(move.row.name);
  }

  /** What this node knows of an attempt that it does not work on: it has committed, or never will. */
  private answer(to: NodeId, name: string, fence: number): void {
    const known = this.committed.get(name);
    const commit = known?.to === to && known.fence === fence;
    this.decide(to, commit ? [name, fence, 1, known.groups] : [name, fence, 0, []]);
  }

  /** Behind everything that was tracked before: the target begins when it has read that the source's row is gone. */
  private decide(to: NodeId, decision: Decision): void {
    this.decisions.add(to, decision);
  }

  private remember(name: string, committed: Committed): void {
    keepLatest(this.committed, name, committed, COMMITTED_LIMIT);
  }

  private isOpen(move: Move): boolean {
    return this.moves.get(move.row.name) === move;
  }
}
