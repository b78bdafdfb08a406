// Decides when this node may start workers (promise P1): once every live member has put it into its ring and has
// streamed everything it tracked before. A node that found nobody is up alone only after it has looked long enough.
import type { Dialer } from './dialer.js';
import type { NodeId } from '../transport/node-info.js';
import type { Members } from './members.js';

export interface JoinBarrierParts {
  readonly members: Members;
  readonly dialer: Dialer;
  readonly aloneAfterMs: number;
  /** Monotonic time at which this node began to listen. */
  readonly listeningSince: number;
  /** Members that others named and that are neither linked nor known to be gone. */
  expected(): Iterable<string>;
}

export class JoinBarrier {
  private since: number;
  /** Who was waited for when it was looked last: as a rule still, so that a look at each frame need not go through all. */
  private last: NodeId | undefined;

  constructor(private readonly parts: JoinBarrierParts) {
    this.since = parts.listeningSince;
  }

  /** This node joins anew: what it has looked for before does not count. */
  rearm(now: number): void {
    this.since = now;
  }

  /** Whether nothing stands between `joining` and `up` any more. */
  isOpen(): boolean {
    const { members, dialer, aloneAfterMs } = this.parts;
    if (this.isBlocked()) return false;
    if (dialer.isIdle) return true;
    const from = this.since + (members.peerCount > 0 ? 0 : aloneAfterMs);
    return dialer.lastRoundStartedAt !== undefined && dialer.lastRoundStartedAt >= from;
  }

  private isBlocked(): boolean {
    const { members, expected } = this.parts;
    for (const _ of expected()) return true;
    if (this.last !== undefined && members.get(this.last)?.adoptedUs === false) return true;
    for (const { adoptedUs, info } of members.peers()) {
      if (adoptedUs) continue;
      this.last = info.id;
      return true;
    }
    return false;
  }

  /** Ids of the members that have not answered yet. */
  blockers(): string[] {
    const waiting = [...this.parts.expected()];
    for (const { adoptedUs, info } of this.parts.members.peers()) if (!adoptedUs) waiting.push(info.id);
    return waiting;
  }
}
