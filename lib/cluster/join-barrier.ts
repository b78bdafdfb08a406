// Decides when this node may start workers (promise P1): once every live member has put it into its ring and has
// streamed everything it tracked before. A node that found nobody is up alone only after it has looked long enough.
import type { Dialer } from './dialer.js';
import type { NodeId } from '../transport/node-info.js';
import type { ExpectedMembers } from './expected-members.js';
import type { Members } from './members.js';
import type { Rolls } from './rolls.js';

/** What `JoinBarrier` asks of its node, and what it tells it. */
export interface JoinBarrierParts {
  readonly members: Members;
  readonly dialer: Dialer;
  readonly aloneAfterMs: number;
  /** Monotonic time at which this node began to listen. */
  readonly listeningSince: number;
  /** Members that others named and that are neither linked nor known to be gone. */
  readonly expected: Pick<ExpectedMembers, 'isAnyAwaited' | 'awaited'>;
  rolls(): Pick<Rolls, 'isReading' | 'peers'>;
}

/** What this node waits for while it joins. */
export class JoinBarrier {
  private since: number;

  constructor(private readonly parts: JoinBarrierParts) {
    this.since = parts.listeningSince;
  }

  /** This node joins anew: what it has looked for before does not count. */
  rearm(now: number): void {
    this.since = now;
  }

  /** Whether nothing stands between `joining` and `up` any more. */
  isOpen(): boolean {
    const { members, dialer, aloneAfterMs, rolls } = this.parts;
    if (this.isToBeAdopted || rolls().isReading) return false;
    if (dialer.isIdle) return true;
    const from = this.since + (members.peerCount > 0 ? 0 : aloneAfterMs);
    return dialer.lastRoundStartedAt !== undefined && dialer.lastRoundStartedAt >= from;
  }

  /** Whether a member, or one whom others named, has not put this node into its ring yet. */
  get isToBeAdopted(): boolean {
    const { members, expected } = this.parts;
    return expected.isAnyAwaited || members.toAdopt > 0;
  }

  /** Ids of the members that have not answered yet, or not said whom they know. */
  blockers(): string[] {
    const { expected, rolls, members } = this.parts;
    const waiting = new Set<NodeId>([...expected.awaited(), ...rolls().peers()]);
    for (const { adoptedUs, info } of members.peers()) if (!adoptedUs) waiting.add(info.id);
    return [...waiting];
  }
}
