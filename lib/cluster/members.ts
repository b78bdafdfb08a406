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

  add(info: NodeInfo, status: Member['status'], now: number): Member {
    const member: Member = { info, status, linked: true, heardAt: now, adoptedUs: false };
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

  private changed(): void {
    this.sortedRing = undefined;
    this.ringVersion++;
  }
}
