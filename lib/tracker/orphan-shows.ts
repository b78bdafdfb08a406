// Shows others, again and again, orphans that nobody has started: they may know that those have ended, or have missed
// them. Those to which activations of this node gave way are shown to everybody: nobody else knows that they are what is
// left of their names.
import { FrameKind, type OrphansFrame } from '../transport/frame.js';
import type { NodeId } from '../transport/node-info.js';
import type { DeadNode } from './dead-node.js';
import type { DeadNodes } from './dead-nodes.js';
import type { OrphanRows } from './orphan-rows.js';
import type { OrphanSender } from './orphan-sender.js';
import type { OrphansParts } from './orphans-parts.js';
import type { Row } from './row.js';

/** So often some are shown to another node. */
const SHOW_AGAIN_MS = 2_000;
const SHOWN_AT_ONCE = 64;

export class OrphanShows {
  private isDue = false;

  constructor(
    private readonly parts: Pick<
      OrphansParts,
      'runtime' | 'transport' | 'index' | 'linkedPeers' | 'isLetGo' | 'settled'
    >,
    private readonly dead: DeadNodes,
    private readonly sender: OrphanSender,
    private readonly orphaned: OrphanRows,
  ) {}

  /**
   * Some of what another node holds, and nobody has started: it is told what has ended, and asked for the rest if it has
   * read further. A name of which nothing is known here, or only who let go of it, is taken from it: it was held by one that
   * gave way to the dead.
   */
  received(from: NodeId, { node, incarnation, seq, last, rows }: OrphansFrame): void {
    const { transport, index, settled, isLetGo } = this.parts;
    const unknown = this.orphaned
      .notEnded(from, node, rows)
      .filter(({ name }) => index.all(name).every(isLetGo));
    const own = this.dead.readUpTo(node, incarnation);
    if (last && seq < own) this.sender.left(from, this.dead.known(node, incarnation));
    if (last && seq > own) transport.send(from, { kind: FrameKind.Lost, node, incarnation, seq: own });
    if (seq !== own || unknown.length === 0) return;
    const { table } = this.dead.heldOf(node, incarnation);
    for (const row of unknown) {
      row.orphaned = true;
      table.put(row);
      index.add(row);
    }
    // It may be the only one by now that has them, and others know that they have ended.
    this.later();
    settled();
  }

  /** Goes on while a node is dead of which something is left. */
  later(): void {
    if (this.isDue || this.dead.size === 0) return;
    this.isDue = true;
    const { runtime } = this.parts;
    runtime.after(SHOW_AGAIN_MS * (0.5 + runtime.random()), () => {
      this.isDue = false;
      this.showSome();
      this.later();
    });
  }

  /** To everybody, and again: nobody else starts them before, and they would be gone with this node. */
  showPreferred(dead: DeadNode): void {
    dead.preferred = dead.preferred.filter((row) => dead.table.get(row.name) === row);
    if (dead.preferred.length === 0) return;
    const { preferred } = dead;
    for (const peer of this.parts.linkedPeers()) this.sender.some(peer, dead, 'shown', preferred);
  }

  /** Some of them, to any peer. */
  private showSome(): void {
    const { runtime, linkedPeers } = this.parts;
    const peers = [...linkedPeers()];
    const peer = peers[Math.floor(runtime.random() * peers.length)];
    if (peer === undefined) return;
    for (const dead of this.dead.all()) {
      const { table } = dead;
      if (dead.revival) continue;
      this.showPreferred(dead);
      const rows: Row[] = [];
      let skipped = Math.floor(runtime.random() * Math.max(0, table.size - SHOWN_AT_ONCE));
      for (const row of table.values()) {
        if (skipped-- > 0) continue;
        if (rows.length === SHOWN_AT_ONCE) break;
        if (this.orphaned.outlives(row)) rows.push(row);
      }
      if (rows.length > 0) this.sender.some(peer, dead, 'shown', rows);
    }
  }
}
