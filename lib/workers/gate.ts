// Decides until when the workers of one type may begin messages (promise P2). The time is compared before each of them,
// not by a timer, which could be late. It knows whom it has turned away, so that a later time wakes those and no others.
import type { DispatchGate } from './hosted-type.js';

/** What waits at a gate. */
export interface GateVisitor {
  /** It is open again. `atOnce`: the caller waits for nothing. */
  goOn(atOnce: boolean): void;
}

export class Gate implements DispatchGate {
  private until = Infinity;
  private leased = false;
  private turnedAway = new Set<GateVisitor>();

  get openUntil(): number {
    return this.until;
  }

  get underLease(): boolean {
    return this.leased;
  }

  /** Whether somebody was turned away and has not been told since. */
  get isWaitedAt(): boolean {
    return this.turnedAway.size > 0;
  }

  allow(until: number, underLease: boolean): void {
    this.until = until;
    this.leased = underLease;
  }

  /** Whether it is open now; if not, `visitor` is told when it is. */
  admits(now: number, visitor: GateVisitor): boolean {
    if (now <= this.until) return true;
    this.turnedAway.add(visitor);
    return false;
  }

  /** It has ended, and need not be told of anything. */
  forget(visitor: GateVisitor): void {
    this.turnedAway.delete(visitor);
  }

  /** Those that were turned away, in the order in which they came. Whoever takes them tells them to go on. */
  take(): Iterable<GateVisitor> {
    const waiting = this.turnedAway;
    this.turnedAway = new Set();
    return waiting;
  }
}
