// Tells other nodes what is left of a dead one. Each frame is made when its turn to be sent has come, from the rows that are
// there by then.
import type { Runtime } from '../runtime/runtime.interface.js';
import { FrameKind, type Frame, type OrphansFrame, type WireRow } from '../transport/frame.js';
import type { NodeId } from '../transport/node-info.js';
import type { Transport } from '../transport/transport.interface.js';
import type { DeadNode } from './dead-nodes.js';
import { ROWS_PER_FRAME } from './feed.js';
import type { OrphanRows } from './orphan-rows.js';
import { PacedSender } from './paced-sender.js';
import { BYTES_PER_FRAME, type Row, wireBytes } from './row.js';

export class OrphanSender {
  private readonly sender: PacedSender;

  constructor(
    runtime: Runtime,
    transport: Transport,
    private readonly orphanRows: OrphanRows,
  ) {
    this.sender = new PacedSender(runtime, transport);
  }

  /** What was not sent belongs to a link that is gone. */
  unlinked(peer: NodeId): void {
    this.sender.unlinked(peer);
  }

  /** Sends a frame behind everything that the peer is already being told of dead nodes. */
  frame(to: NodeId, frame: Frame): void {
    this.sender.send(to, [frame].values());
  }

  /** As `frame`, but the frame is made when its turn has come. */
  lateFrame(to: NodeId, frame: () => Frame): void {
    this.sender.send(
      to,
      (function* () {
        yield frame();
      })(),
    );
  }

  /** Sends all that is left of a dead node. */
  left(to: NodeId, dead: DeadNode): void {
    if (dead.kept.size > 0) dead.told.add(to);
    this.sender.send(to, this.framesOf(dead, 'left'));
  }

  /** Sends those of the rows that are still left of a dead node when their turn has come. */
  some(to: NodeId, dead: DeadNode, says: 'shown' | 'asked', rows: Iterable<Row>): void {
    this.sender.send(to, this.framesOf(dead, says, rows));
  }

  /**
   * Frames with what is left of a dead node, or with `some` of it; at least one, so that the receiver learns `seq`.
   */
  private *framesOf(
    dead: DeadNode,
    says: OrphansFrame['says'],
    some?: Iterable<Row>,
  ): IterableIterator<OrphansFrame> {
    const { table } = dead;
    const { node, incarnation, seq } = table;
    const frame = { kind: FrameKind.Orphans, node, incarnation, seq, says };
    let rows: WireRow[] = [];
    let bytes = 0;
    let first = true;
    for (const row of some ?? table.values()) {
      if (dead.revival) return;
      if (!some && dead.table !== table) break;
      if (!this.orphanRows.outlives(row) || (some && table.get(row.name) !== row)) continue;
      if (says !== 'asked' && dead.kept.has(row)) continue;
      if (rows.length === ROWS_PER_FRAME || bytes >= BYTES_PER_FRAME) {
        yield { ...frame, first, last: false, rows };
        rows = [];
        bytes = 0;
        first = false;
      }
      rows.push(row.toWire());
      bytes += wireBytes(row.args, row.groups);
    }
    // Another table has taken the place of this one meanwhile: start over, as the receiver does at a first frame.
    if (!some && dead.table !== table) yield* this.framesOf(dead, says);
    else yield { ...frame, first, last: true, rows };
  }
}
