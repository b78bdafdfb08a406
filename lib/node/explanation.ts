// Says why a name is where it is, from what this node knows at one moment.
import type { Row } from '../tracker/row.js';
import type { Assembly } from './assembly.js';
import type { PlacementExplanation } from './placement-explanation.interface.js';

export function explain(assembly: Assembly, name: string): PlacementExplanation {
  const { index, placements, history } = assembly;
  const [row, ...others] = index.all(name);
  if (!row) {
    return {
      name,
      status: 'unknown',
      type: undefined,
      node: undefined,
      fence: undefined,
      groups: [],
      pinned: false,
      owner: placements.arbiterOf(name),
      misplaced: false,
      reason: 'this node has no row of the name: it is not registered, or was registered elsewhere just now',
      candidates: [],
      rivals: [],
      history: history.of(name),
    };
  }
  const owner = row.isPinned ? row.node : placements.ownerOf(name, row.type);
  return {
    name,
    status: row.statusName,
    type: row.type,
    node: row.node,
    fence: row.fence,
    groups: row.groups,
    pinned: row.isPinned,
    owner,
    misplaced: row.node !== owner,
    reason: reasonFor(assembly, row, owner),
    candidates: placements.refusals(row.type),
    rivals: others.map(({ node, fence, statusName }) => ({ node, fence, status: statusName })),
    history: history.of(name),
  };
}

function reasonFor(assembly: Assembly, row: Row, owner: string | undefined): string {
  const { placements, members, moves, conflicts, self } = assembly;
  const { name, type, node } = row;
  if (row.isPinned) return `registerLocal has bound it to ${node}`;
  const quorum = placements.quorumOf(type);
  const eligible = placements.eligible(type).length;
  if (owner === undefined) {
    return quorum !== undefined && eligible < quorum
      ? `${type} is below its quorum: ${eligible} of at least ${quorum} nodes are there`
      : `the strategy of ${type} names none of the ${eligible} node(s) that could host it`;
  }
  const placed = `the strategy of ${type} places it on ${owner}, among ${eligible} node(s)`;
  if (row.orphaned) return `${node} is gone, and nobody has started it yet; ${placed}`;
  if (conflicts.follows(name)) return `several nodes run it, and the older activation stays; ${placed}`;
  if (node === owner) return row.statusName === 'parked' ? `it waits for its next start; ${placed}` : placed;
  const target = members.get(owner);
  if (node === self.id && moves.has(name)) return `it is being moved; ${placed}`;
  if (target?.status !== 'up')
    return `${placed}, which is ${target?.status ?? 'unknown'} and takes over nothing yet`;
  return `${placed}; it has not been moved, see its history on ${node}`;
}
