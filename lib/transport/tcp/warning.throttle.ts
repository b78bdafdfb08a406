const EVERY_MS = 60_000;
/** Peers that are remembered; an attacker with many addresses gets no more memory than this. */
const MOST_PEERS = 1000;

/** Says of a peer at most once a minute that something may be logged about it. */
export class WarningThrottle {
  private readonly lastMs = new Map<string, number>();

  allows(peer: string, nowMs: number): boolean {
    const last = this.lastMs.get(peer);
    if (last !== undefined && nowMs - last < EVERY_MS) return false;
    if (this.lastMs.size >= MOST_PEERS) this.lastMs.clear();
    this.lastMs.set(peer, nowMs);
    return true;
  }
}
