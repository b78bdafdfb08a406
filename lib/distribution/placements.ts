// Decides who should host a name of a worker type, and who decides between two that want the same name (promise P1).
import type { Members } from '../cluster/members.js';
import type { Member } from '../cluster/member.js';
import { quorumBound, type MissingNode, type QuorumBound } from '../cluster/quorum-bound.js';
import type { NodeId, NodeInfo } from '../transport/node-info.js';
import { guardedPlacement, quorumSizeOf, type GuardedPlacement } from './guarded-placement.js';
import type { DistributionStrategy, PlaceableNode, Placement } from './strategy.interface.js';

/** A member, and why it may not host a worker type if it may not. */
export interface Refusal {
  readonly node: NodeId;
  readonly refusal: string | undefined;
}

/**
 * Whose place a node waits for that will host a type with a quorum as soon as one is free. That of a node which has `left` is
 * free in a known time; that of one that is `unheard`, or still leaves, when enough others have gone on without it.
 */
export type AwaitedPlace = 'left' | 'unheard';

interface TypePlacement {
  readonly eligible: readonly NodeInfo[];
  /** Members that could host the type and are more than its quorum fits. */
  readonly beyond: readonly NodeId[];
  readonly awaited: AwaitedPlace | undefined;
  readonly placement: GuardedPlacement;
}

/** What is known of the nodes that count for a quorum: members, and those that are none any more and may still run workers. */
export interface CountedNodes {
  boundOf(type: string): QuorumBound;
  missingFor(type: string): Iterable<MissingNode>;
  missingNodes(): Iterable<NodeInfo>;
}

/** The placements of this node's present view; made anew when the ring changes. */
export class Placements {
  private version = -1;
  private readonly byType = new Map<string, TypePlacement>();
  private arbiters: Placement | undefined;
  private strictArbiters: Placement | undefined;
  /** Strategies whose fault was told for this version of the ring. */
  private readonly reported = new Set<DistributionStrategy>();

  constructor(
    private readonly members: Members,
    private readonly strategy: DistributionStrategy,
    /** The same on every node whatever their options, so that they agree on the arbiter of a name. */
    private readonly arbiterStrategy: DistributionStrategy,
    /** The strategy that a worker type has chosen for itself. */
    private readonly strategyFor: (type: string) => DistributionStrategy | undefined = () => undefined,
    /** Told what a strategy does wrong, once per strategy and version of the ring. */
    private readonly report: (message: string) => void = () => undefined,
    private readonly counted: CountedNodes = membersAlone(members),
  ) {}

  /**
   * Id of the node that should host the name; `undefined` if no node may. For a type with a quorum it may be a node that
   * is not heard: what belongs there waits until it is known to have ended.
   */
  ownerOf(name: string, type: string): NodeId | undefined {
    return this.of(type).placement.nodeFor(name);
  }

  /** Fewest nodes without which nothing of the type runs; `undefined` if its strategy has no quorum. */
  quorumOf(type: string): number | undefined {
    return this.of(type).placement.quorum;
  }

  /** Nodes of the ring that may host the type, sorted by id. */
  eligible(type: string): readonly NodeInfo[] {
    return this.of(type).eligible;
  }

  /** Nodes that host none of the type because more are there than its quorum fits. */
  beyond(type: string): readonly NodeId[] {
    return this.of(type).beyond;
  }

  /** What a node that could host the type waits for; `undefined` if none does. */
  awaitedPlace(type: string): AwaitedPlace | undefined {
    return this.of(type).awaited;
  }

  /** Every member, sorted by id, and why it may not host the type if it may not. */
  refusals(type: string): Refusal[] {
    const { beyond } = this.of(type);
    const why = (member: Member): string | undefined =>
      refusalOf(member, type) ??
      (beyond.includes(member.info.id)
        ? `more nodes are there than the quorum of ${type} fits, and it came last`
        : undefined);
    return [this.members.self, ...this.members.peers()]
      .map((member) => ({ node: member.info.id, refusal: why(member) }))
      .sort((a, b) => (a.node < b.node ? -1 : 1));
  }

