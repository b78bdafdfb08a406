// Decides, row by row, what is left of a dead node when a survivor that has read further has sent what it holds.
import type { DeadNode, Replacement } from './dead-node.js';
import type { OrphanRows } from './orphan-rows.js';
import type { OrphansParts } from './orphans-parts.js';

/**
 * Puts what a survivor has read in place of what is held, unless that is as new by now; a step for each row. Rows may
 * change between two steps: each is looked at when its turn comes. New rows come in place of the old of their names,
 * which are gone for no moment. What is missing among them has ended, or goes on at a node that this one may not have
 * met: it is kept until the survivor has said which. It need not be asked of what activations of this node gave way to: it
 * would not know.
 */
export function* replacing(
  { index, forgotten }: Pick<OrphansParts, 'index' | 'forgotten'>,
  orphans: OrphanRows,
  dead: DeadNode,
  { rows: incoming, seq }: Replacement,
): IterableIterator<void> {
  const before = dead.table;
  if (seq <= before.seq) return;
  dead.table = incoming;
  incoming.seq = seq;
  for (const row of incoming.values()) {
    const { name } = row;
    const holder = index.get(name);
    const previous = before.get(name);
    if (forgotten.has(row.registration) || (holder && orphans.isHistory(row, holder))) incoming.delete(name);
    // What was shown since then (`shown`) is in the index.
    else if (!index.all(name).includes(row)) {
      if (previous) index.replace(previous, row);
      else index.add(row);
      before.delete(name);
    }
    yield;
  }
  for (const row of before.values()) {
    const holder = index.get(row.name);
    // Another may hold the name since then (`superseded`).
    const isLeft = !incoming.get(row.name) && orphans.outlives(row) && index.all(row.name).includes(row);
    if (isLeft && !(holder && orphans.isHistory(row, holder))) {
      incoming.put(row);
      if (!orphans.isPreferred(row)) dead.kept.add(row);
    } else {
      index.remove(row);
    }
    yield;
  }
}
