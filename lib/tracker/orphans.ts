// Decides what is left of a dead node: its pinned rows go, its other rows are orphans until another node hosts them.
// The survivors first agree on how far its log had come: the one that has read furthest tells the others, so that
// neither a registration nor an unregistration that anyone has seen is lost (promise P4). Who has read less gives up what
// the other does not tell of only once that one has said that it is over: where it goes on elsewhere, both keep a row of it.
import { runSliced } from '../runtime/slices.js';
import { FrameKind, type Frame, type LostFrame, type OrphansFrame } from '../transport/frame.js';
import { incarnationKey, type NodeId } from '../transport/node-info.js';
import { DeadNode } from './dead-node.js';
import { DeadNodes } from './dead-nodes.js';
import { OrphanAnswers } from './orphan-answers.js';
import { replacing } from './orphan-replacement.js';
import { OrphanRevivals } from './orphan-revivals.js';
import { OrphanRows } from './orphan-rows.js';
import { OrphanSender } from './orphan-sender.js';
import { OrphanShows } from './orphan-shows.js';
import type { OrphansParts } from './orphans-parts.js';
import { RowTable } from './row-table.js';
import type { Row } from './row.js';

/** How many reports about nodes that are still members here are kept. */
const EARLY_REPORTS_LIMIT = 1_024;

export class Orphans {
  private readonly dead = new DeadNodes();
  /** What survivors said of nodes that this one has not given up yet. */
  private readonly early = new Map<string, Map<NodeId, number>>();
  private readonly orphaned: OrphanRows;
  private readonly sender: OrphanSender;
  private readonly shows: OrphanShows;
  private readonly answers: OrphanAnswers;
  private readonly revivals: OrphanRevivals;

  constructor(private readonly parts: OrphansParts) {
    this.orphaned = new OrphanRows(parts, this.dead);
    this.sender = new OrphanSender(parts.runtime, parts.transport, this.orphaned);
    this.shows = new OrphanShows(parts, this.dead, this.sender, this.orphaned);
    this.answers = new OrphanAnswers(parts, this.dead, this.sender);
    this.revivals = new OrphanRevivals(parts, this.dead);
  }

