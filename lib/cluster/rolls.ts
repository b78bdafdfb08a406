// Decides which peers are asked for their roll, the list of the members that they know (promise P1: a node is up only when
// all members that any of them knew have adopted it). Nodes tell each other a digest of their rolls; the lists travel only
// where digests still differ after a while, one at a time, so that n nodes that start at once do not send n² lists of n.
// Anti-entropy after van Renesse et al., "Efficient Reconciliation and Flow Control for Anti-Entropy Protocols" (LADIS
// 2008).
import type { Runtime, Timer } from '../runtime/runtime.interface.js';
import { FrameKind, type Frame, type RollFrame } from '../transport/frame.js';
import type { NodeId, NodeInfo } from '../transport/node-info.js';
import type { Transport } from '../transport/transport.interface.js';
import type { Members } from './members.js';

/** Pause between two steps, in which answers come and named nodes are linked. Doubles up to `PACE_MAX_MS`. */
const PACE_MIN_MS = 10;
const PACE_MAX_MS = 500;
/**
 * As a rule the digests become equal without a question, once all have adopted this node or are up. After this long peers
 * are asked.
 */
const PATIENCE_MS = 1_000;

/** What `Rolls` asks of its node, and what it tells it. */
export interface RollsParts {
  readonly runtime: Runtime;
  readonly transport: Transport;
  readonly members: Members;
  /** Whether somebody whom others named is still to be linked. */
  isExpecting(): boolean;
  /** Whether anybody is still to adopt this node: it then tells whom it knows. */
  isToBeAdopted(): boolean;
  /** A peer has named one of its members. */
  named(info: NodeInfo): void;
  /** Sends a frame behind all that the peer is told of the dead: whoever is in no list any more was in those words. */
  sendBehind(to: NodeId, frame: () => Frame): void;
  /** A peer has answered, or asked: whom it knows may be known now. */
  read(): void;
}

interface Unread {
  readonly digest: number;
  readonly since: number;
  /** It was asked, and has answered what it had told before: it does not wait for others itself. */
  readonly isSteady: boolean;
}

/** The rolls of peers that may name somebody whom this node does not know. */
export class Rolls {
  private readonly unread = new Map<NodeId, Unread>();
  /** Digests of lists that were read since a member last went: whoever was in them is a member, expected, or given up. */
  private readonly lists = new Set<number>();
  private isAcquainted = false;
  private pause: Timer | undefined;
  private pauseMs = PACE_MIN_MS;
  private later: Timer | undefined;

  constructor(private readonly parts: RollsParts) {}

  /** Whether a peer may know somebody whom this node does not, and who has to adopt it. */
  get isReading(): boolean {
    // Called for each frame while this node joins, so it stops at the first.
    for (const [peer, { digest }] of this.unread) {
      if (!this.isKnown(digest)) return true;
      this.unread.delete(peer);
    }
    return false;
  }

  /** Those peers. */
  peers(): NodeId[] {
    this.sift();
    return [...this.unread.keys()];
  }

  /** A peer has told the digest of whom it knows. */
  told(peer: NodeId, digest: number): void {
    this.note(peer, digest, false);
    this.lookAt(peer);
  }

  /** What it knows is told anew with its next link. */
  unlinked(peer: NodeId): void {
    this.unread.delete(peer);
  }

  /** A member is none any more. Who still lists it may hear it. */
  gone(peer: NodeId): void {
    this.sift();
    this.unread.delete(peer);
    this.lists.clear();
  }

  received(from: NodeId, { roll, asks, members }: RollFrame): void {
    if (this.parts.members.get(from)?.linked !== true) return;
    if (asks !== 'nothing') this.answer(from, roll, asks);
    if (members.length > 0) {
      for (const info of members) this.parts.named(info);
      this.lists.add(roll);
      this.unread.delete(from);
    } else {
      this.note(from, roll, asks === 'nothing');
      this.lookAt(from);
    }
    this.parts.read();
  }

