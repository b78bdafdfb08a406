// Decides what is left of a dead node: its pinned rows go, its other rows are orphans until another node hosts them. First
// the survivors agree on its rows, so that no registration and no unregistration that any of them has seen is lost (P4):
//
//   1. Each says how far it has read the dead node's log (`Lost`).
//   2. Those that have read further send the others all that they hold (`left`), which takes the place of what these held.
//   3. A row that was not sent may have ended, or go on elsewhere: the receiver keeps it and asks (`asked`) until it is told
//      which rows are over (`over`).
//   4. When nothing is awaited any more, or after `pollMs`, the orphans are settled and may be started. Some are shown to
//      others now and then (`shown`), in case one has missed them or knows that they have ended.
//
// This file holds that conversation. Around it:
//
//   dead-nodes.ts       what is held of each dead node, and what is still awaited of its survivors
//   orphan-rows.ts      which row is an orphan, which is history, and how one table replaces another (2)
//   orphan-sender.ts    what is told of a dead node, paced by the link
//   orphan-answers.ts   answers to those that ask (3)
//   orphan-gossip.ts    shows orphans that nobody starts (4)
//   orphan-revivals.ts  a dead node that turned out to live
import { keepLatest } from '../runtime/keep-latest.js';
import { runSliced } from '../runtime/slices.js';
import { FrameKind, type Frame, type LostFrame, type OrphansFrame } from '../transport/frame.js';
import { incarnationKey, type NodeId } from '../transport/node-info.js';
import { DeadNode, DeadNodes } from './dead-nodes.js';
import { OrphanAnswers } from './orphan-answers.js';
import { OrphanGossip } from './orphan-gossip.js';
import type { OrphanParts } from './orphan-parts.js';
import { OrphanRevivals } from './orphan-revivals.js';
import { OrphanRows } from './orphan-rows.js';
import { OrphanSender } from './orphan-sender.js';
import { RowTable } from './row-table.js';
import type { Row } from './row.js';

/** For how many nodes that are still members here reports of survivors are kept, the latest of them. */
const EARLY_REPORTS_LIMIT = 1_024;
/**
 * And for how long each: by then this node has given that one up, too, or the survivor hears it again, and may have read
 * further since.
 */
const EARLY_REPORT_MS = 30_000;

/** How far a survivor had read the log of a node when it said that it had given it up. */
interface EarlyReport {
  readonly seq: number;
  readonly at: number;
}

export class Orphans {
  private readonly dead = new DeadNodes();
  /** What survivors said of nodes that this one has not given up yet. */
  private readonly early = new Map<string, Map<NodeId, EarlyReport>>();
  private readonly orphanRows: OrphanRows;
  private readonly sender: OrphanSender;
  private readonly gossip: OrphanGossip;
  private readonly answers: OrphanAnswers;
  private readonly revivals: OrphanRevivals;

  constructor(private readonly parts: OrphanParts) {
    this.orphanRows = new OrphanRows(parts, this.dead);
    this.sender = new OrphanSender(parts.runtime, parts.transport, this.orphanRows);
    this.gossip = new OrphanGossip(parts, this.dead, this.sender, this.orphanRows);
    this.answers = new OrphanAnswers(parts, this.dead, this.sender);
    this.revivals = new OrphanRevivals(parts, this.dead);
  }

  /** Whether every dead node's rows are agreed upon. Only then a name without a row is known to be free. */
  get isSettled(): boolean {
    for (const dead of this.dead.all()) if (!dead.isAgreedUpon) return false;
    return true;
  }

  /** How far the log of a dead incarnation was read; 0 if nothing is known of it. */
  readUpTo(node: NodeId, incarnation: number): number {
    return this.dead.readUpTo(node, incarnation);
  }

  *rows(): IterableIterator<Row> {
    for (const { table, revival } of this.dead.all()) if (!revival) yield* table.values();
  }

  *tables(): IterableIterator<RowTable> {
    for (const { table } of this.dead.all()) yield table;
  }

  /** A member was taken for dead. `table`: what this node holds of its log. */
  add(node: NodeId, incarnation: number, table: RowTable | undefined): void {
    const id = incarnationKey(node, incarnation);
    const peers = [...this.parts.linkedPeers()];
    const held =
      this.revivals.takeBack(id) ??
      (table?.incarnation === incarnation ? table : new RowTable(node, incarnation));
    const dead = new DeadNode(held);
    dead.read = { table: held, size: held.size, digest: held.digest };
    dead.awaiting = new Set(peers);
    dead.timer = this.parts.runtime.after(this.parts.pollMs, () => this.giveUpAwaiting(id));
    dead.marked = false;
    this.dead.hold(dead);
    const lost: LostFrame = { kind: FrameKind.Lost, node, incarnation, seq: dead.table.seq };
    for (const peer of peers) this.sender.frame(peer, lost);
    runSliced(
      this.parts.runtime,
      held.values(),
      (row) => this.orphanRows.mark(dead, row),
      () => {
        dead.marked = true;
        if (dead.replacements.length > 0) this.replaceNext(dead);
        else this.settleIfDone(id);
      },
    );
    const now = this.parts.runtime.now();
    for (const [peer, { seq, at }] of this.early.get(id) ?? [])
      if (now - at <= EARLY_REPORT_MS) this.lost(peer, { kind: FrameKind.Lost, node, incarnation, seq });
    this.early.delete(id);
  }

