// Decides who should host a name of a worker type, and who decides between two that want the same name (promise P1).
import type { Members } from '../cluster/members.js';
import type { NodeId } from '../transport/node-info.js';
import type { DistributionStrategy, Placement } from './strategy.interface.js';

/** The placements of this node's present view; made anew when the ring changes. */
export class Placements {
  private version = -1;
  private readonly byType = new Map<string, Placement>();
  private arbiters: Placement | undefined;

  constructor(
    private readonly members: Members,
    private readonly strategy: DistributionStrategy,
    /** The same on every node whatever their options, so that they agree on the arbiter of a name. */
    private readonly arbiterStrategy: DistributionStrategy,
  ) {}

  /** Id of the node that should host the name; `undefined` if no node may. */
  ownerOf(name: string, type: string): NodeId | undefined {
    this.refresh();
    let placement = this.byType.get(type);
    if (!placement) {
      placement = this.place(this.strategy, (node) => node.hosting && node.types.includes(type));
      this.byType.set(type, placement);
    }
    return placement.nodeFor(name);
  }

  /**
   * Id of the node that says who gets the name. Does not depend on the worker type, so that two types, or a worker
   * and a pinned object, cannot take one name on two nodes. Where all nodes are alike it is the owner itself.
   */
  arbiterOf(name: string): NodeId | undefined {
    this.refresh();
    if (!this.arbiters) {
      const hosting = this.members.ring().some(({ info }) => info.hosting);
      this.arbiters = this.place(this.arbiterStrategy, (node) => node.hosting || !hosting);
    }
    return this.arbiters.nodeFor(name);
  }

  /** Whether any node of the ring has the worker type in its application. */
  isProvided(type: string): boolean {
    return this.members.ring().some(({ info }) => info.types.includes(type));
  }

  private place(
    strategy: DistributionStrategy,
    eligible: (node: { hosting: boolean; types: readonly string[] }) => boolean,
  ): Placement {
    const nodes = this.members.ring().filter(({ info }) => eligible(info));
    return strategy.place(nodes.map(({ info: { id, weight } }) => ({ id, weight })));
  }

  private refresh(): void {
    if (this.version === this.members.ringVersion) return;
    this.version = this.members.ringVersion;
    this.byType.clear();
    this.arbiters = undefined;
  }
}
