import type { Runtime } from './runtime.interface.js';

/** Stamps per millisecond; 2^52 / 1024 milliseconds reach to the year 2109. */
const STAMPS_PER_MS = 1024;
/** Stamps from here on are no clock's, and would leave no room above them. */
const ABSURD_STAMP = Number.MAX_SAFE_INTEGER / 2;

/**
 * Stamps that only rise, on this node and across every message that was observed: milliseconds × 1024 + counter,
 * a safe integer. Fences, incarnations and registrations are such stamps.
 *
 * After Kulkarni et al., "Logical Physical Clocks and Consistent Snapshots" (2014), in one number.
 */
export class HybridLogicalClock {
  private last = 0;

  constructor(private readonly runtime: Runtime) {}

  /** A stamp above every stamp this clock has given or observed. */
  next(): number {
    this.last = Math.max(this.last + 1, Math.floor(this.runtime.wallClock()) * STAMPS_PER_MS);
    return this.last;
  }

  /** Makes every later stamp exceed `stamp`, which another node gave. */
  observe(stamp: number): void {
    if (stamp > this.last && stamp < ABSURD_STAMP) this.last = stamp;
  }
}
