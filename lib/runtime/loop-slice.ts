import { SLICE_MS } from './slices.js';

/** So much is done before the clock is asked: between what comes one by one the event loop has its turns anyway. */
const UNTIMED = 16;

/**
 * Says when the event loop must have its turn before more is done. Node runs microtasks and what was given to
 * `process.nextTick` until none is left, so work there that brings about more of the same keeps out everything else:
 * sockets, timers, and with them what other nodes take for a sign of life.
 */
export class LoopSlice {
  private untimed = 0;

  constructor(private since: number) {}

  /** To be asked before each piece of work, with the monotonic time. */
  isOver(now: number): boolean {
    if (this.untimed < UNTIMED) {
      this.untimed++;
      return false;
    }
    return now - this.since >= SLICE_MS;
  }

  /** As `isOver`, where the time is not at hand, and a piece of work too small for a look at it: one of 16 is asked. */
  isOverBy(clock: () => number): boolean {
    if (++this.untimed < UNTIMED) return false;
    this.untimed = 0;
    return clock() - this.since >= SLICE_MS;
  }

  /** The event loop has had its turn. */
  begin(now: number): void {
    this.since = now;
    this.untimed = 0;
  }
}
