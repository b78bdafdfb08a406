// Decides when what a lost node ran may be started elsewhere although it must never run twice (promise P2): a quorum has
// fenced it, so that its lease cannot be renewed; the lease is over; and every member that could have been told anything
// by it has given it up, so that all of them see what it has left behind in the same way. Until then it is missing: it
// keeps its place, and what belongs there waits.
import { keepLatest } from '../runtime/keep-latest.js';
import type { Runtime } from '../runtime/runtime.interface.js';
import { FrameKind, type VerdictFrame } from '../transport/frame.js';
import { incarnationKey, type NodeId, type NodeInfo } from '../transport/node-info.js';
import type { Transport } from '../transport/transport.interface.js';
import type { Member } from './member.js';
import type { Members } from './members.js';
import { MissingIncarnations, type MissingIncarnation } from './missing-incarnations.js';
import { votes, type MissingNode, type QuorumBound } from './quorum-bound.js';

/** The clocks of two nodes may differ by 1 % each in how fast they go. */
export const CLOCK_RATES = 1.02;
/** How many fenced incarnations are remembered, and told to whoever joins. */
const FENCED_LIMIT = 4_096;

/** Why a node is a member no more. */
export type Loss =
  | { readonly kind: 'left' }
  /** Another process, or the same one under a new incarnation, has its id. */
  | { readonly kind: 'replaced' }
  /** Nobody hears it; `voices` have said so. */
  | { readonly kind: 'unheard'; readonly voices: readonly NodeId[] };

/** What `Fencing` asks of its node, and what it tells it. */
export interface FencingParts {
  readonly runtime: Runtime;
  readonly transport: Transport;
  readonly members: Members;
  /** Sizes of the quorums of the types that this node hosts. */
  readonly quorums: ReadonlyMap<string, number>;
  readonly leaseMs: number;
  /** Pause between two attempts to have a missing node fenced. */
  readonly pollMs: number;
  /** Asks again whether anybody hears a missing node; `heardOf` or `unheard` follows. */
  askAgain(id: NodeId, incarnation: number): void;
  /** How far this node has read its log. */
  readUpTo(id: NodeId, incarnation: number): number;
  /** This node has fenced it; its link must go. */
  fenced(id: NodeId, incarnation: number, by: NodeId): void;
  released(info: NodeInfo, types: readonly string[]): void;
  /** Which nodes count, or are missing, has changed. */
  changed(): void;
}

/** The lost nodes of types with a quorum, as far as they are not known to have ended. */
export class Fencing {
  private readonly highestFenced = new Map<NodeId, number>();
  /** When this node last acknowledged a ping, by id and incarnation, for as long as anybody may ask. */
  private readonly acks = new Map<string, number>();
  private readonly missing: MissingIncarnations;
  /** Highest incarnations that were missing and are released, or have left. */
  private readonly overUpTo = new Map<NodeId, number>();
  private readonly bootedAt: number;

  constructor(private readonly parts: FencingParts) {
    this.bootedAt = parts.runtime.now();
    this.missing = new MissingIncarnations(parts.members, parts.quorums);
  }

  /** Which nodes count for a type with a quorum. */
  boundOf(type: string): QuorumBound {
    return this.missing.boundOf(type);
  }

  /** Nodes that may still run workers of the type, which matters where it has a quorum. */
  missingFor(type: string): IterableIterator<MissingNode> {
    return this.missing.allFor(type);
  }

  /** The longest lease that anybody may hold whom this node knows of, in milliseconds. */
  get longestLeaseMs(): number {
    const { members, leaseMs } = this.parts;
    let longest = leaseMs;
    for (const info of members.infos()) longest = Math.max(longest, info.leaseMs);
    for (const { info } of this.missing.all()) longest = Math.max(longest, info.leaseMs);
    return longest;
  }

  /** Nodes that are not released for all types with a quorum that this node hosts. */
  *missingNodes(): IterableIterator<NodeInfo> {
    for (const { info, hasLeft } of this.missing.all()) if (!hasLeft) yield info;
  }

