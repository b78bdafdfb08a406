// Decides until when this node may run workers of a type with a quorum (promise P2): for `leaseMs` after it has sent the
// latest pings that `size - 1` others have acknowledged. The time is compared before each message, so that a process
// which was stopped begins none when it wakes. After Gray and Cheriton, "Leases" (1989), held from a quorum of equals.
import type { Runtime } from '../runtime/runtime.interface.js';
import type { Member } from './member.js';
import { votes, type QuorumBound } from './quorum-bound.js';

/** What `Leases` asks of its node, and what it tells it. */
export interface LeasesParts {
  readonly runtime: Runtime;
  readonly self: Member;
  /** Sizes of the quorums of the types that this node hosts. */
  readonly quorums: ReadonlyMap<string, number>;
  readonly leaseMs: number;
  boundOf(type: string): QuorumBound;
  /** The lease of a type ends later than was told before. */
  extended(type: string, until: number): void;
  /** Types whose lease has just run out, and those that have one again. */
  changed(lost: readonly string[], regained: readonly string[]): void;
  /**
   * Only nodes acknowledge this one that did not do so before the lease ran out. They cannot know whether those that did
   * have fenced it: its workers of these types must end, and it joins again, before a new lease, `reset`, is taken.
   */
  stale(types: readonly string[]): void;
}

interface Lease {
  until: number;
  /** When it ran out; `undefined` while it holds, and before the first. */
  lapsedAt: number | undefined;
}

/** The leases of this node, one for each type with a quorum. */
export class Leases {
  private readonly leases = new Map<string, Lease>();

  constructor(private readonly parts: LeasesParts) {
    for (const type of parts.quorums.keys()) this.reset(type);
  }

  /** Whether workers of the type may run now. Always, for a type without a quorum. */
  isHeld(type: string): boolean {
    const lease = this.leases.get(type);
    return lease === undefined || this.parts.runtime.now() <= lease.until;
  }

  /** Until when; `Infinity` for a type without a quorum. */
  until(type: string): number {
    return this.leases.get(type)?.until ?? Infinity;
  }

  /** For `inspect()`. */
  list(): Array<{ readonly type: string; readonly leftMs: number }> {
    const now = this.parts.runtime.now();
    return [...this.leases].map(([type, { until }]) => ({ type, leftMs: Math.max(0, until - now) }));
  }

  /** Its workers were stopped. The next lease still has to be given by nodes that know of this one. */
  end(type: string): void {
    const lease = this.leases.get(type);
    if (!lease || lease.until === -Infinity) return;
    lease.lapsedAt ??= Math.min(lease.until, this.parts.runtime.now());
    lease.until = -Infinity;
  }

  /** No worker of the type runs here, nor has under this incarnation: the next lease starts without a past. */
  reset(type: string): void {
    if (this.parts.quorums.has(type)) this.leases.set(type, { until: -Infinity, lapsedAt: undefined });
  }

  /** A ping was acknowledged, the view has changed, or time has passed. */
  renew(): void {
    const now = this.parts.runtime.now();
    const lost: string[] = [];
    const regained: string[] = [];
    const stale: string[] = [];
    for (const [type, lease] of this.leases) {
      const held = lease.until;
      if (held < now && held !== -Infinity && lease.lapsedAt === undefined) {
        lease.lapsedAt = held;
        lost.push(type);
      }
      const { lapsedAt } = lease;
      const until = this.earned(type, lapsedAt ?? Infinity);
      if (until > held && until >= now) {
        lease.until = until;
        lease.lapsedAt = undefined;
        this.parts.extended(type, until);
        if (held < now) regained.push(type);
      } else if (lapsedAt !== undefined && this.earned(type, Infinity) >= now) {
        stale.push(type);
      }
    }
    if (lost.length + regained.length > 0) this.parts.changed(lost, regained);
    if (stale.length > 0) this.parts.stale(stale);
  }

  /** What the acknowledgements of members come to that have given some before `knownBy`. */
  private earned(type: string, knownBy: number): number {
    const { self, leaseMs, boundOf } = this.parts;
    const bound = boundOf(type);
    if (!votes(self) || bound.isBlocked || !bound.members.includes(self)) return -Infinity;
    const needed = bound.size - 1;
    if (needed === 0) return Infinity;
    const acks = bound.members
      .filter((member) => member !== self && this.counts(member, knownBy))
      .map(({ ackedAt }) => ackedAt)
      .sort((a, b) => b - a);
    return (acks[needed - 1] ?? -Infinity) + leaseMs;
  }

  /** Not before everything that it had tracked was read: what it has taken over from this node must be known here. */
  private counts(member: Member, knownBy: number): boolean {
    return votes(member) && member.adoptedUs && (member.acksSince ?? Infinity) <= knownBy;
  }
}
