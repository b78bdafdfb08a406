// Decides where a name belongs: consistent hashing, the same on every node for the same set of nodes.
import { createHash } from 'node:crypto';
import HashRing from 'hashring';
import { keepLatest } from '../runtime/keep-latest.js';
import { HASH_SEED, hashString, mixed } from '../runtime/string-hash.js';
import type { DistributionStrategy, PlaceableNode, Placement } from './strategy.interface.js';

/**
 * Virtual nodes per unit of weight; each makes four points. With 160 points the largest share of names is on average
 * 1.13 times the smallest on 3 nodes and 1.29 times on 10; four times as many points would halve that and make a ring
 * four times as slow to build.
 */
const VNODES = 40;
/** More nodes than there can be; that times a point is a number that is still exact. */
const OWNERS = 2 ** 20;
/** Of how many nodes the points are kept, at 640 bytes each for a node of weight 1. */
const NODES_KEPT = 4_096;
/**
 * The points of nodes: where the view changes, one node of many is another, while several rings are made of the same
 * nodes, and to find its points by digests is nearly all that a ring costs.
 */
const knownPoints = new Map<string, Uint32Array>();
/** How many rings are kept, one per set of nodes that was asked for lately: worker types may differ in theirs. */
const RINGS_KEPT = 16;
/**
 * Whoever asks for a ring of the same nodes gets the same: names and their arbiters are as a rule placed on the same nodes,
 * and to sort the points of a thousand takes tens of milliseconds.
 */
const knownRings = new Map<string, Placement>();

/**
 * Places every name by consistent hashing: a node that comes or goes moves only its own share of the names. The default. It
 * goes on with any number of nodes, also on both sides of a partition; use `staticQuorumRing()` where a second worker of a
 * name does harm.
 *
 * Ketama-style ring of the `hashring` package (Karger et al., "Consistent Hashing and Random Trees", 1997), used so
 * that its known faults cannot show: points per node are given explicitly through `vnodes` (its own count is floored
 * and its weights are normalised, both move names between old nodes), and of two nodes whose points collide the one with
 * the lower id is first.
 */
export function ring(): DistributionStrategy {
  return {
    place(nodes) {
      const id = nodes.map((node) => `${node.id} ${node.weight}`).join('\n');
      const placement = knownRings.get(id) ?? new RingPlacement(nodes);
      // The one asked for longest ago is let go of first.
      keepLatest(knownRings, id, placement, RINGS_KEPT);
      return placement;
    },
  };
}

class RingPlacement implements Placement {
  /** The points of all nodes, rising. */
  private readonly points: Uint32Array;
  /** Whose each is, as an index of `nodes`. */
  private readonly owners: Uint32Array;
  private readonly nodes: readonly string[];

  constructor(nodes: readonly PlaceableNode[]) {
    const weights = new Map(nodes.map(({ id, weight }) => [id, weight]));
    this.nodes = [...weights.keys()].sort();
    const parts = this.nodes.map((id) => pointsOf(id, weights.get(id) ?? 1));
    // Point and owner in one number, so that they are sorted as numbers, and of equal points the lower id is first.
    const sorted = new Float64Array(parts.reduce((count, { length }) => count + length, 0));
    let next = 0;
    parts.forEach((part, owner) => {
      for (const point of part) sorted[next++] = point * OWNERS + owner;
    });
    sorted.sort();
    this.points = new Uint32Array(sorted.length);
    this.owners = new Uint32Array(sorted.length);
    for (let index = 0; index < sorted.length; index++) {
      const one = sorted[index] as number;
      const point = Math.floor(one / OWNERS);
      this.points[index] = point;
      this.owners[index] = one - point * OWNERS;
    }
  }

  nodeFor(name: string): string | undefined {
    if (this.nodes.length <= 1) return this.nodes[0];
    const hash = mixed(hashString(HASH_SEED, name)) >>> 0;
    const { points } = this;
    let low = 0;
    let high = points.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((points[middle] as number) < hash) low = middle + 1;
      else high = middle;
    }
    return this.nodes[this.owners[low === points.length ? 0 : low] as number];
  }
}

/**
 * Where the package puts a node on the ring, whichever others are there. It hashes names, too, but with a digest for
 * each, by far the most of a lookup.
 */
function pointsOf(id: string, weight: number): Uint32Array {
  const vnodes = Math.max(1, Math.round(VNODES * weight));
  const key = `${id} ${vnodes}`;
  const known = knownPoints.get(key);
  if (known) return known;
  // The package ignores a server's vnodes where they equal its default count, so the default is one none can have.
  const hashRing = new HashRing({ [id]: { vnodes } }, md5, { 'vnode count': 0, 'max cache size': 1 });
  // Its types say something else than what it returns.
  const byNode = hashRing.points([id]) as unknown as Record<string, readonly number[]>;
  const points = Uint32Array.from(byNode[id] ?? []);
  keepLatest(knownPoints, key, points, NODES_KEPT);
  return points;
}

/** Given as a function so that the package does not look the algorithm up for every point. */
function md5(key: string): Buffer {
  return createHash('md5').update(key).digest();
}