  /** This node joins, and something that it waited for has come. */
  lookNow(): void {
    if (this.pause || this.parts.isToBeAdopted() || !this.isReading) return;
    this.look();
  }

  private answer(to: NodeId, roll: number, asks: 'digest' | 'members'): void {
    const { members, sendBehind } = this.parts;
    sendBehind(to, () => this.frame('nothing', asks === 'members' && roll !== members.digest));
  }

  private frame(asks: RollFrame['asks'], isList = false): RollFrame {
    const { members } = this.parts;
    return {
      kind: FrameKind.Roll,
      roll: members.digest,
      asks,
      members: isList ? members.infos() : [],
    };
  }

  private note(peer: NodeId, digest: number, isAnswer: boolean): void {
    const { runtime } = this.parts;
    const before = this.unread.get(peer);
    if (this.isKnown(digest)) return void this.unread.delete(peer);
    const since = before?.since ?? runtime.now();
    // A question that comes in between says nothing new.
    const isSteady = before?.digest === digest && (isAnswer || before.isSteady);
    this.unread.set(peer, { digest, since, isSteady });
  }

  private isKnown(digest: number): boolean {
    return this.parts.members.hasAllOf(digest) || this.lists.has(digest);
  }

  /** What was told may be what is known by now. */
  private sift(): void {
    for (const [peer, { digest }] of this.unread) if (this.isKnown(digest)) this.unread.delete(peer);
  }

  /** One seed is enough: the first who tells is asked at once, the others when it has had the time to answer. */
  private lookAt(peer: NodeId): void {
    const unread = this.unread.get(peer);
    if (!unread || this.pause) return;
    if (!this.isAcquainted) this.ask([peer], 'members');
    else if (this.isDue(peer, unread)) this.look();
    else this.later ??= this.parts.runtime.after(PATIENCE_MS, () => this.lookLater());
  }

  private lookLater(): void {
    this.later = undefined;
    if (!this.pause) this.look();
  }

  /**
   * As a rule the digests become equal once the members that the first peer has named are linked. Peers whose digest still
   * differs are all asked for it again, because they may have learnt the same meanwhile; if some still differ after that, one
   * of them is asked for its list.
   */
  private look(): void {
    this.sift();
    const due = [...this.unread].filter(([peer, unread]) => this.isDue(peer, unread));
    if (this.unread.size > due.length)
      this.later ??= this.parts.runtime.after(PATIENCE_MS, () => this.lookLater());
    const steady = due.find(([, { isSteady }]) => isSteady);
    if (due.length === 0) this.pauseMs = PACE_MIN_MS;
    else if (this.parts.isExpecting() && this.pauseMs < PACE_MAX_MS) this.rest();
    else if (steady) this.ask([steady[0]], 'members');
    else
      this.ask(
        due.map(([peer]) => peer),
        'digest',
      );
  }

  private isDue(peer: NodeId, { since }: Unread): boolean {
    const { runtime, members, isToBeAdopted } = this.parts;
    if (runtime.now() - since >= PATIENCE_MS) return true;
    return members.self.status === 'joining' ? !isToBeAdopted() : members.get(peer)?.status !== 'joining';
  }

  private ask(peers: readonly NodeId[], asks: 'digest' | 'members'): void {
    const { transport } = this.parts;
    this.isAcquainted = true;
    for (const peer of peers) {
      const unread = this.unread.get(peer);
      // One that does not answer is not asked for its list again before it has said anything.
      if (unread) this.unread.set(peer, { ...unread, isSteady: false });
    }
    transport.broadcast(peers, this.frame(asks));
    this.rest();
  }

  private rest(): void {
    this.pause = this.parts.runtime.after(this.pauseMs, () => {
      this.pause = undefined;
      this.look();
    });
    this.pauseMs = Math.min(this.pauseMs * 2, PACE_MAX_MS);
  }
}
