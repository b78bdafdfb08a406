const EVERY_MS = 60_000;
/** Peers of which something is logged within a minute: who has many addresses gets no more of the log than this. */
const MOST_PEERS = 100;

/** Says of a peer at most once a minute that something may be logged about it, and of no more than `MOST_PEERS`. */
export class WarningThrottle {
  /** Who was allowed when, the longest ago first. */
  private readonly lastMs = new Map<string, number>();

  allows(peer: string, nowMs: number): boolean {
    for (const [one, atMs] of this.lastMs) {
      if (nowMs - atMs < EVERY_MS) break;
      this.lastMs.delete(one);
    }
    if (this.lastMs.has(peer) || this.lastMs.size >= MOST_PEERS) return false;
    this.lastMs.set(peer, nowMs);
    return true;
  }
}