  /** Whether every dead node's rows are agreed upon: an unknown name is free only then. */
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
      (row) => this.orphaned.mark(dead, row),
      () => {
        dead.marked = true;
        if (dead.replacements.length > 0) this.replaceNext(dead);
        else this.settleIfDone(id);
      },
    );
    for (const [peer, seq] of this.early.get(id) ?? [])
      this.lost(peer, { kind: FrameKind.Lost, node, incarnation, seq });
    this.early.delete(id);
  }

  /**
   * The node is back in the same incarnation: its rows live again, in slices, and none is started elsewhere meanwhile. Some
   * may have given way here to what took their place, and are to be read once more, with all others: a conflict is
   * decided only by those who know of it. `done` gets what is held of its log, unless it dies again before.
   */
  revive(node: NodeId, incarnation: number, done: (table: RowTable | undefined) => void): void {
    this.revivals.revive(node, incarnation, done);
  }

  /** Whether the orphan is of a node that was not dead after all, and is none soon. */
  isReviving(row: Row): boolean {
    return this.revivals.isReviving(row);
  }

  /** A survivor has no link any more: nothing is awaited from it. */
  unlinked(peer: NodeId): void {
    this.sender.unlinked(peer);
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
        // Also to one that has read as far, which may wait for it. An answer of its kind would be answered, for ever.
        if (own >= seq) return this.sendRest(from, node, incarnation);
        // What is left of it is on its way when the other has read this.
        this.awaitWordOf(this.dead.heldOf(node, incarnation), from);
        this.parts.transport.send(from, { kind: FrameKind.Lost, node, incarnation, seq: own });
      } else if (this.early.size < EARLY_REPORTS_LIMIT) {
        const reports = this.early.get(id) ?? new Map<NodeId, number>();
        this.early.set(id, reports.set(from, seq));
      }
      return;
    }
    if (seq > dead.table.seq) {
      // Who was not there when this node gave it up does not know yet that it has less.
      const less: LostFrame = { kind: FrameKind.Lost, node, incarnation, seq: dead.table.seq };
      if (!dead.awaiting.has(from)) this.parts.transport.send(from, less);
      return;
    }
    if (seq < dead.table.seq) this.sendRest(from, node, incarnation);
    // How far it has read is no answer to what it was asked.
    if (!dead.asked.has(from) && dead.awaiting.delete(from)) this.settleIfDone(id);
  }

  private awaitWordOf(dead: DeadNode, from: NodeId): void {
    const { runtime, pollMs } = this.parts;
    dead.awaiting.add(from);
    dead.timer?.cancel();
    dead.timer = runtime.after(pollMs, () => this.giveUpAwaiting(dead.id));
  }

  /** What another node says of the rows of a dead one, or asks about them. */
  received(from: NodeId, frame: OrphansFrame): void {
    if (this.parts.isMember(frame.node, frame.incarnation)) return undefined;
    switch (frame.says) {
      case 'left':
        return this.left(from, frame);
      case 'shown':
        return this.shows.received(from, frame);
      case 'asked':
        return this.answers.asked(from, frame);
      case 'over':
        return this.over(from, frame);
    }
  }

  /** All rows of a dead node from someone who has read at least as far, or who links for the first time. */
  private left(from: NodeId, { node, incarnation, seq, first, last, rows }: OrphansFrame): void {
    const id = incarnationKey(node, incarnation);
    if (!first && !this.dead.get(id)?.incoming.has(from)) return;
    const dead = this.dead.heldOf(node, incarnation);
    if (first) dead.incoming.set(from, new RowTable(node, incarnation));
    const incoming = dead.incoming.get(from);
    if (!incoming) return;
    for (const row of this.orphaned.notEnded(from, node, rows)) {
      row.orphaned = true;
      incoming.put(row);
    }
    if (!last) return;
    dead.incoming.delete(from);
    dead.replacements.push({ from, rows: incoming, seq });
    if (dead.replacements.length === 1) this.replaceNext(dead);
  }

  /** The answer to what was asked. */
  private over(from: NodeId, { node, incarnation, last, rows }: OrphansFrame): void {
    const id = incarnationKey(node, incarnation);
    const dead = this.dead.get(id);
    if (!dead || dead.revival) return;
    for (const [name, , , fence, registration] of rows) {
      const row = dead.table.get(name);
      if (row?.registration === registration && row.fence === fence) this.orphaned.remove(row);
    }
    const count = dead.asked.get(from);
    if (count === undefined) return;
    if (last && count === 1) {
      dead.asked.delete(from);
      dead.awaiting.delete(from);
      this.settleIfDone(id);
    } else {
      if (last) dead.asked.set(from, count - 1);
      // It is at it.
      this.awaitWordOf(dead, from);
    }
  }

  /** Who has read less must not wait for what has ended, or lives elsewhere: it is told also where nothing is left. */
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
   * A node holds the name now: its orphans are history. Not one of the same registration that is newer than what that
   * node shows: the worker had moved on, and this node has not read yet that the holder has let go of it. Another
   * registration that is newer than the holder's has ended: wherever its worker should live, it gives way to this one.
   */
  superseded(name: string, holder: Row): void {
    this.orphaned.superseded(name, holder);
  }

  /**
   * An activation of this node gives way to the row. Others may have learnt before that the row's node is dead, and have
   * taken the row for history of the activation that gives way: if it becomes an orphan, only this node knows that it is
   * what is left of the name, and tells everybody.
   */
  gaveWayTo(row: Row): void {
    this.orphaned.prefer(row);
  }

  /** The registration has ended for good. */
  forget(name: string, registration: string): void {
    this.orphaned.forget(name, registration);
  }

  /** One after the other, in slices, once all is marked: its rows are not agreed upon before the last. */
  private replaceNext(dead: DeadNode): void {
    const [next] = dead.replacements;
    if (!next || !dead.marked || dead.revival || !this.dead.has(dead)) return;
    const steps = replacing(this.parts, this.orphaned, dead, next);
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
   * The survivor has read further, and may know that the rest has ended. Who is gone by now takes that along. Only who has
   * read more is asked, so that no two wait for each other.
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
    this.shows.showPreferred(dead);
    this.shows.later();
    this.parts.settled();
  }
}
