// Says when the number of nodes and the quorum of a worker type do not fit together.

/**
 * What is unwise about so many nodes that may host a worker type whose strategy has a quorum of `size`; nothing below
 * the quorum, which is told otherwise.
 */
export function quorumWarnings(type: string, eligibleCount: number, size: number): string[] {
  const warnings: string[] = [];
  const most = 2 * size - 1;
  if (eligibleCount > most) {
    const fitting = Math.floor(eligibleCount / 2) + 1;
    warnings.push(
      `${type}: ${eligibleCount} nodes are too many for a quorum of ${size}, which fits ${most} at most: two halves of a split swarm could both have a quorum and run every name twice; a size of ${fitting} would fit`,
    );
  }
  if (eligibleCount >= size && eligibleCount % 2 === 0) {
    warnings.push(
      `${type}: ${eligibleCount} nodes, an even number, survive no more losses than ${eligibleCount - 1} would with the quorum that fits them; use an odd number of nodes`,
    );
  }
  return warnings;
}
