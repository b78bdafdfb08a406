// Decides when a node that leaves may go (promise P5): when every worker was handed off or has had its time, when
// everybody holds that they are elsewhere, and when nobody sends this node anything any more.
import { RowStatus, type Row } from '../tracker/row.js';
import { FrameKind } from '../transport/frame.js';
import type { NodeId } from '../transport/node-info.js';
import type { Arrivals } from './arrivals.js';
import type { Conflicts } from './conflicts.js';
import type { DrainReport } from './drain-report.js';
import type { HandoffParts } from './handoff-parts.js';
import type { Moves } from './moves.js';
import type { Rebalancer } from './rebalancer.js';

/** How long workers that are left when the time is up have to end. */
const END_GRACE_MS = 1_000;
/** How many workers that could not be handed off one line of log names. */
const NAMES_LOGGED = 20;

export interface DrainParts extends HandoffParts {
  readonly moves: Moves;
  readonly rebalancer: Rebalancer;
  readonly arrivals: Arrivals;
  readonly conflicts: Conflicts;
  /** Whether nothing of this node, or that it has passed on for others, waits for an answer. */
  isIdle(): boolean;
}

export class Drain {
  /** Peers that may still send something to this node. */
  private readonly talking = new Set<NodeId>();

  constructor(private readonly parts: DrainParts) {}

  /** Hands everything off. `closing` is called when the workers are gone: this node's own callers come too late then. */
  async run(timeoutMs: number, closing: () => void): Promise<DrainReport> {
    const { runtime, rest, rebalancer, emit } = this.parts;
    const began = runtime.now();
    const deadline = began + timeoutMs;
    rebalancer.leave(deadline);
    await rest.until(deadline, () => !this.isMoving());
    const left = [...this.remaining()].map((row) => this.explain(row));
    await this.endRest(Math.max(deadline, runtime.now() + END_GRACE_MS));
    for (const { name, type } of left)
      emit({ type: 'worker-stopped', name, workerType: type, reason: 'stopped' });
    closing();
    await this.farewell(Math.min(deadline, runtime.now() + this.parts.handoff.forwardMs));
    const report = { moved: rebalancer.movedCount, left, tookMs: Math.round(runtime.now() - began) };
    this.log(report);
    return report;
  }

  /** A peer leaves and hosts nothing any more; this node's answer travels behind all that it has sent to it. */
  onFarewell(from: NodeId): void {
    this.parts.sender.send(from, [{ kind: FrameKind.LastWord } as const].values());
  }

  /** A peer has sent its last message to this node, or its link is gone. */
  onLastWord(from: NodeId): void {
    if (this.talking.delete(from)) this.parts.rest.changed();
  }

  /** Whether there is something to wait for. */
  private isMoving(): boolean {
    const { rebalancer, moves, arrivals, conflicts } = this.parts;
    if (rebalancer.size + arrivals.size + conflicts.size + moves.endingCount > 0) return true;
    for (const { name, status } of this.remaining()) {
      if (status === RowStatus.starting || (status === RowStatus.running && !rebalancer.givenUp.has(name)))
        return true;
    }
    return false;
  }

  /** What is left has the rest of the time for its last handler and for `die`. */
  private async endRest(deadline: number): Promise<void> {
    let done = false;
    void this.parts.endings.endAll().then(() => {
      done = true;
      this.parts.rest.changed();
    });
    await this.parts.rest.until(deadline, () => done);
  }

  private *remaining(): IterableIterator<Row> {
    for (const row of this.parts.rows.values()) {
      if (!row.isPinned && row.status !== RowStatus.claiming && row.status !== RowStatus.parked) yield row;
    }
  }

  private explain({ name, type }: Row): DrainReport['left'][number] {
    return { name, type, reason: this.parts.rebalancer.givenUp.get(name) ?? 'there was no time left' };
  }

  /** Waits until all peers hold this node's rows as they are now, have nothing more to say to it, and all is answered. */
  private async farewell(deadline: number): Promise<void> {
    const { stream, membership, sender, rest, runtime } = this.parts;
    let held = false;
    const giveUp = stream.whenHeld(Number.MAX_SAFE_INTEGER, undefined, () => {
      held = true;
      rest.changed();
    });
    if (!(await rest.until(deadline, () => held))) giveUp();
    for (const peer of membership.members.linkedIds()) {
      this.talking.add(peer);
      sender.send(peer, [{ kind: FrameKind.Farewell } as const].values());
    }
    if (await rest.until(deadline, () => this.talking.size === 0 && this.parts.isIdle())) return;
    const waited = Math.round(deadline - runtime.now());
    this.parts.trace(() => `leaves although not everything was answered (${waited} ms left)`);
  }

  private log({ moved, left, tookMs }: DrainReport): void {
    const { logger, membership } = this.parts;
    if (moved === 0 && left.length === 0) return;
    logger.log(`drained in ${tookMs} ms: ${moved} worker(s) handed off, ${left.length} not`);
    // The last node of a swarm has nobody to hand anything to: no reason for a warning.
    if (left.length === 0 || membership.members.peerCount === 0) return;
    const names = left.slice(0, NAMES_LOGGED).map(({ name, reason }) => `"${name}" (${reason})`);
    const more = left.length > NAMES_LOGGED ? ` and ${left.length - NAMES_LOGGED} more` : '';
    logger.warn(`not handed off, others start them without their state: ${names.join(', ')}${more}`);
  }
}
