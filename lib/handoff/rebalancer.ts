// Decides which workers of this node belong elsewhere, and moves them, few at a time (promise P5): after each change of
// the view, and whenever a worker has come to run. Also what becomes of those that no node may host now.
import type { Timer } from '../runtime/runtime.interface.js';
import { runSliced, SLICE_MS } from '../runtime/slices.js';
import { RowStatus, type Row } from '../tracker/row.js';
import type { NodeId } from '../transport/node-info.js';
import type { HandoffParts } from './handoff-parts.js';
import type { MoveOutcome, Moves } from './moves.js';
import { MovePace } from './move-pace.js';
import { MoveWindow } from './move-window.js';
import type { Quorum } from './quorum.js';

/** A worker that does not come to rest within this long does not count as moving: others need not wait for it. */
const BUSY_AFTER_MS = 20;
/** So many times `concurrency` may wait for their handlers to end. */
const BUSY_FACTOR = 4;
/** Pause before a move that the target refused is tried again; doubles each time, times 0.5 to 1.5. */
const AGAIN_MS = 50;
const AGAIN_MAX_MS = 2_000;
/** How often a worker whose own code fails is tried when its node leaves; it has no later chance. */
const LEAVING_ATTEMPTS = 3;
/** Most bytes of large states on their way, where more than one has to be: both ends keep them in memory. */
const LARGE_BYTES = 16 * 1024 * 1024;

/** Where a worker belongs, in which view. */
interface Destination {
  readonly to: NodeId;
  readonly ringVersion: number;
}

/** A worker with a large state, that waits for its turn. */
interface Large {
  readonly destination: Destination;
  /** Of its state when it was packed last. */
  readonly bytes: number;
}

/** One attempt to move a worker. */
interface Round {
  readonly name: string;
  readonly destination: Destination;
  /** Monotonic. */
  readonly began: number;
  /** Whether it counts as moving. */
  counts: boolean;
  /** Of its state, if that is large, when it was packed last. */
  bytes: number;
  busy: Timer | undefined;
}

export class Rebalancer {
  /** Names that do not belong here, in the order in which they were found. */
  private readonly queue = new Map<string, Destination>();
  /** Those with a large state; after all others, one at a time if there is time for that. */
  private readonly large = new Map<string, Large>();
  private readonly attempts = new Map<string, number>();
  private readonly failures = new Map<string, number>();
  private readonly again = new Map<string, Timer>();
  /** Names whose owner is not up yet, or has no place among the quorum yet; the view changes when it has. */
  private readonly awaiting = new Set<string>();
  /** Why names stay that this node, which leaves, could not hand off. */
  readonly givenUp = new Map<string, string>();
  private readonly window: MoveWindow;
  private active = 0;
  /** Those that carry a large state, or are about to. */
  private readonly activeLarge = new Set<Round>();
  private readonly pace = new MovePace();
  private readonly largePace = new MovePace();
  private pumpDue = false;
  private scans = 0;
  private leaving = false;
  /** When all should have moved, as what is left then may lose its state; monotonic. Otherwise nothing presses. */
  private dueAt = Infinity;
  private moved = 0;

  constructor(
    private readonly parts: HandoffParts,
    private readonly moves: Moves,
    private readonly quorum: Quorum,
  ) {
    this.window = new MoveWindow(parts.handoff.concurrency);
  }

  /** Names that are to be moved, or are being moved; 0 when nothing is under way. */
  get size(): number {
    return (
      this.queue.size + this.large.size + this.again.size + this.awaiting.size + this.moves.size + this.scans
    );
  }

  /** How many workers this node has handed to others, since it leaves. */
  get movedCount(): number {
    return this.moved;
  }

  /**
   * From now on nothing belongs here: the node leaves the swarm, and what is here after `deadline` loses its state. Half
   * of the time is for what does not go as planned.
   */
  leave(deadline: number): void {
    const now = this.parts.runtime.now();
    this.leaving = true;
    this.dueAt = now + (deadline - now) / 2;
    this.moved = 0;
    this.scan();
  }

  /** The view has changed: walks the rows of this node. */
  scan(): void {
    const { runtime, rows, rest } = this.parts;
    this.window.reset();
    this.pace.reset();
    this.largePace.reset();
    this.attempts.clear();
    this.awaiting.clear();
    for (const timer of this.again.values()) timer.cancel();
    this.again.clear();
    this.scans++;
    runSliced(
      runtime,
      [...rows.values()],
      (row) => this.consider(row),
      () => {
        this.scans--;
        rest.changed();
      },
    );
  }

