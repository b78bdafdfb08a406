// Decides where a name belongs in a swarm that must not run it twice when the network splits: as the ring, and nowhere
// while fewer nodes are there than a majority.
import { SwarmConfigurationError } from '../errors/index.js';
import { shown } from '../errors/shown.js';
import { ring } from './ring.strategy.js';
import type { DistributionStrategy, Placement } from './strategy.interface.js';

/** How `staticQuorumRing` is told the number of nodes. */
export interface StaticQuorumRingOptions {
  /** A positive integer; a string of digits, as an environment variable gives, is one. */
  readonly size: number | string;
}

const NOBODY: Placement = { nodeFor: () => undefined };

/**
 * As `ring()`, but names are placed on no node while fewer than `size` nodes may host them. When the network splits,
 * the side with fewer nodes stops its workers and the other goes on: a name does not run on both.
 *
 * Choose half of the nodes plus one, rounded down: 2 for 3 nodes, 3 for 5. `size` is fixed, must be the same on every
 * node, and counts the nodes that may host the worker type. At most `2 * size - 1` of them do: two halves of more could
 * both have a quorum. The newest nodes beyond it host none of the type until others have left, or were fenced and have
 * stopped for certain: that is logged as an error, and `SwarmCluster.inspect().exceeded` names them. An even
 * number of nodes survives no more losses than one fewer. What is asked for below the quorum fails with
 * `NoNodeAvailableError`.
 *
 * Use it where a second worker of a name does harm. `ring()` goes on with any number of nodes, and settles what ran
 * twice when the sides meet again.
 *
 * After Elixir's swarm (`Swarm.Distribution.StaticQuorumRing` and its `static_quorum_size`).
 *
 * @example
 * ```ts
 * SwarmModule.forRoot({ strategy: staticQuorumRing({ size: process.env.SWARM_QUORUM ?? 2 }) });
 * ```
 *
 * @throws SwarmConfigurationError at once if `size` is no positive integer
 */
export function staticQuorumRing(options: StaticQuorumRingOptions): DistributionStrategy {
  const quorum = quorumOf((options as StaticQuorumRingOptions | null | undefined)?.size);
  const whole = ring();
  return {
    quorum,
    place: (nodes) => (nodes.length < quorum ? NOBODY : whole.place(nodes)),
  };
}

function quorumOf(size: unknown): number {
  const number = typeof size === 'string' && /^\d+$/.test(size) ? Number(size) : size;
  if (Number.isSafeInteger(number) && (number as number) >= 1) return number as number;
  throw new SwarmConfigurationError([
    `staticQuorumRing: size must be a positive integer, as { size: 2 } for 3 nodes, not ${shown(size)}`,
  ]);
}
