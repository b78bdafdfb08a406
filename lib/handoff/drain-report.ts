/** What became of the workers of a node that was drained. */
export interface DrainReport {
  /** How many were handed off to other nodes. */
  readonly moved: number;
  /** Those that were not, and why; they have ended, and the others start them anew, without their state. */
  readonly left: ReadonlyArray<{ readonly name: string; readonly type: string; readonly reason: string }>;
  /** Milliseconds that the drain took. */
  readonly tookMs: number;
}
