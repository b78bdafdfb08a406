// Decides how many workers move at a time: as many as the other side takes without any of them being away for long.

/** A worker that is away for less than this has not been felt; more of them may move at a time. */
const SHORT_MS = 10;
/** One that is away for longer waits behind too many others. */
const LONG_MS = 22;
/** By how many the window grows per round while workers are away for neither. */
const STEADY_GROWTH = 3;
/** A target that has just started has not compiled anything yet. */
const FIRST = 8;
const LEAST = 6;

/**
 * Doubles per round while workers are away shortly, grows slowly while they are not, and shrinks by a quarter, once per
 * round, when one was away for long: TCP's slow start, additive increase and multiplicative decrease (Jacobson,
 * "Congestion Avoidance and Control", 1988), told by delay as in TCP Vegas (Brakmo and Peterson, 1995).
 */
export class MoveWindow {
  private window = FIRST;
  /** Begun before the last decrease: what they tell is known already. */
  private decreasedAt = -Infinity;

  constructor(private readonly most: number) {}

  get size(): number {
    return Math.min(this.most, Math.floor(this.window));
  }

  /** The nodes have changed: what was learnt of the last target says nothing of the next. */
  reset(): void {
    this.window = FIRST;
  }

  /** A worker was away from `began` to `ended`, monotonic. */
  moved(began: number, ended: number): void {
    const awayMs = ended - began;
    if (awayMs <= LONG_MS) {
      this.window = Math.min(this.most, this.window + (awayMs < SHORT_MS ? 1 : STEADY_GROWTH / this.window));
    } else if (began > this.decreasedAt) {
      this.window = Math.max(LEAST, this.window * 0.75);
      this.decreasedAt = ended;
    }
  }
}