  /**
   * The node is back in the same incarnation: its rows live again, in slices, and none is started elsewhere meanwhile. If some
   * have given way to a successor here, all are read again from the node, because a conflict is decided only by nodes that
   * know both sides. `done` gets what is held of its log, unless it dies again before.
   */
  revive(node: NodeId, incarnation: number, done: (table: RowTable | undefined) => void): void {
    this.revivals.revive(node, incarnation, done);
  }

  /** Whether the orphan's node turned out to live, so that the row will soon be no orphan any more. */
  isReviving(row: Row): boolean {
    return this.revivals.isReviving(row);
  }

  /** The link to a survivor has closed: nothing is awaited from it any more. */
  unlinked(peer: NodeId): void {
    this.sender.unlinked(peer);
    for (const reports of this.early.values()) reports.delete(peer);
    for (const dead of this.dead.all()) {
      const { awaiting, incoming } = dead;
      dead.questions = dead.questions.filter(([from]) => from !== peer);
      dead.asked.delete(peer);
      dead.told.delete(peer);
      const wasSending = incoming.delete(peer);
      if (awaiting.delete(peer) || wasSending) this.settleIfDone(dead.id);
    }
  }

  /** A survivor says how far it has read a dead node's log. */
  lost(from: NodeId, { node, incarnation, seq }: LostFrame): void {
    const id = incarnationKey(node, incarnation);
    const dead = this.dead.get(id);
    if (!dead || dead.revival) {
      if (!this.parts.isMember(node, incarnation)) {
        const own = this.readUpTo(node, incarnation);
        // Also to one that has read as far, and may wait for an answer. Not with `Lost`, which would be answered for ever.
        if (own >= seq) return this.sendRest(from, node, incarnation);
        // The other sends what is left when it reads this.
        this.awaitWordOf(this.dead.heldOf(node, incarnation), from);
        this.sender.frame(from, { kind: FrameKind.Lost, node, incarnation, seq: own });
      } else {
        const reports = this.early.get(id) ?? new Map<NodeId, EarlyReport>();
        reports.set(from, { seq, at: this.parts.runtime.now() });
        keepLatest(this.early, id, reports, EARLY_REPORTS_LIMIT);
      }
      return;
    }
    if (seq > dead.table.seq) {
      // A node that joined after this one had given up the dead node does not know yet that this one has read less.
      const less: LostFrame = { kind: FrameKind.Lost, node, incarnation, seq: dead.table.seq };
      if (!dead.awaiting.has(from)) this.sender.frame(from, less);
      return;
    }
    if (seq < dead.table.seq) this.sendRest(from, node, incarnation);
    // If it was asked about kept rows, how far it has read is no answer to that.
    if (!dead.asked.has(from) && dead.awaiting.delete(from)) this.settleIfDone(id);
  }

  private awaitWordOf(dead: DeadNode, from: NodeId): void {
    const { runtime, pollMs } = this.parts;
    dead.awaiting.add(from);
    dead.timer?.cancel();
    dead.timer = runtime.after(pollMs, () => this.giveUpAwaiting(dead.id));
  }

  /** What another node says or asks about the rows of a dead node. */
  received(from: NodeId, frame: OrphansFrame): void {
    if (this.parts.isMember(frame.node, frame.incarnation)) return undefined;
    switch (frame.says) {
      case 'left':
        return this.left(from, frame);
      case 'shown':
        return this.gossip.shown(from, frame);
      case 'asked':
        return this.answers.asked(from, frame);
      case 'over':
        return this.over(from, frame);
    }
  }

  /** All that is left of a dead node, from a peer that has read at least as far or has just linked. */
  private left(from: NodeId, { node, incarnation, seq, first, last, rows }: OrphansFrame): void {
    const id = incarnationKey(node, incarnation);
    if (!first && !this.dead.get(id)?.incoming.has(from)) return;
    const dead = this.dead.heldOf(node, incarnation);
    if (first) dead.incoming.set(from, new RowTable(node, incarnation));
    const incoming = dead.incoming.get(from);
    if (!incoming) return;
    for (const row of this.orphanRows.notEnded(from, node, rows)) {
      row.orphaned = true;
      incoming.put(row);
    }
    if (!last) return;
    dead.incoming.delete(from);
    dead.replacements.push({ from, rows: incoming, seq });
    if (dead.replacements.length === 1) this.replaceNext(dead);
  }

