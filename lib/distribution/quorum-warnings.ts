// Says when the number of nodes and the quorum of a worker type do not fit together.

/** Nodes that a message names; of more it gives the number. */
const NODES_NAMED = 10;

/**
 * What is unwise about so many nodes that may host a worker type whose strategy has a quorum of `size`; nothing below
 * the quorum, which is told otherwise, and nothing above `2 * size - 1`, where a node is in reserve (`exceededMessage`).
 */
export function quorumWarnings(type: string, eligibleCount: number, size: number): string[] {
  if (eligibleCount < size || eligibleCount >= 2 * size || eligibleCount % 2 !== 0) return [];
  return [
    `${type}: ${eligibleCount} nodes, an even number, survive no more losses than ${eligibleCount - 1} would with the quorum that fits them; use an odd number of nodes`,
  ];
}

/**
 * That these nodes (one at least), which could host the type, host none of its workers, because as many as its quorum
 * fits are there already; and what to do about it. For the log, as an error.
 */
export function exceededMessage(type: string, size: number, nodes: readonly string[]): string {
  const most = 2 * size - 1;
  const fitting = Math.floor((most + nodes.length) / 2) + 1;
  const more = nodes.length - NODES_NAMED;
  const named = `${nodes.slice(0, NODES_NAMED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
  return (
    `${type}: no worker runs on ${named}, because a quorum of ${size} fits ${most} node(s) at most: with more of them two ` +
    `halves of a split swarm could both have one. They take the places of nodes that leave, or that a quorum has fenced. ` +
    `If all shall host workers, stop all nodes and start them with staticQuorumRing({ size: ${fitting} })`
  );
}