  /** Nodes that are not released yet, for `inspect()`. */
  list(): Array<{
    readonly node: NodeId;
    readonly incarnation: number;
    readonly fencedBy: readonly NodeId[];
    readonly workerTypes: readonly string[];
  }> {
    return [...this.missing.all()]
      .filter(({ hasLeft }) => !hasLeft)
      .map(({ info, votes: cast, releasedFor }) => ({
        node: info.id,
        incarnation: info.incarnation,
        fencedBy: [...cast.keys()],
        workerTypes: this.typesOf(info).filter((type) => !releasedFor.has(type)),
      }));
  }

  /** Whether what that incarnation ran may be started elsewhere. */
  isReleased(id: NodeId, incarnation: number, type: string): boolean {
    const missing = this.missing.get(id, incarnation);
    return !this.parts.quorums.has(type) || missing === undefined || missing.releasedFor.has(type);
  }

  /** Whether it was missing here, and is released for all types. */
  isOver(id: NodeId, incarnation: number): boolean {
    return incarnation <= (this.overUpTo.get(id) ?? -1) && !this.missing.has(id, incarnation);
  }

  /** Whether it is missing here, or was. */
  isKnown(id: NodeId, incarnation: number): boolean {
    return this.missing.has(id, incarnation) || incarnation <= (this.overUpTo.get(id) ?? -1);
  }

  /** As `isReleased`, for all incarnations of the id that are not linked. */
  isEveryReleased(id: NodeId, type: string): boolean {
    if (this.missing.size === 0) return true;
    for (const { info, hasLeft } of this.missingFor(type)) if (info.id === id && !hasLeft) return false;
    return true;
  }

  isFenced(id: NodeId, incarnation: number): boolean {
    return incarnation <= (this.highestFenced.get(id) ?? -1);
  }

  /** The highest incarnation of the id that this node has fenced. */
  fencedUpTo(id: NodeId): number | undefined {
    return this.highestFenced.get(id);
  }

  fencedList(): Array<readonly [NodeId, number]> {
    return [...this.highestFenced];
  }

  /** This node has acknowledged a ping, so that the lease of its sender may go on. */
  acknowledged({ info: { id, incarnation } }: Member): void {
    this.acks.set(incarnationKey(id, incarnation), this.parts.runtime.now());
  }

  /** A node treats its own boot as its last word to everyone: it does not know what it said in an earlier life. */
  ackedAgoMs(id: NodeId, incarnation: number): number {
    return this.parts.runtime.now() - (this.acks.get(incarnationKey(id, incarnation)) ?? this.bootedAt);
  }

  /** Others have fenced it, perhaps with an earlier life of this node. */
  recall(id: NodeId, incarnation: number): void {
    if (this.parts.members.get(id)?.info.incarnation === incarnation || this.missing.has(id, incarnation))
      this.fence(id, incarnation, this.parts.members.self.info.id);
    else if (!this.isFenced(id, incarnation)) keepLatest(this.highestFenced, id, incarnation, FENCED_LIMIT);
  }

  /** Acknowledges nothing of that incarnation from now on. */
  fence(id: NodeId, incarnation: number, by: NodeId): void {
    if (this.isFenced(id, incarnation)) return;
    keepLatest(this.highestFenced, id, incarnation, FENCED_LIMIT);
    this.parts.fenced(id, incarnation, by);
    this.voteSelf(id, incarnation);
  }

  /**
   * A member is lost; `blocks`: before it was read what it runs. Nothing of it is waited for where no type has a quorum, or
   * where it never hosted anything.
   */
  lost(info: NodeInfo, loss: Loss, blocks: boolean): void {
    const { quorums } = this.parts;
    const { id, incarnation } = info;
    if (quorums.size === 0 || !info.hosting) return this.forgetAck(info);
    this.add(info, loss.kind === 'left', blocks && loss.kind !== 'left');
    if (loss.kind === 'left') {
      this.forgetAck(info);
      return this.releaseLater(id, incarnation, CLOCK_RATES * this.longestLeaseMs);
    }
    if (loss.kind === 'replaced') this.fence(id, incarnation, this.parts.members.self.info.id);
    return this.pursue(id, incarnation, loss.kind === 'unheard' ? loss.voices : []);
  }

