// Shows other nodes, again and again, orphans that nobody has started: they may know that these have ended, or may have
// missed them. Winners of conflicts are shown to every peer, because only the node that gave way to them knows that they are
// what is left of their names.
import { FrameKind, type OrphansFrame } from '../transport/frame.js';
import type { NodeId } from '../transport/node-info.js';
import type { DeadNode, DeadNodes } from './dead-nodes.js';
import type { OrphanParts } from './orphan-parts.js';
import type { OrphanRows } from './orphan-rows.js';
import type { OrphanSender } from './orphan-sender.js';
import type { Row } from './row.js';

/** One peer is shown some orphans this often, on average. */
const SHOW_AGAIN_MS = 2_000;
const SHOWN_AT_ONCE = 64;

export class OrphanGossip {
  private isDue = false;

  constructor(
    private readonly parts: Pick<OrphanParts, 'runtime' | 'index' | 'linkedPeers' | 'isLetGo' | 'settled'>,
    private readonly dead: DeadNodes,
    private readonly sender: OrphanSender,
    private readonly orphanRows: OrphanRows,
  ) {}

  /**
   * Another node shows orphans that it holds. It is told which have ended, sent the rest if it has read less, and asked for
   * the rest if it has read more. A name that has no holder here is taken over: its last one gave way to the dead node.
   */
  shown(from: NodeId, { node, incarnation, seq, last, rows }: OrphansFrame): void {
    const { index, settled, isLetGo } = this.parts;
    const unknown = this.orphanRows
      .notEnded(from, node, rows)
      .filter(({ name }) => index.all(name).every(isLetGo));
    const own = this.dead.readUpTo(node, incarnation);
    if (last && seq < own) this.sender.left(from, this.dead.known(node, incarnation));
    if (last && seq > own) this.sender.frame(from, { kind: FrameKind.Lost, node, incarnation, seq: own });
    if (seq !== own || unknown.length === 0) return;
    const { table } = this.dead.heldOf(node, incarnation);
    for (const row of unknown) {
      row.orphaned = true;
      table.put(row);
      index.add(row);
    }
    // The one that has shown them may die, and still others may know that they have ended.
    this.start();
    settled();
  }

  /** Goes on for as long as something is left of a dead node. */
  start(): void {
    if (this.isDue || this.dead.size === 0) return;
    this.isDue = true;
    const { runtime } = this.parts;
    runtime.after(SHOW_AGAIN_MS * (0.5 + runtime.random()), () => {
      this.isDue = false;
      this.showSome();
      this.start();
    });
  }

  /**
   * Shows the winners to every peer: no other node starts them before it knows them, and with this node they would be gone.
   */
  showWinners(dead: DeadNode): void {
    dead.winners = dead.winners.filter((row) => dead.table.get(row.name) === row);
    if (dead.winners.length === 0) return;
    const { winners } = dead;
    for (const peer of this.parts.linkedPeers()) this.sender.some(peer, dead, 'shown', winners);
  }

  /** Shows one peer, picked at random, a random run of the orphans of each dead node. */
  private showSome(): void {
    const { runtime, linkedPeers } = this.parts;
    const peers = [...linkedPeers()];
    const peer = peers[Math.floor(runtime.random() * peers.length)];
    if (peer === undefined) return;
    for (const dead of this.dead.all()) {
      const { table } = dead;
      if (dead.revival) continue;
      this.showWinners(dead);
      const rows: Row[] = [];
      let skipped = Math.floor(runtime.random() * Math.max(0, table.size - SHOWN_AT_ONCE));
      for (const row of table.values()) {
        if (skipped-- > 0) continue;
        if (rows.length === SHOWN_AT_ONCE) break;
        if (this.orphanRows.outlives(row)) rows.push(row);
      }
      if (rows.length > 0) this.sender.some(peer, dead, 'shown', rows);
    }
  }
}