  /** Looks where one worker of this node belongs. */
  consider(row: Row): void {
    const { rows, self, placements, supervisor, membership, knowsAll } = this.parts;
    if (!rows.has(row) || row.isPinned || this.givenUp.has(row.name)) return;
    const isParked = row.status === RowStatus.parked;
    if (!isParked && row.status !== RowStatus.running) return;
    const owner = placements.ownerOf(row.name, row.type);
    if (owner === self) {
      if (isParked && this.mayRestart(row)) supervisor.resume(row);
    } else if (owner === undefined) {
      // In a rolling deploy the next may be asked to leave before the new node has the place of the last.
      if (this.leaving && !isParked && placements.awaitedPlace(row.type)) this.awaiting.add(row.name);
      else if (this.leaving) this.giveUp(row, 'no other node may host it');
      else if (!isParked) this.quorum.missing(row);
    } else if (this.leaving && isParked) {
      this.giveUp(row, 'it does not run at the moment');
    } else if (isParked && !knowsAll()) {
      this.awaiting.add(row.name);
    } else if (membership.members.get(owner)?.status === 'up') {
      this.enqueue(row.name, { to: owner, ringVersion: membership.members.ringVersion });
    } else {
      this.awaiting.add(row.name);
    }
  }

  private enqueue(name: string, destination: Destination): void {
    if (this.moves.has(name) || this.again.has(name) || this.large.has(name)) return;
    this.queue.set(name, destination);
    this.pump();
  }

  private pump(): void {
    if (this.pumpDue) return;
    this.pumpDue = true;
    this.parts.runtime.defer(() => {
      this.pumpDue = false;
      this.beginSome();
    });
  }

  private beginSome(): void {
    this.takeSome();
    this.moves.flush();
  }

  private takeSome(): void {
    const { runtime, handoff } = this.parts;
    const now = runtime.now();
    const until = now + SLICE_MS;
    const needed = this.pace.needed(this.queue.size, this.dueAt - now);
    const most = Math.max(this.window.size, Math.min(needed, handoff.concurrency));
    for (const [name, destination] of this.queue) {
      if (this.active >= most || this.moves.size >= BUSY_FACTOR * handoff.concurrency) return;
      if (runtime.now() >= until) return this.pump();
      this.queue.delete(name);
      this.begin(name, destination);
    }
    for (const [name, { destination, bytes }] of this.large) {
      if (!this.hasRoomForLarge()) return;
      if (runtime.now() >= until) return this.pump();
      this.large.delete(name);
      this.begin(name, destination, bytes);
    }
  }

  /** `bytes`: of the state of one that is known to have a large one. */
  private begin(name: string, destination: Destination, bytes = 0): void {
    const { rows, membership, runtime } = this.parts;
    const { to } = destination;
    const row = rows.get(name);
    if (!row || this.moves.has(name) || destination.ringVersion !== membership.members.ringVersion) {
      if (row) this.consider(row);
      return this.parts.rest.changed();
    }
    // Which of several activations stays must be known first; the one that does is looked at again then.
    if (this.isContested(row)) return this.tryAgain(name);
    if (!membership.members.get(to)?.linked) return this.tryAgain(name);
    const round: Round = { name, destination, began: runtime.now(), counts: true, bytes, busy: undefined };
    const rules = { leaving: this.leaving, mayBeLarge: (size: number) => this.mayBeLarge(round, size) };
    this.active++;
    if (bytes > 0) this.activeLarge.add(round);
    this.moves.move(row, to, rules, (outcome) => this.over(round, outcome));
    if (this.moves.isPacking(name)) round.busy = runtime.after(BUSY_AFTER_MS, () => this.isBusy(round));
    return undefined;
  }

  /** A large state goes after all small ones; one that is found when no other waits goes at once. */
  private mayBeLarge(round: Round, bytes: number): boolean {
    round.bytes = bytes;
    const mayGo = this.activeLarge.has(round) || (this.queue.size === 0 && this.hasRoomForLarge());
    if (mayGo) this.activeLarge.add(round);
    return mayGo;
  }

