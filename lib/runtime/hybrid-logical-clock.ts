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
  /** The highest stamp that was observed, and when: its clock has gone on since, although nothing is heard of it. */
  private ahead = { stamp: 0, at: 0 };

  constructor(private readonly runtime: Runtime) {}

  /**
   * A stamp above every stamp this clock has given or observed, and above what a node has given meanwhile whose wall clock
   * is ahead, if it was heard before: whoever takes its place gives higher fences.
   */
  next(): number {
    const { runtime, ahead } = this;
    const there = ahead.stamp + Math.floor(runtime.now() - ahead.at) * STAMPS_PER_MS;
    const here = Math.floor(runtime.wallClock()) * STAMPS_PER_MS;
    this.last = Math.max(this.last + 1, here, ahead.stamp > 0 ? there : 0);
    return this.last;
  }

  /** Makes every later stamp exceed `stamp`, which another node gave. */
  observe(stamp: number): void {
    if (stamp >= ABSURD_STAMP) return;
    const { runtime, ahead } = this;
    const at = runtime.now();
    if (stamp > ahead.stamp + Math.floor(at - ahead.at) * STAMPS_PER_MS) this.ahead = { stamp, at };
    if (stamp > this.last) this.last = stamp;
  }
}
