// Decides who is a member and in whose ring (promise P1: a member that was linked is in the ring from that moment
// on, before its first frame is read, until it leaves or is taken for dead).
import { addressKey, type NodeId, type NodeInfo } from '../transport/node-info.js';
import type { Member } from './member.js';
import { RollDigest } from './roll.js';

/** The set of members, this node included. */
export class Members {
  private readonly others = new Map<NodeId, Member>();
  /** Of ids that share an address, whoever came first is first. */
  private readonly byAddress = new Map<string, readonly Member[]>();
  /** The other members that host types with a quorum. Kept apart because they are few and asked for very often. */
  private readonly othersWithQuorum = new Set<Member>();
  /** Those of the others that have not adopted this node, on their present links. */
  private readonly strangers = new Set<Member>();
  private sortedRing: readonly Member[] | undefined;
  private made: readonly NodeInfo[] | undefined;
  private readonly roll = new RollDigest();
  /** This node as it stands in the digest. */
  private rolledSelf: NodeInfo | undefined;
  /** Digests of the rolls since a member last went: everyone in a list with such a digest is still a member. */
  private readonly known = new Set<number>();
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

  /** How many of the others have not adopted this node, on their present links. */
  get toAdopt(): number {
    return this.strangers.size;
  }

  /** A member has adopted this node, or has to do so anew. */
  setAdopted(member: Member, adoptedUs: boolean): void {
    member.adoptedUs = adoptedUs;
    if (adoptedUs) this.strangers.delete(member);
    else this.strangers.add(member);
  }

  get peerCount(): number {
    return this.others.size;
  }

  *linkedIds(): IterableIterator<NodeId> {
    for (const member of this.others.values()) if (member.linked) yield member.info.id;
  }

  /** Members that host types with a quorum, this node perhaps among them. */
  quorumHosts(): Member[] {
    return isQuorumHost(this.self.info) ? [this.self, ...this.othersWithQuorum] : [...this.othersWithQuorum];
  }

  /** Members that names are placed on, sorted by id: joining ones too, no leaving one. */
  ring(): readonly Member[] {
    this.sortedRing ??= [this.self, ...this.others.values()]
      .filter(({ status }) => status === 'joining' || status === 'up')
      .sort((a, b) => (a.info.id < b.info.id ? -1 : 1));
    return this.sortedRing;
  }

  /** The member at an `addressKey`, this node never. */
  at(key: string, except?: NodeId): Member | undefined {
    return this.byAddress.get(key)?.find(({ info }) => info.id !== except);
  }

  /** All members, this node first: what is told to whoever asks. */
  infos(): readonly NodeInfo[] {
    const { info: self } = this.self;
    // This node takes another incarnation by another info; the others never do while they are members.
    if (this.made?.[0] !== self) this.made = [self, ...[...this.others.values()].map(({ info }) => info)];
    return this.made;
  }

  /** Of all members, this node included: it is the same where the same are known. */
  get digest(): number {
    this.rollSelf();
    return this.roll.value;
  }

  /** Whether everyone in the list of that digest is a member here. False where that cannot be told by a digest. */
  hasAllOf(digest: number): boolean {
    this.rollSelf();
    return this.known.has(digest);
  }

  add(info: NodeInfo, status: Member['status'], now: number): Member {
    const member = { ...newMember(info, status, now), linked: true };
    const key = addressKey(info);
    this.others.set(info.id, member);
    this.strangers.add(member);
    if (isQuorumHost(info)) this.othersWithQuorum.add(member);
    this.byAddress.set(key, [...(this.byAddress.get(key) ?? []), member]);
    this.made = undefined;
    this.roll.toggle(info);
    this.known.add(this.digest);
    this.changed();
    return member;
  }

  remove(id: NodeId): void {
    const gone = this.others.get(id);
    if (gone) {
      const key = addressKey(gone.info);
      const left = this.byAddress.get(key)?.filter((member) => member !== gone) ?? [];
      if (left.length > 0) this.byAddress.set(key, left);
      else this.byAddress.delete(key);
      this.othersWithQuorum.delete(gone);
      this.strangers.delete(gone);
      this.others.delete(id);
      this.made = undefined;
      this.roll.toggle(gone.info);
      this.known.clear();
      this.known.add(this.digest);
    }
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

  private rollSelf(): void {
    const { info } = this.self;
    if (this.rolledSelf === info) return;
    if (this.rolledSelf) this.roll.toggle(this.rolledSelf);
    this.rolledSelf = info;
    this.roll.toggle(info);
    this.known.clear();
    this.known.add(this.roll.value);
  }
}

/** Whether the node hosts types with a quorum. */
export function isQuorumHost({ hosting, quorums }: NodeInfo): boolean {
  return hosting && Object.keys(quorums).length > 0;
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
