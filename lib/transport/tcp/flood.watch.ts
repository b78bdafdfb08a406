/** How long a link must go on having more than one turn of the event loop takes. */
const FLOOD_MS = 1_000;
/** A link that has had so long a rest begins anew. */
const REST_MS = 250;

interface Run {
  beganAt: number;
  lastAt: number;
}

/** Tells a peer that sends without end from one that once sends a lot. */
export class FloodWatch {
  private readonly runs = new WeakMap<object, Run>();

  /**
   * To be told of each turn of the event loop that was over before all of a link was read.
   *
   * @returns whether this makes it a flood; true once in a second at most
   */
  turnOver(link: object, nowMs: number): boolean {
    const run = this.runs.get(link);
    if (run === undefined || nowMs - run.lastAt > REST_MS) {
      this.runs.set(link, { beganAt: nowMs, lastAt: nowMs });
      return false;
    }
    run.lastAt = nowMs;
    if (nowMs - run.beganAt < FLOOD_MS) return false;
    run.beganAt = nowMs;
    return true;
  }
}
