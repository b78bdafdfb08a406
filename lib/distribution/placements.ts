// Decides who should host a name of a worker type, and who decides between two that want the same name (promise P1).
import type { Members } from '../cluster/members.js';
import type { Member } from '../cluster/member.js';
import type { NodeId, NodeInfo } from '../transport/node-info.js';
import { guardedPlacement, type GuardedPlacement } from './guarded-placement.js';
import type { DistributionStrategy, PlaceableNode, Placement } from './strategy.interface.js';

/** A member, and why it may not host a worker type if it may not. */
export interface Refusal {
  readonly node: NodeId;
  readonly refusal: string | undefined;
}

interface TypePlacement {
  readonly eligible: readonly NodeInfo[];
  readonly placement: GuardedPlacement;
}

/** The placements of this node's present view; made anew when the ring changes. */
export class Placements {
  private version = -1;
  private readonly byType = new Map<string, TypePlacement>();
  private arbiters: Placement | undefined;
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
  ) {}

  /** Id of the node that should host the name; `undefined` if no node may. */
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

  /** Every member, sorted by id, and why it may not host the type if it may not. */
  refusals(type: string): Refusal[] {
    return [this.members.self, ...this.members.peers()]
      .map((member) => ({ node: member.info.id, refusal: refusalOf(member, type) }))
      .sort((a, b) => (a.node < b.node ? -1 : 1));
  }

  /**
   * Id of the node that says who gets the name. Does not depend on the worker type, so that two types, or a worker
   * and a pinned object, cannot take one name on two nodes. Where all nodes are alike it is the owner itself.
   */
  arbiterOf(name: string): NodeId | undefined {
    this.refresh();
    if (!this.arbiters) {
      const hosting = this.members.ring().some(({ info }) => info.hosting);
      const nodes = this.members.ring().filter(({ info }) => info.hosting || !hosting);
      this.arbiters = this.arbiterStrategy.place(nodes.map(({ info }) => placeable(info)));
    }
    return this.arbiters.nodeFor(name);
  }

  /** Whether any node of the ring has the worker type in its application. */
  isProvided(type: string): boolean {
    return this.members.ring().some(({ info }) => info.types.includes(type));
  }

  private of(type: string): TypePlacement {
    this.refresh();
    let known = this.byType.get(type);
    if (!known) {
      const strategy = this.strategyFor(type) ?? this.strategy;
      const eligible = this.members
        .ring()
        .filter((member) => refusalOf(member, type) === undefined)
        .map(({ info }) => info);
      const placement = guardedPlacement(strategy, eligible.map(placeable), (what) =>
        this.fault(strategy, type, what),
      );
      known = { eligible, placement };
      // A type that nobody provides may be any string that someone asked for; there is no end of those.
      if (eligible.length > 0) this.byType.set(type, known);
    }
    return known;
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
    this.reported.clear();
  }
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
