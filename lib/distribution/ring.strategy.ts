// Decides where a name belongs: consistent hashing, the same on every node for the same set of nodes.
import { createHash } from 'node:crypto';
import HashRing from 'hashring';
import { HASH_SEED, hashString, mixed } from './string-hash.js';
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
 * and its weights are normalised, both move names between old nodes), and of two nodes whose points collide the one with
 * the lower id is first.
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
  /** The points of all nodes, rising, and whose each is. */
  private readonly points: Uint32Array;
  private readonly nodes: readonly string[];
  private readonly only: string | undefined;

  constructor(nodes: readonly PlaceableNode[]) {
    this.only = nodes.length === 1 ? nodes[0]?.id : undefined;
    const points = pointsOf(nodes);
    this.points = Uint32Array.from(points, ({ at }) => at);
    this.nodes = points.map(({ node }) => node);
  }

  nodeFor(name: string): string | undefined {
    if (this.only !== undefined) return this.only;
    const hash = mixed(hashString(HASH_SEED, name)) >>> 0;
    const { points } = this;
    let low = 0;
    let high = points.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((points[middle] as number) < hash) low = middle + 1;
      else high = middle;
    }
    return this.nodes[low === points.length ? 0 : low];
  }
}

/** Where the package puts the nodes on the ring. It hashes names, too, but with a digest for each, by far the most of a lookup. */
function pointsOf(nodes: readonly PlaceableNode[]): Array<{ readonly at: number; readonly node: string }> {
  const servers = Object.fromEntries(
    nodes.map(({ id, weight }) => [id, { vnodes: Math.max(1, Math.round(VNODES * weight)) }]),
  );
  // The package ignores a server's vnodes where they equal its default count, so the default is one none can have.
  const hashRing = new HashRing(servers, md5, { 'vnode count': 0, 'max cache size': 1 });
  // Its types say something else than what it returns.
  const byNode = hashRing.points(nodes.map(({ id }) => id)) as unknown as Record<string, readonly number[]>;
  return Object.entries(byNode)
    .flatMap(([node, points]) => points.map((at) => ({ at, node })))
    .sort((a, b) => a.at - b.at || (a.node < b.node ? -1 : 1));
}

/** Given as a function so that the package does not look the algorithm up for every point. */
function md5(key: string): Buffer {
  return createHash('md5').update(key).digest();
}