  /** Several go at a time only where one after the other would come too late, as when each needs long for its start. */
  private hasRoomForLarge(): boolean {
    const { activeLarge } = this;
    if (activeLarge.size === 0) return true;
    const { runtime, handoff } = this.parts;
    const needed = this.largePace.needed(this.large.size, this.dueAt - runtime.now());
    if (activeLarge.size >= Math.min(needed, handoff.concurrency)) return false;
    let sum = 0;
    for (const { bytes } of activeLarge) sum += bytes;
    return sum < LARGE_BYTES;
  }

  /** It has not come to rest yet: others go on meanwhile. */
  private isBusy(round: Round): void {
    if (!round.counts || !this.moves.isPacking(round.name)) return;
    round.counts = false;
    this.active--;
    this.pump();
  }

  private over(round: Round, outcome: MoveOutcome): void {
    const { name, destination, began, counts, busy } = round;
    const isLarge = this.activeLarge.delete(round);
    if (outcome.kind === 'moved') this.measure(began, isLarge, counts);
    busy?.cancel();
    round.counts = false;
    if (counts) this.active--;
    if (outcome.kind === 'large') this.large.set(name, { destination, bytes: round.bytes });
    else this.ended(name, destination, outcome);
    this.pump();
    this.parts.rest.changed();
  }

  private measure(began: number, isLarge: boolean, counts: boolean): void {
    const now = this.parts.runtime.now();
    if (isLarge) return this.largePace.moved(now - began);
    if (!counts) return undefined;
    this.pace.moved(now - began);
    return this.window.moved(began, now);
  }

  private ended(name: string, destination: Destination, outcome: MoveOutcome): void {
    const { to } = destination;
    const { rows, history, trace } = this.parts;
    const row = rows.get(name);
    if (outcome.kind === 'moved') this.moved++;
    if (outcome.kind === 'moved' || outcome.kind === 'cancelled' || !row)
      return void this.attempts.delete(name);
    if ('reason' in outcome) {
      trace(() => `"${name}" could not be moved to ${to}: ${outcome.reason}`);
      if (outcome.kind === 'failed') this.failed(row, to, outcome.reason);
      if (outcome.kind === 'refused' || this.isStale(destination)) this.tryAgain(name);
    } else {
      history.note(name, `would not move to ${to}`);
      trace(() => `"${name}" belongs to ${to} and would not move`);
      if (this.leaving) this.giveUp(row, 'it would not move');
      else if (this.isStale(destination)) this.tryAgain(name);
    }
    return undefined;
  }

  /** The view has changed meanwhile, and passed the worker over because it was just moving. */
  private isStale({ ringVersion }: Destination): boolean {
    return ringVersion !== this.parts.membership.members.ringVersion;
  }

  /** The worker's own code threw, or took too long. The next change of the view is the next chance, if there is one. */
  private failed(row: Row, to: string, reason: string): void {
    const { count, history, emit, logger, supervisor } = this.parts;
    const { name, type } = row;
    count('handoffs-failed');
    history.note(name, `could not be moved to ${to}: ${reason}`);
    emit({ type: 'handoff-failed', name, workerType: type, to, reason });
    logger.warn(`${type} "${name}" could not be moved to ${to} and goes on here: ${reason}`);
    if (row.status === RowStatus.parked) supervisor.failed(row, reason);
    if (!this.leaving) return;
    const failures = (this.failures.get(name) ?? 0) + 1;
    this.failures.set(name, failures);
    if (failures < LEAVING_ATTEMPTS) this.tryAgain(name);
    else this.giveUp(row, reason);
  }

  private tryAgain(name: string): void {
    const { runtime, rows, rest } = this.parts;
    const attempt = this.attempts.get(name) ?? 0;
    this.attempts.set(name, attempt + 1);
    const pauseMs = Math.min(AGAIN_MS * 2 ** Math.min(attempt, 8), AGAIN_MAX_MS) * (0.5 + runtime.random());
    this.again.get(name)?.cancel();
    const timer = runtime.after(pauseMs, () => {
      this.again.delete(name);
      const row = rows.get(name);
      if (row) this.consider(row);
      rest.changed();
    });
    this.again.set(name, timer);
  }

  private giveUp({ name }: Row, reason: string): void {
    this.givenUp.set(name, reason);
    this.parts.rest.changed();
  }

  /** Whether it is known that no other node has it, and this one may run it. */
  private mayRestart(row: Row): boolean {
    return this.parts.knowsAll() && this.quorum.mayRestart(row.type) && !this.isContested(row);
  }

  /** Whether another node holds the name too. */
  private isContested(row: Row): boolean {
    return this.parts.index.all(row.name).some((other) => other !== row && other.isHeld);
  }
}
