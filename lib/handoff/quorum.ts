// Decides what becomes of workers of types with a quorum when it is lost (promise P2): while this node has no lease they
// begin no message and keep their state; when they cannot be the only ones any more, or too few nodes are there for
// `leaseMs`, they are stopped, and their registrations are parked until a quorum is back.
import type { NodeId } from '../transport/node-info.js';
import type { Timer } from '../runtime/runtime.interface.js';
import { runSliced } from '../runtime/slices.js';
import { NoNodeAvailableError } from '../errors/index.js';
import { RowStatus, type Row } from '../tracker/row.js';
import { refuse } from '../registration/endings.js';
import type { RegistrationParts } from '../registration/registration-parts.js';

export interface QuorumParts extends RegistrationParts {
  /** Sizes of the quorums of the types that this node hosts. */
  readonly quorums: ReadonlyMap<string, number>;
  readonly leaseMs: number;
  /** A worker that is being started here is not. */
  abandonStart(row: Row): void;
  /** A worker that was prepared to go on here does not. */
  abandonArrival(row: Row): void;
  /** The node's worker types are looked at again: some may run again. */
  regained(): void;
}

export class Quorum {
  /** Types for which too few nodes are there, and when their workers are stopped. */
  private readonly below = new Map<string, Timer>();
  private readonly lost = new Set<string>();
  /** Types whose parked workers may start again. */
  private readonly restartable = new Set<string>();
  /** What was begun last to make a type restartable: who has lost its lease since has parked more. */
  private readonly returns = new Map<string, symbol>();
  /** Until when what workers of a type answer holds, by the lease of this node. */
  private readonly heldUntil = new Map<string, number>();
  /** The same of those that were stopped before their lease was over. */
  private readonly answersHoldUntil = new Map<string, number>();
  /** Types whose workers pause, as was told. */
  private readonly pausing = new Set<string>();
  /** Types whose workers are being stopped; none of them may go on meanwhile. */
  private readonly stopping = new Map<string, Array<() => void>>();

  constructor(private readonly parts: QuorumParts) {
    for (const type of parts.quorums.keys()) parts.host.allowUntil(type, -Infinity, true);
  }

  /** Types whose workers pause, or were stopped, for want of nodes or of a lease. */
  get types(): string[] {
    const { quorums, membership } = this.parts;
    return [...quorums.keys()].filter((type) => this.isBelow(type) || !membership.leases.isHeld(type));
  }

  /** The view has changed: which types of this node have enough nodes. */
  check(): void {
    const { quorums, placements } = this.parts;
    const gone: string[] = [];
    const back: string[] = [];
    for (const [type, size] of quorums) {
      const isBelow = placements.eligible(type).length < size;
      if (isBelow === this.isBelow(type)) continue;
      (isBelow ? gone : back).push(type);
    }
    for (const type of gone) this.stopLater(type);
    for (const type of back) {
      this.below.get(type)?.cancel();
      this.below.delete(type);
      this.lost.delete(type);
    }
    this.tell(gone, back);
    if (back.length > 0) this.goOn(back);
  }

  /** Whether parked workers of the type may start again, as far as their quorum is concerned. */
  mayRestart(type: string): boolean {
    const { quorums, membership, runtime } = this.parts;
    if (!quorums.has(type)) return true;
    if (runtime.now() < (this.answersHoldUntil.get(type) ?? -Infinity)) return false;
    return this.restartable.has(type) && membership.leases.isHeld(type);
  }

  leaseExtended(type: string, until: number): void {
    if (this.stopping.has(type)) return;
    this.heldUntil.set(type, until);
    this.parts.host.allowUntil(type, until, true);
  }

  leasesChanged(lost: readonly string[], regained: readonly string[]): void {
    const { emit, logger, leaseMs } = this.parts;
    for (const type of lost) {
      this.pausing.add(type);
      this.restartable.delete(type);
    }
    // The first lease of a node is nothing that it had lost.
    const again = regained.filter((type) => this.pausing.delete(type));
    if (lost.length > 0) {
      emit({ type: 'lease-lost', workerTypes: lost });
      logger.warn(
        `no lease for ${lost.join(', ')}: too few nodes have acknowledged this one for ${leaseMs} ms, so their workers pause here and keep their state; check the network to the other nodes, and whether this process was stopped or blocked`,
      );
    }
    if (again.length > 0) {
      emit({ type: 'lease-regained', workerTypes: again });
      logger.log(`lease again for ${again.join(', ')}: their workers go on here`);
    }
    if (regained.length > 0) this.goOn(regained);
  }

  /** Those who acknowledge this node now cannot know whether it was fenced: what runs here ends first. */
  leaseStale(types: readonly string[], done: () => void): void {
    this.parts.logger.warn(
      `the nodes that acknowledge this one have come since its lease for ${types.join(', ')} ran out, and may have forgotten that they went on without it: it stops its workers of ${[...this.parts.quorums.keys()].join(', ')}, and joins again; start nodes one after the other, so that a quorum remembers`,
    );
    this.stopAll(done);
  }

