// Asks a strategy where names belong so that nothing it does wrong breaks the node: it may be the user's own.
import { shown } from '../errors/shown.js';
import { namedMessageOf } from '../errors/thrown.js';
import type { NodeId } from '../transport/node-info.js';
import type { DistributionStrategy, PlaceableNode, Placement } from './strategy.interface.js';

/** What a strategy says about one fixed set of nodes. */
export interface GuardedPlacement extends Placement {
  /** Fewest nodes, when the strategy has a quorum. */
  readonly quorum: number | undefined;
}

/** Fewest nodes without which nothing of the strategy runs; `undefined` if it has no quorum, or none that makes sense. */
export function quorumSizeOf(strategy: DistributionStrategy): number | undefined {
  try {
    const { quorum } = strategy;
    return Number.isSafeInteger(quorum) && (quorum ?? 0) >= 1 ? quorum : undefined;
  } catch {
    // Told when names are placed by it.
    return undefined;
  }
}

const nobody = (): undefined => undefined;

/**
 * The strategy's placement of names on `nodes`. Where it throws, or names a node that is not among them, no node is
 * named, and `fault` is told. It is not asked about no nodes, or about fewer than its quorum.
 */
export function guardedPlacement(
  strategy: DistributionStrategy,
  nodes: readonly PlaceableNode[],
  fault: (what: string) => void,
): GuardedPlacement {
  let quorum: number | undefined;
  try {
    const given = strategy.quorum;
    if (given !== undefined && !(Number.isSafeInteger(given) && given >= 1)) {
      fault(`has the quorum ${shown(given)}, so its names have no node: write a positive integer, or none`);
      return { quorum, nodeFor: nobody };
    }
    quorum = given;
    if (nodes.length < (quorum ?? 1)) return { quorum, nodeFor: nobody };
    const ids = new Set<unknown>(nodes.map(({ id }) => id));
    const placement = strategy.place([...nodes]) as Placement | null | undefined;
    if (typeof placement?.nodeFor === 'function') {
      return { quorum, nodeFor: (name) => askFor(name, placement, ids, fault) };
    }
    fault(`gave ${shown(placement)} for a placement, so its names have no node: write { nodeFor(name) {…} }`);
  } catch (error) {
    fault(`threw ${namedMessageOf(error)}, so its names have no node`);
  }
  return { quorum, nodeFor: nobody };
}

function askFor(
  name: string,
  placement: Placement,
  ids: ReadonlySet<unknown>,
  fault: (what: string) => void,
): NodeId | undefined {
  try {
    const id = placement.nodeFor(name);
    if (id === undefined || ids.has(id)) return id;
    fault(
      `named ${shown(id)} for "${name}", which has no node therefore: it is none of those it was given, ${[...ids].join(', ')}`,
    );
  } catch (error) {
    fault(`threw ${namedMessageOf(error)} for "${name}", which has no node therefore`);
  }
  return undefined;
}
