// Brings back a node that was not dead after all: its rows live again, in slices, and none is started elsewhere meanwhile.
import { runSliced } from '../runtime/slices.js';
import { incarnationKey, type NodeId } from '../transport/node-info.js';
import type { DeadNode, DeadNodes } from './dead-nodes.js';
import type { OrphanParts } from './orphan-parts.js';
import type { RowTable } from './row-table.js';
import type { Row } from './row.js';

export class OrphanRevivals {
  constructor(
    private readonly parts: Pick<OrphanParts, 'runtime' | 'index' | 'settled'>,
    private readonly dead: DeadNodes,
  ) {}

  /** As `Orphans.revive`. */
  revive(node: NodeId, incarnation: number, done: (table: RowTable | undefined) => void): void {
    const dead = this.dead.get(incarnationKey(node, incarnation));
    if (!dead) return done(undefined);
    const isGoingOn = dead.revival !== undefined;
    dead.revival = done;
    if (isGoingOn) return undefined;
    dead.timer?.cancel();
    runSliced(
      this.parts.runtime,
      this.livingAgain(dead),
      () => this.dead.has(dead),
      () => {
        if (!this.dead.has(dead)) return;
        this.dead.delete(dead);
        if (!dead.isAsRead) dead.table.seq = 0;
        this.parts.settled();
        dead.revival?.(dead.table);
      },
    );
    return undefined;
  }

  /** Whether the orphan's node turned out to live, so that the row will soon be no orphan any more. */
  isReviving(row: Row): boolean {
    for (const { table, revival } of this.dead.all()) if (revival && table.node === row.node) return true;
    return false;
  }

  /** The table of a node that has died again before all its rows lived. */
  takeBack(id: string): RowTable | undefined {
    const dead = this.dead.get(id);
    if (!dead) return undefined;
    dead.timer?.cancel();
    for (const _ of dead.steps ?? []);
    const { table } = dead;
    if (!dead.isAsRead) table.seq = 0;
    return table;
  }

  /** Ends the replacement that is under way first: a table is handed on only when exactly its rows are in the index. */
  private *livingAgain(dead: DeadNode): IterableIterator<void> {
    if (dead.steps) yield* dead.steps;
    for (const row of dead.table.values()) {
      // It died again in between, and this row may be marked anew.
      if (!this.dead.has(dead)) return;
      this.parts.index.alter(row, () => (row.orphaned = false));
      yield;
    }
  }
}
