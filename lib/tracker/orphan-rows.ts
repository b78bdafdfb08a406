// Decides which rows of dead nodes are orphans, to be started elsewhere, and which are history, because another node holds
// their name or their registration has ended.
import { FrameKind, type WireRow } from '../transport/frame.js';
import type { NodeId } from '../transport/node-info.js';
import type { DeadNode, DeadNodes, Replacement } from './dead-nodes.js';
import type { OrphanParts } from './orphan-parts.js';
import { Row } from './row.js';

export class OrphanRows {
  /** Rows that won a conflict against an activation of this node. */
  private readonly winners = new WeakSet<Row>();

  constructor(
    private readonly parts: Pick<OrphanParts, 'transport' | 'index' | 'forgotten' | 'isCurrent' | 'outlives'>,
    private readonly dead: DeadNodes,
  ) {}

  /** Whether the row's worker is started elsewhere when its node dies. */
  outlives(row: Row): boolean {
    return row.outlivesNode && !this.parts.forgotten.has(row.registration);
  }

  /** The rows whose registrations have not ended; the sender is told of those that have. */
  notEnded(from: NodeId, node: NodeId, wires: readonly WireRow[]): Row[] {
    const { forgotten, transport } = this.parts;
    const rows = wires.map((wire) => Row.fromWire(wire, node));
    const ended = rows.filter(({ registration }) => forgotten.has(registration));
    if (ended.length === 0) return rows;
    const registrations = ended.map(({ name, registration }) => [name, registration] as const);
    transport.send(from, { kind: FrameKind.Forgotten, registrations });
    return rows.filter(({ registration }) => !forgotten.has(registration));
  }

  /** See `Orphans.gaveWayTo`. */
  gaveWayTo(row: Row): void {
    this.winners.add(row);
  }

  /**
   * Marks a row of a dead node as an orphan, or removes it if it goes with its node. False if the node turned out to live.
   */
  mark(dead: DeadNode, row: Row): boolean {
    const { index } = this.parts;
    if (dead.revival) return false;
    if (dead.table.get(row.name) !== row) return true;
    if (this.outlives(row)) {
      index.alter(row, () => (row.orphaned = true));
      if (this.winners.has(row)) dead.winners.push(row);
    } else {
      dead.table.delete(row.name);
      index.remove(row);
    }
    return true;
  }

  /**
   * Puts what a survivor that has read further holds of a dead node in place of what is held here, unless that is as new by
   * now. One step for each row, so that it can be done in slices; rows may change between two steps, so each is looked at
   * when its turn comes. No name is without a row while the new one takes the place of the old.
   *
   * A row that the survivor did not send has ended, or goes on at a node that this one may not have met: it is kept until the
   * survivor has said which. Of winners it need not be asked: it does not know them.
   */
  *replace(dead: DeadNode, { rows: incoming, seq }: Replacement): IterableIterator<void> {
    const { index, forgotten } = this.parts;
    const before = dead.table;
    if (seq <= before.seq) return;
    dead.table = incoming;
    incoming.seq = seq;
    for (const row of incoming.values()) {
      const { name } = row;
      const holder = index.get(name);
      const previous = before.get(name);
      if (forgotten.has(row.registration) || (holder && this.isHistory(row, holder))) incoming.delete(name);
      // A row that another node has shown meanwhile (`OrphanGossip.shown`) is in the index already.
      else if (!index.all(name).includes(row)) {
        if (previous) index.replace(previous, row);
        else index.add(row);
        before.delete(name);
      }
      yield;
    }
    for (const row of before.values()) {
      const holder = index.get(row.name);
      // Another node may have taken the name meanwhile (`superseded`), and the row is gone.
      const isLeft = !incoming.get(row.name) && this.outlives(row) && index.all(row.name).includes(row);
      if (isLeft && !(holder && this.isHistory(row, holder))) {
        incoming.put(row);
        if (!this.winners.has(row)) dead.kept.add(row);
      } else {
        index.remove(row);
      }
      yield;
    }
  }

  /** Whether what the holder of its name shows has made the row of a dead node history. */
  private isHistory(row: Row, holder: Row): boolean {
    const { isCurrent, outlives } = this.parts;
    if (!holder.isHeld || holder.node === row.node || !isCurrent(holder)) return false;
    return !isNewer(row, holder) && !outlives(row, holder);
  }

  /** See `Orphans.superseded`. */
  superseded(name: string, holder: Row): void {
    for (const row of this.parts.index.all(name)) {
      if (!row.orphaned) continue;
      if (isNewer(row, holder) || this.parts.outlives(row, holder)) continue;
      if (row.registration !== holder.registration && row.fence > holder.fence)
        this.parts.forgotten.add(row.registration);
      this.remove(row);
    }
  }

  /** See `Orphans.forget`. */
  forget(name: string, registration: string): void {
    for (const row of this.parts.index.all(name)) {
      if (row.orphaned && row.registration === registration) this.remove(row);
    }
  }

  remove(row: Row): void {
    for (const dead of this.dead.all()) {
      if (dead.table.get(row.name) !== row) continue;
      dead.table.delete(row.name);
      dead.kept.delete(row);
      if (dead.isOver) this.dead.finish(dead);
    }
    this.parts.index.remove(row);
  }
}

/** Whether the orphan is of a later activation of the very worker that the holder shows. */
function isNewer(orphan: Row, holder: Row): boolean {
  return orphan.registration === holder.registration && orphan.fence > holder.fence;
}