  /** This node begins anew: whoever is missing may have what it ran. */
  forgetPast(): void {
    this.missing.block();
  }

  /** A node of which only others have told, and that is not to be reached, or is missing for them as well. */
  learned(info: NodeInfo): void {
    if (this.parts.quorums.size === 0 || !info.hosting || this.missing.has(info.id, info.incarnation)) return;
    this.add(info, false, true);
    this.pursue(info.id, info.incarnation, []);
  }

  /** A poll about a missing node has found nobody who hears it. */
  unheard(id: NodeId, incarnation: number, voices: readonly NodeId[]): void {
    this.pursue(id, incarnation, voices);
  }

  /** A node is linked: what it was in this process has come to an end, or it never ended. */
  returned({ id, incarnation, firstIncarnation }: NodeInfo): void {
    for (const { info } of [...this.missing.all()]) {
      if (info.id !== id || info.incarnation < firstIncarnation || info.incarnation > incarnation) continue;
      this.missing.delete(id, info.incarnation);
      if (info.incarnation === incarnation) {
        this.parts.changed();
        continue;
      }
      this.forgetAck(info);
      this.tellReleased(info, this.typesOf(info));
    }
  }

  /** What another node says of one that is missing here. */
  voted(from: NodeId, { node, incarnation, verdict, ackedAgoMs, seq, released }: VerdictFrame): void {
    const voter = this.parts.members.get(from);
    if (!voter) return;
    if (verdict === 'fenced') this.vote(node, incarnation, voter, ackedAgoMs, seq);
    const missing = this.missing.get(node, incarnation);
    if (!missing || missing.hasLeft || !released) return;
    // A lease that cannot be held any more is over for everyone; those who knew that may have gone since.
    this.release(
      missing,
      [...this.parts.quorums.keys()].filter((type) => type in voter.info.quorums),
    );
  }

  /** Who counts has changed, or time has passed: some may be released. */
  check(): void {
    for (const missing of [...this.missing.all()]) this.checkOne(missing);
  }

  /** What was said of one is nothing to the others: where many are lost each gets as many votes as there are members. */
  private checkOne(missing: MissingIncarnation): void {
    const { id, incarnation } = missing.info;
    if (missing.hasLeft || this.missing.get(id, incarnation) !== missing) return;
    const types = [...this.parts.quorums.keys()].filter(
      (type) => !missing.releasedFor.has(type) && this.mayRelease(missing, type),
    );
    if (types.length > 0) this.release(missing, types);
  }

  private release(missing: MissingIncarnation, types: readonly string[]): void {
    const fresh = this.missing.release(missing, types);
    if (missing.releasedFor.size === this.parts.quorums.size) {
      const { id, incarnation } = missing.info;
      this.missing.delete(id, incarnation);
      this.noteOver(id, incarnation);
      this.forgetAck(missing.info);
    }
    this.tellReleased(missing.info, fresh);
  }

  private add(info: NodeInfo, hasLeft: boolean, blocks: boolean): void {
    if (this.missing.add(info, hasLeft, blocks)) this.parts.changed();
  }

  /** Has a missing node fenced, as soon as enough do not hear it; goes on until it is released. */
  private pursue(id: NodeId, incarnation: number, voices: readonly NodeId[]): void {
    const missing = this.missing.get(id, incarnation);
    if (!missing || missing.hasLeft) return;
    const { runtime, pollMs, askAgain, members } = this.parts;
    const isReplaced = (members.get(id)?.info.incarnation ?? 0) > incarnation;
    // A node without a quorum makes nobody join again.
    if (!this.isFenced(id, incarnation) && (isReplaced || this.isQuorum(voices)))
      this.fence(id, incarnation, members.self.info.id);
    if (this.isFenced(id, incarnation)) {
      if (missing.votes.get(members.self.info.id)?.incarnation !== members.self.info.incarnation)
        this.voteSelf(id, incarnation);
      this.askToFence(missing);
    }
    missing.timer?.cancel();
    missing.timer = runtime.after(pollMs * (0.75 + runtime.random() / 2), () => {
      if (!this.isFenced(id, incarnation)) askAgain(id, incarnation);
      this.pursue(id, incarnation, []);
    });
    this.check();
  }

