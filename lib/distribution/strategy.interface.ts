/** A node that names can be placed on. */
export interface PlaceableNode {
  readonly id: string;
  /** Share of names relative to the other nodes. */
  readonly weight: number;
  /** `node.labels` of that node's options. */
  readonly labels: Readonly<Record<string, string>>;
}

/** Where names belong, for one fixed set of nodes. */
export interface Placement {
  /**
   * Id of the node that should host `name`, `undefined` if none may. A pure function of the set of nodes and the
   * name: every node of the swarm must get the same answer.
   */
  nodeFor(name: string): string | undefined;
}

/** Decides which node should host a name. One placement is asked for per set of eligible nodes. */
export interface DistributionStrategy {
  /** Fewest nodes that may host anything; below it `place` names none. Strategies without a quorum leave it out. */
  readonly quorum?: number | undefined;
  /** `nodes` come sorted by id and without duplicates; at least one, and at least `quorum`. */
  place(nodes: readonly PlaceableNode[]): Placement;
}