  /** The answer to `asked`: the rows that are over. */
  private over(from: NodeId, { node, incarnation, last, rows }: OrphansFrame): void {
    const id = incarnationKey(node, incarnation);
    const dead = this.dead.get(id);
    if (!dead || dead.revival) return;
    for (const [name, , , fence, registration] of rows) {
      const row = dead.table.get(name);
      if (row?.registration === registration && row.fence === fence) this.orphanRows.remove(row);
    }
    const count = dead.asked.get(from);
    if (count === undefined) return;
    if (last && count === 1) {
      dead.asked.delete(from);
      dead.awaiting.delete(from);
      this.settleIfDone(id);
    } else {
      if (last) dead.asked.set(from, count - 1);
      // More is coming from it.
      this.awaitWordOf(dead, from);
    }
  }

  /** Tells a peer that has read less what is left, even if that is nothing: it waits to hear so. */
  private sendRest(to: NodeId, node: NodeId, incarnation: number): void {
    this.sender.left(to, this.dead.known(node, incarnation));
  }

  /** Sends what is left of every dead node to a peer that links, then `last`. */
  sendAll(peer: NodeId, last: () => Frame): void {
    for (const dead of this.dead.all()) {
      if (dead.table.size > 0 && !dead.revival) this.sender.left(peer, dead);
    }
    this.sendBehind(peer, last);
  }

  /** Sends a frame, made when its turn has come, behind all that the peer is told of the dead. */
  sendBehind(peer: NodeId, frame: () => Frame): void {
    this.sender.lateFrame(peer, frame);
  }

  /**
   * A node holds the name now, so its orphans are history. Except one of the same registration that is newer than what the
   * holder shows: the worker had moved on, and this node has not read yet that the holder has let go of it. A newer orphan of
   * another registration gives way to the holder, and its registration has ended.
   */
  superseded(name: string, holder: Row): void {
    this.orphanRows.superseded(name, holder);
  }

  /**
   * An activation of this node has lost a conflict against the row. If the row's node dies now, other nodes may have dropped
   * the row in favour of that activation: only this node knows that the row is what is left of the name, and tells all.
   */
  gaveWayTo(row: Row): void {
    this.orphanRows.gaveWayTo(row);
  }

  /** The registration has ended for good. */
  forget(name: string, registration: string): void {
    this.orphanRows.forget(name, registration);
  }

  /** Puts the replacements in place, one after the other and in slices, once all rows are marked as orphans. */
  private replaceNext(dead: DeadNode): void {
    const [next] = dead.replacements;
    if (!next || !dead.marked || dead.revival || !this.dead.has(dead)) return;
    const steps = this.orphanRows.replace(dead, next);
    dead.steps = steps;
    runSliced(
      this.parts.runtime,
      steps,
      () => this.dead.has(dead) && !dead.revival,
      () => {
        if (!this.dead.has(dead) || dead.revival) return;
        dead.steps = undefined;
        dead.replacements.shift();
        if (!dead.asked.has(next.from)) dead.awaiting.delete(next.from);
        if (dead.table === next.rows) this.ask(dead, next.from);
        if (dead.replacements.length > 0) this.replaceNext(dead);
        else this.settleIfDone(dead.id);
      },
    );
  }

  /**
   * Asks a survivor that has read further what became of the rows that it did not send. Only those that have read further are
   * asked, so that no two nodes wait for each other.
   */
  private ask(dead: DeadNode, from: NodeId): void {
    if (dead.kept.size === 0 || ![...this.parts.linkedPeers()].includes(from)) return;
    dead.asked.set(from, (dead.asked.get(from) ?? 0) + 1);
    this.awaitWordOf(dead, from);
    this.sender.some(from, dead, 'asked', dead.kept);
  }

  private giveUpAwaiting(id: string): void {
    const dead = this.dead.get(id);
    dead?.asked.clear();
    dead?.awaiting.clear();
    this.settleIfDone(id);
  }

  private settleIfDone(id: string): void {
    const dead = this.dead.get(id);
    if (!dead || !dead.isAgreedUpon) return;
    dead.timer?.cancel();
    const { node, seq, size } = dead.table;
    this.parts.trace(() => `${size} rows of ${node}, read up to ${seq}, wait to be started by others`);
    this.answers.tellKept(dead);
    if (dead.isOver) this.dead.finish(dead);
    this.gossip.showWinners(dead);
    this.gossip.start();
    this.parts.settled();
  }
}
