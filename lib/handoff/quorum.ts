// Decides what becomes of workers whose type has too few nodes: they pause at once and keep their state; after
// `leaseMs` below the quorum they are stopped, and their registrations are parked until it is back.
import type { Timer } from '../runtime/runtime.interface.js';
import { runSliced } from '../runtime/slices.js';
import { NoNodeAvailableError } from '../errors/index.js';
import { RowStatus, type Row } from '../tracker/row.js';
import { refuse } from '../registration/endings.js';
import type { RegistrationParts } from '../registration/registration-parts.js';

export interface QuorumParts extends RegistrationParts {
  readonly leaseMs: number;
  /** The node's worker types are looked at again: some have got their quorum back. */
  regained(): void;
}

export class Quorum {
  /** Types of this node that are below their quorum, and when their workers are stopped. */
  private readonly below = new Map<string, Timer>();
  private readonly lost = new Set<string>();

  constructor(private readonly parts: QuorumParts) {}

  /** Types whose workers pause, or were stopped, for want of nodes. */
  get types(): string[] {
    return [...this.below.keys(), ...this.lost];
  }

  /** The view has changed: which types of this node have a quorum. */
  check(): void {
    const { host, placements } = this.parts;
    const gone: string[] = [];
    const back: string[] = [];
    for (const type of host.types) {
      const quorum = placements.quorumOf(type);
      if (quorum === undefined) continue;
      const isBelow = placements.eligible(type).length < quorum;
      if (isBelow === (this.below.has(type) || this.lost.has(type))) continue;
      (isBelow ? gone : back).push(type);
    }
    for (const type of gone) this.pause(type);
    for (const type of back) this.goOn(type);
    this.tell(gone, back);
  }

  /** A worker that no node may host now. Those below a quorum wait for it; of others nobody says when that changes. */
  missing(row: Row): void {
    if (!this.below.has(row.type)) this.park(row);
  }

  private pause(type: string): void {
    const { host, runtime, leaseMs } = this.parts;
    host.setDispatching(type, false);
    this.below.set(
      type,
      runtime.after(leaseMs, () => {
        this.below.delete(type);
        this.lost.add(type);
        this.stopAll(type);
      }),
    );
  }

  private goOn(type: string): void {
    this.below.get(type)?.cancel();
    this.below.delete(type);
    this.lost.delete(type);
    this.parts.host.setDispatching(type, true);
    this.parts.regained();
  }

  private stopAll(type: string): void {
    const { rows, runtime } = this.parts;
    const stopped = [...rows.values()].filter((row) => row.type === type && row.status === RowStatus.running);
    runSliced(runtime, stopped, (row) => {
      if (this.lost.has(type) && rows.has(row)) this.park(row);
    });
  }

  /** The worker ends, its registration stays. */
  private park(row: Row): void {
    const { rows, host, cancelMove, emit, history, rest } = this.parts;
    if (row.isPinned || row.status !== RowStatus.running) return;
    const { name, type } = row;
    cancelMove(row);
    const { waiting } = host.end(name, 'no-quorum');
    rows.setStatus(row, RowStatus.parked);
    refuse(waiting, () => new NoNodeAvailableError(`no node may host "${name}" now`));
    emit({ type: 'worker-stopped', name, workerType: type, reason: 'no-quorum' });
    history.note(name, 'stopped here: no-quorum');
    rest.changed();
  }

  private tell(gone: readonly string[], back: readonly string[]): void {
    const { emit, logger, placements, leaseMs } = this.parts;
    if (gone.length > 0) {
      emit({ type: 'quorum-lost', workerTypes: gone });
      const counts = gone.map(
        (type) =>
          `${type} (${placements.eligible(type).length} of at least ${placements.quorumOf(type)} nodes)`,
      );
      logger.warn(
        `no quorum for ${counts.join(', ')}: workers pause, and are stopped in ${leaseMs} ms unless nodes come back`,
      );
    }
    if (back.length > 0) {
      emit({ type: 'quorum-regained', workerTypes: back });
      logger.log(`quorum again for ${back.join(', ')}`);
    }
  }
}
