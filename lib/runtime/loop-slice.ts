import { SLICE_MS } from './slices.js';

/** How many pieces of work pass before the clock is looked at. */
const UNTIMED = 16;

/**
 * Says when work in microtasks must pause, so that the event loop has its turn. Node.js runs microtasks and `process.nextTick`
 * until none is left: work that creates more of the same keeps out sockets and timers, and with them the pings by which other
 * nodes know that this one lives.
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

  /** As `isOver`, for pieces of work so small that even reading the clock costs: it is read at every 16th. */
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
