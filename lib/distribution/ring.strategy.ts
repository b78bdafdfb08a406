// Decides where a name belongs: consistent hashing, the same on every node for the same set of nodes.
import { createHash } from 'node:crypto';
import HashRing from 'hashring';
import type { DistributionStrategy, PlaceableNode, Placement } from './strategy.interface.js';

/**
 * Virtual nodes per unit of weight; each makes four points. With 160 points the largest share of names is on average
 * 1.13 times the smallest on 3 nodes and 1.29 times on 10; four times as many points would halve that and make a ring
 * four times as slow to build.
 */
const VNODES = 40;
/** How many rings are kept, one per set of nodes that was asked for lately: worker types may differ in theirs. */
const RINGS_KEPT = 16;

/**
 * Places every name by consistent hashing: a node that comes or goes moves only its own share of the names.
 *
 * Ketama-style ring of the `hashring` package (Karger et al., "Consistent Hashing and Random Trees", 1997), used so
 * that its known faults cannot show: points per node are given explicitly through `vnodes` (its own count is floored
 * and its weights are normalised, both move names between old nodes), the ring is built from sorted ids (points that
 * collide keep insertion order), and nothing is cached in it.
 */
export function ring(): DistributionStrategy {
  const rings = new Map<string, Placement>();
  return {
    place(nodes) {
      const id = nodes.map((node) => `${node.id} ${node.weight}`).join('\n');
      const known = rings.get(id);
      if (known) return known;
      const placement = new RingPlacement(nodes);
      if (rings.size >= RINGS_KEPT) for (const oldest of rings.keys()) if (rings.delete(oldest)) break;
      rings.set(id, placement);
      return placement;
    },
  };
}

class RingPlacement implements Placement {
  private readonly ring: HashRing;
  private readonly only: string | undefined;

  constructor(nodes: readonly PlaceableNode[]) {
    this.only = nodes.length === 1 ? nodes[0]?.id : undefined;
    const servers = Object.fromEntries(
      nodes.map(({ id, weight }) => [id, { vnodes: Math.max(1, Math.round(VNODES * weight)) }]),
    );
    // The package ignores a server's vnodes where they equal its default count, so the default is one none can have.
    this.ring = new HashRing(servers, md5, { 'vnode count': 0, 'max cache size': 1 });
  }

  nodeFor(name: string): string | undefined {
    // Not by `get`, whose cache throws for a name like `__proto__`.
    return this.only ?? this.ring.range(name, 1)[0];
  }
}

/** Given as a function so that the package does not look the algorithm up for every point. */
function md5(key: string): Buffer {
  return createHash('md5').update(key).digest();
}
