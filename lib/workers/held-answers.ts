// Holds answers of one worker type back that were given when little of the lease was left, until it is renewed (promise
// P2). How long an answer is good is counted by the caller from when it has asked, which may be long ago: after a pause of
// this node what was asked meanwhile has waited here, and would be answered too late although nothing has happened.
import { Deadlines, DueTask } from '../runtime/deadlines.js';
import type { Runtime } from '../runtime/runtime.interface.js';
import { runSliced } from '../runtime/slices.js';
import type { DispatchGate } from './hosted-type.js';
import type { WorkerServices } from './worker-host.interface.js';

/** In so long the others have acknowledged this node if they hear it; if not, an answer that may be good is better than none. */
const LONGEST_HOLD_MS = 250;
/**
 * How much of a lease is enough. What was asked when this node was stopped, just after a ping that was acknowledged, has
 * waited for what is gone of the lease, and the answer is good for what is left, less 2 % for clocks that differ.
 */
const ENOUGH = 1 / 1.98;

export class HeldAnswers {
  private readonly held = new Map<DueTask, () => void>();
  private readonly deadlines: Deadlines;
  private askedAt = -Infinity;

  constructor(
    private readonly gate: DispatchGate,
    private readonly runtime: Runtime,
    private readonly services: Pick<WorkerServices, 'leaseMs' | 'renewLeases'>,
  ) {
    this.deadlines = new Deadlines(runtime);
  }

  /** Whether an answer that is given now may be good for too short a time. */
  isBrief(now: number): boolean {
    return this.gate.openUntil - now < this.services.leaseMs * ENOUGH;
  }

  /** Calls `give` when the lease was renewed, or is not; well before `deadline`. */
  hold(deadline: number, now: number, give: () => void): void {
    const late = new DueTask(() => {
      this.held.delete(late);
      give();
    });
    this.held.set(late, give);
    this.deadlines.set(late, Math.min(now + LONGEST_HOLD_MS, (now + deadline) / 2), now);
    if (now - this.askedAt < LONGEST_HOLD_MS) return;
    this.askedAt = now;
    this.services.renewLeases();
  }

  /** The lease ends at another time than before. */
  changed(): void {
    const { held, runtime, deadlines } = this;
    // An acknowledgement of a ping that was sent before a pause is not enough.
    if (held.size === 0 || (this.isBrief(runtime.now()) && this.gate.openUntil !== -Infinity)) return;
    const ready = [...held];
    held.clear();
    for (const [late] of ready) deadlines.clear(late);
    // As with those that wait for the lease: not before the caller has gone on.
    runtime.defer(() => runSliced(runtime, ready, ([, give]) => give()));
  }
}
