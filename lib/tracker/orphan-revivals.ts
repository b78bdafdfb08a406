// Brings back a node that was not dead after all: its rows live again, in slices, and none is started elsewhere meanwhile.
import { runSliced } from '../runtime/slices.js';
import { incarnationKey, type NodeId } from '../transport/node-info.js';
import type { DeadNode } from './dead-node.js';
import type { DeadNodes } from './dead-nodes.js';
import type { OrphansParts } from './orphans-parts.js';
import type { RowTable } from './row-table.js';
import type { Row } from './row.js';

export class OrphanRevivals {
  constructor(
    private readonly parts: Pick<OrphansParts, 'runtime' | 'index' | 'settled'>,
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

  /** Whether the orphan is of a node that was not dead after all, and is none soon. */
  isReviving(row: Row): boolean {
    for (const { table, revival } of this.dead.all()) if (revival && table.node === row.node) return true;
    return false;
  }

  /** What is held of a node that has died again before all of its rows lived. */
  takeBack(id: string): RowTable | undefined {
    const dead = this.dead.get(id);
    if (!dead) return undefined;
    dead.timer?.cancel();
    for (const _ of dead.steps ?? []);
    const { table } = dead;
    if (!dead.isAsRead) table.seq = 0;
    return table;
  }

  /** First comes to an end what was begun: a table is given away only with all of its rows in the index, and no others. */
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
