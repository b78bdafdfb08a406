// Decides how many workers must move at a time so that all have moved in time. What takes long may be their own code, as
// that of one which reads a database when it starts: then fewer at a time are away no shorter, and the rest comes too late.

/** Of how many of the last moves the mean is taken, about. */
const MEAN_OF = 16;

export class MovePace {
  /** How long workers were away of late; 0: none has moved yet. */
  private meanMs = 0;

  moved(awayMs: number): void {
    this.meanMs += (awayMs - this.meanMs) / (this.meanMs === 0 ? 1 : MEAN_OF);
  }

  /** How many at a time, so that `left` workers have moved within `leftMs`; 0 if nothing is known. */
  needed(left: number, leftMs: number): number {
    return Math.ceil((left * this.meanMs) / Math.max(1, leftMs));
  }

  /** The nodes have changed: what was learnt of the last target says nothing of the next. */
  reset(): void {
    this.meanMs = 0;
  }
}
