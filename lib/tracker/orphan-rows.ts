// Decides which rows of dead nodes are orphans, and when they are history: another node holds their name, or their
// registration has ended.
import { FrameKind, type WireRow } from '../transport/frame.js';
import type { NodeId } from '../transport/node-info.js';
import type { DeadNode } from './dead-node.js';
import type { DeadNodes } from './dead-nodes.js';
import type { OrphansParts } from './orphans-parts.js';
import { Row } from './row.js';

export class OrphanRows {
  /** Rows to which activations of this node gave way. */
  private readonly preferred = new WeakSet<Row>();

  constructor(
    private readonly parts: Pick<
      OrphansParts,
      'transport' | 'index' | 'forgotten' | 'isCurrent' | 'outlives'
    >,
    private readonly dead: DeadNodes,
  ) {}

  /** Whether the row may be started elsewhere when its node is dead. */
  outlives(row: Row): boolean {
    return row.outlivesNode && !this.parts.forgotten.has(row.registration);
  }

  /** The sender is told which of its rows are of registrations that have ended; the others are returned. */
  notEnded(from: NodeId, node: NodeId, wires: readonly WireRow[]): Row[] {
    const { forgotten, transport } = this.parts;
    const rows = wires.map((wire) => Row.fromWire(wire, node));
    const ended = rows.filter(({ registration }) => forgotten.has(registration));
    if (ended.length === 0) return rows;
    const registrations = ended.map(({ name, registration }) => [name, registration] as const);
    transport.send(from, { kind: FrameKind.Forgotten, registrations });
    return rows.filter(({ registration }) => !forgotten.has(registration));
  }

  /** Whether an activation of this node gave way to the row. */
  isPreferred(row: Row): boolean {
    return this.preferred.has(row);
  }

  /** See `Orphans.gaveWayTo`. */
  prefer(row: Row): void {
    this.preferred.add(row);
  }

  /** Shows a row of a dead node as an orphan, or not at all. False where the node turned out to live. */
  mark(dead: DeadNode, row: Row): boolean {
    const { index } = this.parts;
    if (dead.revival) return false;
    if (dead.table.get(row.name) !== row) return true;
    if (this.outlives(row)) {
      index.alter(row, () => (row.orphaned = true));
      if (this.preferred.has(row)) dead.preferred.push(row);
    } else {
      dead.table.delete(row.name);
      index.remove(row);
    }
    return true;
  }

  /** Whether the row of a dead node is history of what the holder of its name shows. */
  isHistory(row: Row, holder: Row): boolean {
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

  /** The registration has ended for good. */
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
