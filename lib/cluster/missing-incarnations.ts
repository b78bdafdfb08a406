// Holds the missing nodes: incarnations that are no members any more and may still run workers of a type with a quorum
// (promise P2). Which nodes count for a type depends on them, so that is kept here too and renewed whenever they change.
import type { Timer } from '../runtime/runtime.interface.js';
import { incarnationKey, type NodeId, type NodeInfo } from '../transport/node-info.js';
import type { Members } from './members.js';
import { quorumBound, type MissingNode, type QuorumBound } from './quorum-bound.js';

/** The word of a node that it has fenced a missing one. */
export interface Vote {
  /** Of the voter: after another boot it knows nothing of it. */
  readonly incarnation: number;
  /** When the lease is over, as far as the voter has acknowledged it. */
  readonly overAt: number;
  /** How far the voter has read the log. */
  readonly seq: number;
}

/** A missing node, and how far the others are with giving it up. */
export interface MissingIncarnation extends MissingNode {
  /** Types that it surely runs nothing of any more: for them it does not count. */
  readonly releasedFor: ReadonlySet<string>;
  /** Who has fenced it. */
  readonly votes: Map<NodeId, Vote>;
  /** Until it is asked for again. */
  timer: Timer | undefined;
}

interface Held extends MissingIncarnation {
  blocks: boolean;
  readonly releasedFor: Set<string>;
}

/** The missing nodes of one node, and whom they leave to count. */
export class MissingIncarnations {
  private readonly held = new Map<string, Held>();
  /** By type that this node hosts, of the members and the missing nodes as they are. Asked for with each vote about each. */
  private readonly bounds = new Map<string, QuorumBound>();
  private boundsOfRing: number | undefined;

  /** @param quorums sizes of the quorums of the types that this node hosts */
  constructor(
    private readonly members: Members,
    private readonly quorums: ReadonlyMap<string, number>,
  ) {}

  get size(): number {
    return this.held.size;
  }

  get(id: NodeId, incarnation: number): MissingIncarnation | undefined {
    return this.held.get(incarnationKey(id, incarnation));
  }

  has(id: NodeId, incarnation: number): boolean {
    return this.held.has(incarnationKey(id, incarnation));
  }

  /** Each of them; those that are taken out meanwhile are left out. */
  all(): IterableIterator<MissingIncarnation> {
    return this.held.values();
  }

  /** Those that count for a type, which none does that has no quorum. */
  *allFor(type: string): IterableIterator<MissingIncarnation> {
    if (!this.quorums.has(type)) return;
    for (const missing of this.held.values()) if (!missing.releasedFor.has(type)) yield missing;
  }

  /** Which nodes count for a type; of the types that this node does not host none of the missing ones does. */
  boundOf(type: string): QuorumBound {
    // Not kept: they may be any strings that others ask for.
    if (!this.quorums.has(type)) return quorumBound(this.members, [], type);
    if (this.boundsOfRing !== this.members.ringVersion) this.bounds.clear();
    this.boundsOfRing = this.members.ringVersion;
    let bound = this.bounds.get(type);
    if (!bound) this.bounds.set(type, (bound = quorumBound(this.members, this.allFor(type), type)));
    return bound;
  }

  /** False if it is there already. See `MissingNode` for `hasLeft` and `blocks`. */
  add(info: NodeInfo, hasLeft: boolean, blocks: boolean): boolean {
    if (this.has(info.id, info.incarnation)) return false;
    const rest = { votes: new Map(), releasedFor: new Set<string>(), timer: undefined };
    this.bounds.clear();
    this.held.set(incarnationKey(info.id, info.incarnation), { info, hasLeft, blocks, ...rest });
    return true;
  }

  /** It counts for those types no more. Returns which of them it had counted for. */
  release({ info: { id, incarnation } }: MissingIncarnation, types: readonly string[]): string[] {
    const released = this.held.get(incarnationKey(id, incarnation))?.releasedFor;
    const fresh = released ? types.filter((type) => !released.has(type)) : [];
    this.bounds.clear();
    for (const type of fresh) released?.add(type);
    return fresh;
  }

  /** Nothing is run here before each is met or released; those that have left hold up nothing. */
  block(): void {
    this.bounds.clear();
    for (const missing of this.held.values()) missing.blocks = !missing.hasLeft;
  }

  /** It is missing no more. Returns whether it was. */
  delete(id: NodeId, incarnation: number): boolean {
    const key = incarnationKey(id, incarnation);
    this.held.get(key)?.timer?.cancel();
    this.bounds.clear();
    return this.held.delete(key);
  }
}