  /**
   * Id of the node that says who gets the name. Does not depend on the worker type, so that two types, or a worker
   * and a pinned object, cannot take one name on two nodes. Where all nodes are alike it is the owner itself.
   * `strict`, for types with a quorum: a node that is not heard is still the arbiter of its names, as it may be one for
   * others who hear it.
   */
  arbiterOf(name: string, strict = false): NodeId | undefined {
    this.refresh();
    if (strict)
      return (this.strictArbiters ??= this.arbitersAmong(this.counted.missingNodes())).nodeFor(name);
    return (this.arbiters ??= this.arbitersAmong([])).nodeFor(name);
  }

  /** Whether any member has the worker type in its application, also one that leaves: then the class is not what lacks. */
  isProvided(type: string): boolean {
    return [this.members.self, ...this.members.peers()].some(({ info }) => info.types.includes(type));
  }

  private of(type: string): TypePlacement {
    this.refresh();
    let known = this.byType.get(type);
    if (!known) {
      known = this.make(type, this.strategyFor(type) ?? this.strategy);
      // A type that nobody provides may be any string that someone asked for; there is no end of those.
      if (known.eligible.length > 0) this.byType.set(type, known);
    }
    return known;
  }

  private make(type: string, strategy: DistributionStrategy): TypePlacement {
    const fault = (what: string): void => this.fault(strategy, type, what);
    const placed = this.members.ring().filter((member) => refusalOf(member, type) === undefined);
    if (quorumSizeOf(strategy) === undefined) {
      const eligible = placed.map(({ info }) => info);
      const placement = guardedPlacement(strategy, eligible.map(placeable), fault);
      return { eligible, beyond: [], awaited: undefined, placement };
    }
    const { size, members, missing, beyond } = this.counted.boundOf(type);
    const taken = new Set(missing.map(({ id }) => id));
    // A new process under the id of one that may still run waits for it to end.
    const eligible = placed
      .filter((member) => members.includes(member) && !taken.has(member.info.id))
      .map(({ info }) => info);
    const nodes = [...eligible, ...missing].sort((a, b) => (a.id < b.id ? -1 : 1));
    const among = eligible.length < size ? [] : nodes;
    const isAwaited = beyond.some((member) => placed.includes(member) && member.info.quorums[type] === size);
    const isAnyLeft = [...this.counted.missingFor(type)].some(({ hasLeft }) => hasLeft);
    return {
      eligible,
      beyond: beyond.map(({ info }) => info.id),
      awaited: isAwaited ? (isAnyLeft ? 'left' : 'unheard') : undefined,
      placement: guardedPlacement(strategy, among.map(placeable), fault),
    };
  }

  private arbitersAmong(missing: Iterable<NodeInfo>): Placement {
    const ring = this.members.ring().map(({ info }) => info);
    const hosting = ring.filter((info) => info.hosting);
    const byId = new Map((hosting.length > 0 ? hosting : ring).map((info) => [info.id, info]));
    for (const info of missing) byId.set(info.id, info);
    const nodes = [...byId.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
    return this.arbiterStrategy.place(nodes.map(placeable));
  }

  private fault(strategy: DistributionStrategy, type: string, what: string): void {
    if (this.reported.has(strategy)) return;
    this.reported.add(strategy);
    this.report(`the distribution strategy of ${type} ${what}`);
  }

  private refresh(): void {
    if (this.version === this.members.ringVersion) return;
    this.version = this.members.ringVersion;
    this.byType.clear();
    this.arbiters = undefined;
    this.strictArbiters = undefined;
    this.reported.clear();
  }
}

/** Where nobody is missing. */
function membersAlone(members: Members): CountedNodes {
  return {
    boundOf: (type) => quorumBound(members, [], type),
    missingFor: () => [],
    missingNodes: () => [],
  };
}

function placeable({ id, weight, labels }: NodeInfo): PlaceableNode {
  return { id, weight, labels };
}

/** `types` are those that a node provides and whose labels it has. */
function refusalOf({ status, info }: Member, type: string): string | undefined {
  if (status !== 'joining' && status !== 'up') return `it is ${status}`;
  if (!info.hosting) return 'it hosts nothing (hosting: false)';
  if (!info.types.includes(type)) return `its application does not provide ${type}, or it lacks its labels`;
  return undefined;
}
