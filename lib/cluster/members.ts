// Decides who is a member and in whose ring (promise P1: a member that was linked is in the ring from that moment
// on, before its first frame is read, until it leaves or is taken for dead).
import type { MemberAddress, NodeId, NodeInfo } from '../transport/node-info.js';
import type { Member } from './member.js';

/** The set of members, this node included. */
export class Members {
  private readonly others = new Map<NodeId, Member>();
  private sortedRing: readonly Member[] | undefined;
  /** Rises with every change of the ring. */
  ringVersion = 0;

  constructor(readonly self: Member) {}

  /** Another member, or this node itself. */
  get(id: NodeId): Member | undefined {
    return id === this.self.info.id ? this.self : this.others.get(id);
  }

  /** Whether what is known of its log is what it says now: of a node that has just linked, history is read first. */
  isCurrent(id: NodeId): boolean {
    return this.get(id)?.adoptedUs === true;
  }

  /** Every member but this node. */
  peers(): IterableIterator<Member> {
    return this.others.values();
  }

  get peerCount(): number {
    return this.others.size;
  }

  *linkedIds(): IterableIterator<NodeId> {
    for (const member of this.others.values()) if (member.linked) yield member.info.id;
  }

  /** Members that names are placed on, sorted by id: joining ones too, no leaving one. */
  ring(): readonly Member[] {
    this.sortedRing ??= [this.self, ...this.others.values()]
      .filter(({ status }) => status === 'joining' || status === 'up')
      .sort((a, b) => (a.info.id < b.info.id ? -1 : 1));
    return this.sortedRing;
  }

  /** What other nodes are told in a hello: enough to dial everyone. */
  addresses(): MemberAddress[] {
    return [this.self, ...this.others.values()].map(({ info: { id, host, port, incarnation } }) => ({
      id,
      host,
      port,
      incarnation,
    }));
  }

  /** What a member that joins is told of all others. */
  infos(): NodeInfo[] {
    return [this.self, ...this.others.values()].map(({ info }) => info);
  }

  add(info: NodeInfo, status: Member['status'], now: number): Member {
    const member = { ...newMember(info, status, now), linked: true };
    this.others.set(info.id, member);
    this.changed();
    return member;
  }

  remove(id: NodeId): void {
    this.others.delete(id);
    this.changed();
  }

  setStatus(member: Member, status: Member['status']): void {
    if (member.status === status) return;
    member.status = status;
    this.changed();
  }

  /** Placements are to be made anew. */
  changed(): void {
    this.sortedRing = undefined;
    this.ringVersion++;
  }
}

/** A member that is not linked yet, and of which nothing is known beyond what it says of itself. */
export function newMember(info: NodeInfo, status: Member['status'], now: number): Member {
  return {
    info,
    status,
    linked: false,
    heardAt: now,
    delayMs: 0,
    suspected: false,
    isEstablished: false,
    acksSince: undefined,
    ackedAt: -Infinity,
    adoptedUs: false,
    wasRead: false,
  };
}