  /** Also those that have done so: they may know by now that it is over, by the word of nodes that have gone since. */
  private askToFence({ info: { id, incarnation } }: MissingIncarnation): void {
    const { members, transport } = this.parts;
    for (const { info, linked } of members.peers())
      if (linked) transport.send(info.id, { kind: FrameKind.Suspect, node: id, incarnation, fence: true });
  }

  /** Whether this node and those are a quorum of any of its types. */
  private isQuorum(voices: readonly NodeId[]): boolean {
    const { self } = this.parts.members;
    for (const type of this.parts.quorums.keys()) {
      const { size, members } = this.boundOf(type);
      const count = members.filter(
        (member) => votes(member) && (member === self || voices.includes(member.info.id)),
      ).length;
      if (count >= size && votes(self)) return true;
    }
    return false;
  }

  private voteSelf(id: NodeId, incarnation: number): void {
    this.vote(id, incarnation, this.parts.members.self, this.ackedAgoMs(id, incarnation), 0);
  }

  private vote(id: NodeId, incarnation: number, voter: Member, ackedAgoMs: number, seq: number): void {
    const missing = this.missing.get(id, incarnation);
    if (!missing) return;
    const { runtime, leaseMs } = this.parts;
    const leftMs = CLOCK_RATES * Math.max(leaseMs, missing.info.leaseMs) - ackedAgoMs;
    const overAt = runtime.now() + leftMs;
    missing.votes.set(voter.info.id, { incarnation: voter.info.incarnation, overAt, seq });
    if (leftMs > 0) runtime.after(leftMs, () => this.checkOne(missing));
    this.checkOne(missing);
  }

  private mayRelease({ info, votes: cast }: MissingIncarnation, type: string): boolean {
    const { runtime, leaseMs, readUpTo } = this.parts;
    const { size, members, beyond } = this.boundOf(type);
    const hasFenced = (member: Member): boolean =>
      cast.get(member.info.id)?.incarnation === member.info.incarnation;
    const voters = members.filter(votes);
    if (voters.filter(hasFenced).length < size) return false;
    if (!voters.every(hasFenced) || !beyond.filter(votes).every(hasFenced)) return false;
    const all = [...cast.values()];
    const overAt = Math.max(...all.map((vote) => vote.overAt));
    // Whoever has read most tells the others; nobody acts on less for as long as that may take.
    const furthest = Math.max(...all.map((vote) => vote.seq));
    const isLevel = readUpTo(info.id, info.incarnation) >= furthest;
    if (!isLevel && runtime.now() < overAt + leaseMs) return false;
    return !info.types.includes(type) || runtime.now() >= overAt;
  }

  private releaseLater(id: NodeId, incarnation: number, ms: number): void {
    this.parts.runtime.after(ms, () => {
      if (!this.missing.delete(id, incarnation)) return;
      this.noteOver(id, incarnation);
      this.parts.changed();
    });
  }

  private noteOver(id: NodeId, incarnation: number): void {
    keepLatest(this.overUpTo, id, Math.max(incarnation, this.overUpTo.get(id) ?? 0), FENCED_LIMIT);
  }

  private tellReleased(info: NodeInfo, types: readonly string[]): void {
    this.parts.released(info, types);
    this.parts.changed();
  }

  private typesOf({ types }: NodeInfo): string[] {
    return types.filter((type) => this.parts.quorums.has(type));
  }

  /** That incarnation runs nothing any more, and nobody has to wait for a lease of it. */
  forgetAck({ id, incarnation }: NodeInfo): void {
    this.acks.delete(incarnationKey(id, incarnation));
  }
}