  /** The others have gone on without this node: what it ran under a lease runs elsewhere, or soon will. */
  selfFenced(by: NodeId, done: () => void): void {
    const { emit, logger, quorums } = this.parts;
    emit({ type: 'self-fenced', by });
    logger.warn(
      `${by} has gone on without this node, which was not heard for too long: it stops its workers of ${[...quorums.keys()].join(', ') || 'no type'}, and joins again; check whether this process was stopped, or blocked its event loop, and the network to it`,
    );
    this.stopAll(done);
  }

  /** Nobody may see one of them run under the next incarnation. */
  private stopAll(done: () => void): void {
    const { quorums } = this.parts;
    let left = quorums.size;
    if (left === 0) done();
    for (const type of quorums.keys())
      this.stop(type, () => {
        left--;
        if (left === 0) done();
      });
  }

  /** A worker that no node may host now. Those below a quorum wait for it; of others nobody says when that changes. */
  missing(row: Row): void {
    if (!this.below.has(row.type)) this.park(row);
  }

  /** Not before all others have read what is parked here: whoever knows that a registration has ended says so then. */
  private goOn(types: readonly string[]): void {
    const { stream, membership, regained } = this.parts;
    const own = Symbol('return');
    for (const type of types) this.returns.set(type, own);
    const isBack = (type: string): boolean =>
      this.returns.get(type) === own && membership.leases.isHeld(type) && !this.stopping.has(type);
    stream.whenHeld(Number.MAX_SAFE_INTEGER, undefined, () => {
      for (const type of types) if (isBack(type)) this.restartable.add(type);
      regained();
    });
  }

  private stopLater(type: string): void {
    const { runtime, leaseMs } = this.parts;
    const stop = (): void => {
      if (this.isEnoughSoon(type)) return this.stopLater(type);
      this.below.delete(type);
      this.lost.add(type);
      return this.stop(type);
    };
    this.below.set(type, runtime.after(leaseMs, stop));
  }

  /**
   * Whether a node has come that only waits for a place, or has it and was not counted yet. A place is free somewhat later
   * than a lease is over: in a deploy that is quicker than that, workers would end just before they could go on.
   */
  private isEnoughSoon(type: string): boolean {
    const { quorums, placements, membership } = this.parts;
    if (placements.eligible(type).length >= (quorums.get(type) ?? 1)) return true;
    const awaited = placements.awaitedPlace(type);
    // Who has a lease is one of a quorum, which agrees about the nodes that it does not hear.
    return awaited === 'left' || (awaited !== undefined && membership.leases.isHeld(type));
  }

  private isBelow(type: string): boolean {
    return this.below.has(type) || this.lost.has(type);
  }

  private stop(type: string, done: () => void = () => undefined): void {
    const { rows, runtime, host, membership } = this.parts;
    const others = this.stopping.get(type);
    if (others) return void others.push(done);
    const waiting = [done];
    this.stopping.set(type, waiting);
    this.restartable.delete(type);
    this.pausing.add(type);
    host.allowUntil(type, -Infinity, true);
    const here = [...rows.values()].filter((row) => row.type === type);
    runSliced(
      runtime,
      here,
      (row) => this.park(row),
      () => {
        this.stopping.delete(type);
        membership.leases.end(type);
        for (const stopped of waiting) stopped();
        membership.leases.renew();
      },
    );
  }

  /** The worker ends, its registration stays. */
  private park(row: Row): void {
    const { rows, host, cancelMove, abandonStart, abandonArrival, emit, history, rest } = this.parts;
    const { name, type, status } = row;
    if (!rows.has(row) || row.isPinned) return;
    if (status === RowStatus.starting) return abandonStart(row);
    if (status !== RowStatus.running && status !== RowStatus.arriving) return;
    if (status === RowStatus.running) {
      cancelMove(row);
      this.outliveAnswers(type);
    } else abandonArrival(row);
    const { waiting } = host.end(name, 'no-quorum');
    rows.setStatus(row, RowStatus.parked);
    refuse(waiting, () => new NoNodeAvailableError(`no node may host "${name}" now`));
    emit({ type: 'worker-stopped', name, workerType: type, reason: 'no-quorum' });
    history.note(name, 'stopped here: no-quorum');
    rest.changed();
  }

  /** A caller may take what a worker has answered until its lease is over: no successor begins here before. */
  private outliveAnswers(type: string): void {
    const { runtime } = this.parts;
    const until = this.heldUntil.get(type);
    if (until === undefined || !Number.isFinite(until) || until <= runtime.now()) return;
    if (this.answersHoldUntil.get(type) === until) return;
    this.answersHoldUntil.set(type, until);
    // A timer may be a fraction early.
    runtime.after(until - runtime.now() + 1, () => this.goOn([type]));
  }

  private tell(gone: readonly string[], back: readonly string[]): void {
    const { emit, logger, placements, quorums, leaseMs } = this.parts;
    if (gone.length > 0) {
      emit({ type: 'quorum-lost', workerTypes: gone });
      const counts = gone.map(
        (type) => `${type} (${placements.eligible(type).length} of at least ${quorums.get(type)} nodes)`,
      );
      logger.warn(
        `no quorum for ${counts.join(', ')}: workers pause when their lease ends, and are stopped in ${leaseMs} ms unless nodes come back; start nodes, or mend the network to those that run`,
      );
    }
    if (back.length > 0) {
      emit({ type: 'quorum-regained', workerTypes: back });
      logger.log(`quorum again for ${back.join(', ')}`);
    }
  }
}
