// Decides what is left of a dead node: its pinned rows go, its other rows are orphans until another node hosts them.
// The survivors first agree on how far its log had come: the one that has read furthest tells the others, so that
// neither a registration nor an unregistration that anyone has seen is lost (promise P4). Who has read less gives up what
// the other does not tell of only once that one has said that it is over: where it goes on elsewhere, both keep a row of it.
import type { Runtime, Timer } from '../runtime/runtime.interface.js';
import { keepLatest } from '../runtime/keep-latest.js';
import { runSliced } from '../runtime/slices.js';
import {
  FrameKind,
  type Frame,
  type LostFrame,
  type OrphansFrame,
  type WireRow,
} from '../transport/frame.js';
import { incarnationKey, type NodeId } from '../transport/node-info.js';
import type { Transport } from '../transport/transport.interface.js';
import { ROWS_PER_FRAME } from './feed.js';
import type { Forgotten } from './forgotten.js';
import { PacedSender } from './paced-sender.js';
import type { RegistryIndex } from './registry-index.js';
import { RowTable } from './row-table.js';
import { BYTES_PER_FRAME, Row, wireBytes } from './row.js';

/** Orphans that nobody has started are shown to another node so often: it may know that they have ended, or have missed them. */
const SHOW_AGAIN_MS = 2_000;
const SHOWN_AT_ONCE = 64;
/** How many reports about nodes that are still members here are kept. */
const EARLY_REPORTS_LIMIT = 1_024;
/** Of how many dead nodes with nothing left it is known how far their logs were read. */
const FINISHED_LIMIT = 4_096;
/** How many frames of questions about one dead node wait until its survivors agree. */
const QUESTIONS_LIMIT = 1_024;

interface DeadNode {
  table: RowTable;
  /** What this node had read of its log itself. */
  readonly read: { readonly table: RowTable; readonly size: number; readonly digest: number } | undefined;
  /** Survivors that have not said yet how far they have read, or what has become of rows that they did not send. */
  readonly awaiting: Set<NodeId>;
  /** Rows that survivors are sending which have read further, by sender. */
  readonly incoming: Map<NodeId, RowTable>;
  timer: Timer | undefined;
  /** What a survivor that has read further has sent takes the place of `table`, one such table after the other. */
  readonly replacements: Replacement[];
  /**
   * Rows that are kept although a survivor that has read further has not sent them: until it has said what has become of
   * them, nobody is told of them, who would take them for ones that were still there by then.
   */
  kept: Set<Row>;
  /** Survivors that have been asked, and have not answered yet, and how many times. */
  readonly asked: Map<NodeId, number>;
  /** Who was told of the other rows meanwhile. */
  readonly told: Set<NodeId>;
  /** What others have asked meanwhile, who have read less. */
  questions: Array<readonly [from: NodeId, frame: OrphansFrame]>;
  /** What is still to be done of the first of them. */
  steps: Iterable<void> | undefined;
  /** Its rows are shown as orphans. */
  marked: boolean;
  /** Those of its orphans to which activations of this node gave way. */
  preferred: Row[];
  /** It was not dead after all: to be told when all of its rows live again. */
  revival: ((table: RowTable) => void) | undefined;
}

/** Rows of a dead node that take the place of what was held of it. */
interface Replacement {
  readonly from: NodeId;
  readonly rows: RowTable;
  readonly seq: number;
}

export interface OrphansParts {
  readonly runtime: Runtime;
  readonly transport: Transport;
  readonly index: RegistryIndex;
  readonly forgotten: Forgotten;
  readonly pollMs: number;
  linkedPeers(): Iterable<NodeId>;
  /** Whether that incarnation is a member in this node's view. */
  isMember(node: NodeId, incarnation: number): boolean;
  /** Whether the row is what its node says now: it has not let go of the worker, nor is this history that is read first. */
  isCurrent(row: Row): boolean;
  /** Whether the row's node has let go of the worker: the name goes on elsewhere. */
  isLetGo(row: Row): boolean;
  /**
   * Whether the orphan is of a registration that can only have been made when the holder's had ended: under a quorum. The
   * holder was away, and does not know it yet.
   */
  outlives(orphan: Row, holder: Row): boolean;
  /** The survivors of a dead node agree on its rows, or have had their time. */
  settled(): void;
  /** Logs a decision with its reason. */
  trace(decision: () => string): void;
}

export class Orphans {
  private readonly dead = new Map<string, DeadNode>();
  /** How far the logs of those were read of which nothing is left. */
  private readonly finished = new Map<string, number>();
  /** What survivors said of nodes that this one has not given up yet. */
  private readonly early = new Map<string, Map<NodeId, number>>();
  private readonly sender: PacedSender;
  private showDue = false;
  /** Rows to which activations of this node gave way. */
  private readonly preferred = new WeakSet<Row>();

  constructor(private readonly parts: OrphansParts) {
    this.sender = new PacedSender(parts.runtime, parts.transport);
  }

  /** Whether every dead node's rows are agreed upon: an unknown name is free only then. */
  get isSettled(): boolean {
    for (const dead of this.dead.values()) if (!isAgreedUpon(dead)) return false;
    return true;
  }

  /** How far the log of a dead incarnation was read; 0 if nothing is known of it. */
  readUpTo(node: NodeId, incarnation: number): number {
    const id = incarnationKey(node, incarnation);
    return this.dead.get(id)?.table.seq ?? this.finished.get(id) ?? 0;
  }

  *rows(): IterableIterator<Row> {
    for (const { table, revival } of this.dead.values()) if (!revival) yield* table.values();
  }

  *tables(): IterableIterator<RowTable> {
    for (const { table } of this.dead.values()) yield table;
  }

  /** A member was taken for dead. `table`: what this node holds of its log. */
  add(node: NodeId, incarnation: number, table: RowTable | undefined): void {
    const id = incarnationKey(node, incarnation);
    const peers = [...this.parts.linkedPeers()];
    const held =
      this.takeBack(id) ?? (table?.incarnation === incarnation ? table : new RowTable(node, incarnation));
    const dead: DeadNode = {
      ...unread(held),
      read: { table: held, size: held.size, digest: held.digest },
      awaiting: new Set(peers),
      timer: this.parts.runtime.after(this.parts.pollMs, () => this.giveUpAwaiting(id)),
      marked: false,
    };
    this.dead.set(id, dead);
    const lost: LostFrame = { kind: FrameKind.Lost, node, incarnation, seq: dead.table.seq };
    for (const peer of peers) this.sender.send(peer, [lost].values());
    runSliced(
      this.parts.runtime,
      held.values(),
      (row) => this.orphan(dead, row),
      () => {
        dead.marked = true;
        if (dead.replacements.length > 0) this.replaceNext(id, dead);
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
    const id = incarnationKey(node, incarnation);
    const dead = this.dead.get(id);
    if (!dead) return done(undefined);
    const isGoingOn = dead.revival !== undefined;
    dead.revival = done;
    if (isGoingOn) return undefined;
    dead.timer?.cancel();
    runSliced(
      this.parts.runtime,
      this.livingAgain(id, dead),
      () => this.dead.get(id) === dead,
      () => {
        if (this.dead.get(id) !== dead) return;
        this.dead.delete(id);
        if (!isAsRead(dead)) dead.table.seq = 0;
        this.parts.settled();
        dead.revival?.(dead.table);
      },
    );
    return undefined;
  }

  /** Whether the orphan is of a node that was not dead after all, and is none soon. */
  isReviving(row: Row): boolean {
    for (const { table, revival } of this.dead.values()) if (revival && table.node === row.node) return true;
    return false;
  }

  /** First comes to an end what was begun: a table is given away only with all of its rows in the index, and no others. */
  private *livingAgain(id: string, dead: DeadNode): IterableIterator<void> {
    if (dead.steps) yield* dead.steps;
    for (const row of dead.table.values()) {
      // It died again in between, and this row may be marked anew.
      if (this.dead.get(id) !== dead) return;
      this.parts.index.alter(row, () => (row.orphaned = false));
      yield;
    }
  }

  /** What is held of a node that has died again before all of its rows lived. */
  private takeBack(id: string): RowTable | undefined {
    const dead = this.dead.get(id);
    if (!dead) return undefined;
    dead.timer?.cancel();
    for (const _ of dead.steps ?? []);
    const { table } = dead;
    if (!isAsRead(dead)) table.seq = 0;
    return table;
  }

  /** A survivor has no link any more: nothing is awaited from it. */
  unlinked(peer: NodeId): void {
    this.sender.unlinked(peer);
    for (const [id, dead] of this.dead) {
      const { awaiting, incoming } = dead;
      dead.questions = dead.questions.filter(([from]) => from !== peer);
      dead.asked.delete(peer);
      dead.told.delete(peer);
      const wasSending = incoming.delete(peer);
      if (awaiting.delete(peer) || wasSending) this.settleIfDone(id);
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
        this.awaitWordOf(this.deadNode(node, incarnation), from);
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
    const { node, incarnation } = dead.table;
    dead.awaiting.add(from);
    dead.timer?.cancel();
    dead.timer = runtime.after(pollMs, () => this.giveUpAwaiting(incarnationKey(node, incarnation)));
  }

  /** What another node says of the rows of a dead one, or asks about them. */
  received(from: NodeId, frame: OrphansFrame): void {
    if (this.parts.isMember(frame.node, frame.incarnation)) return undefined;
    switch (frame.says) {
      case 'left':
        return this.left(from, frame);
      case 'shown':
        return this.shown(from, frame);
      case 'asked':
        return this.asked(from, frame);
      case 'over':
        return this.over(from, frame);
    }
  }

  /** All rows of a dead node from someone who has read at least as far, or who links for the first time. */
  private left(from: NodeId, { node, incarnation, seq, first, last, rows }: OrphansFrame): void {
    const id = incarnationKey(node, incarnation);
    if (!first && !this.dead.get(id)?.incoming.has(from)) return;
    const dead = this.deadNode(node, incarnation);
    if (first) dead.incoming.set(from, new RowTable(node, incarnation));
    const incoming = dead.incoming.get(from);
    if (!incoming) return;
    for (const row of this.notEnded(from, node, rows)) {
      row.orphaned = true;
      incoming.put(row);
    }
    if (!last) return;
    dead.incoming.delete(from);
    dead.replacements.push({ from, rows: incoming, seq });
    if (dead.replacements.length === 1) this.replaceNext(id, dead);
  }

  /** The sender is told which of its rows are of registrations that have ended; the others are returned. */
  private notEnded(from: NodeId, node: NodeId, wires: readonly WireRow[]): Row[] {
    const { forgotten, transport } = this.parts;
    const rows = wires.map((wire) => Row.fromWire(wire, node));
    const ended = rows.filter(({ registration }) => forgotten.has(registration));
    if (ended.length === 0) return rows;
    const registrations = ended.map(({ name, registration }) => [name, registration] as const);
    transport.send(from, { kind: FrameKind.Forgotten, registrations });
    return rows.filter(({ registration }) => !forgotten.has(registration));
  }

  /**
   * Some of what another node holds, and nobody has started: it is told what has ended, and asked for the rest if it has
   * read further. A name of which nothing is known here, or only who let go of it, is taken from it: it was held by one that
   * gave way to the dead.
   */
  private shown(from: NodeId, { node, incarnation, seq, last, rows }: OrphansFrame): void {
    const { transport, index, settled, isLetGo } = this.parts;
    const unknown = this.notEnded(from, node, rows).filter(({ name }) => index.all(name).every(isLetGo));
    const own = this.readUpTo(node, incarnation);
    if (last && seq < own) this.sendRest(from, node, incarnation);
    if (last && seq > own) transport.send(from, { kind: FrameKind.Lost, node, incarnation, seq: own });
    if (seq !== own || unknown.length === 0) return;
    const { table } = this.deadNode(node, incarnation);
    for (const row of unknown) {
      row.orphaned = true;
      table.put(row);
      index.add(row);
    }
    // It may be the only one by now that has them, and others know that they have ended.
    this.showLater();
    settled();
  }

  /** Another, which has read less, was not sent these: it is answered when this node knows itself what has become of them. */
  private asked(from: NodeId, frame: OrphansFrame): void {
    const dead = this.dead.get(incarnationKey(frame.node, frame.incarnation));
    if (!dead || !isUnsureOf(dead, frame.rows)) this.answer(from, frame);
    else if (dead.questions.length < QUESTIONS_LIMIT) dead.questions.push([from, frame]);
    // Who is told that nothing of it is over keeps it.
    else this.sayOver(from, frame, []);
  }

  /**
   * What this node shows a row of lives on, perhaps at a node that the other has not met: if that one dies, and this one, it
   * must not be gone with them.
   */
  private answer(from: NodeId, frame: OrphansFrame): void {
    const { node, incarnation, seq } = frame;
    const { index, forgotten } = this.parts;
    const knows = this.readUpTo(node, incarnation) >= seq;
    const hasEnded = (name: string, registration: string): boolean =>
      forgotten.has(registration) ||
      (knows && index.all(name).every((row) => row.registration !== registration));
    const over = frame.rows.filter(([name, , , , registration]) => hasEnded(name, registration));
    this.sayOver(from, frame, over);
  }

  /** Sends the question back, with those of its rows that are over. */
  private sayOver(to: NodeId, question: OrphansFrame, rows: readonly WireRow[]): void {
    this.sender.send(to, [{ ...question, says: 'over', rows } as const].values());
  }

  /** The answer to what was asked. */
  private over(from: NodeId, { node, incarnation, last, rows }: OrphansFrame): void {
    const id = incarnationKey(node, incarnation);
    const dead = this.dead.get(id);
    if (!dead || dead.revival) return;
    for (const [name, , , fence, registration] of rows) {
      const row = dead.table.get(name);
      if (row?.registration === registration && row.fence === fence) this.remove(row);
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
    this.sendLeft(to, this.known(node, incarnation));
  }

  /** What is held of a dead node; from now on, if only others tell of it. */
  private deadNode(node: NodeId, incarnation: number): DeadNode {
    const dead = this.known(node, incarnation);
    this.dead.set(incarnationKey(node, incarnation), dead);
    return dead;
  }

  private known(node: NodeId, incarnation: number): DeadNode {
    const known = this.dead.get(incarnationKey(node, incarnation));
    if (known) return known;
    const dead = unread(new RowTable(node, incarnation));
    dead.table.seq = this.readUpTo(node, incarnation);
    return dead;
  }

  /** Sends what is left of every dead node to a peer that links, then `last`. */
  sendAll(peer: NodeId, last: () => Frame): void {
    for (const dead of this.dead.values()) {
      if (dead.table.size > 0 && !dead.revival) this.sendLeft(peer, dead);
    }
    this.sendBehind(peer, last);
  }

  private sendLeft(to: NodeId, dead: DeadNode): void {
    if (dead.kept.size > 0) dead.told.add(to);
    this.sender.send(to, this.framesOf(dead, 'left'));
  }

  /** Sends a frame, made when its turn has come, behind all that the peer is told of the dead. */
  sendBehind(peer: NodeId, frame: () => Frame): void {
    this.sender.send(
      peer,
      (function* () {
        yield frame();
      })(),
    );
  }

  /**
   * A node holds the name now: its orphans are history. Not one of the same registration that is newer than what that
   * node shows: the worker had moved on, and this node has not read yet that the holder has let go of it. Another
   * registration that is newer than the holder's has ended: wherever its worker should live, it gives way to this one.
   */
  superseded(name: string, holder: Row): void {
    for (const row of this.parts.index.all(name)) {
      if (!row.orphaned) continue;
      if (isNewer(row, holder) || this.parts.outlives(row, holder)) continue;
      if (row.registration !== holder.registration && row.fence > holder.fence)
        this.parts.forgotten.add(row.registration);
      this.remove(row);
    }
  }

  /**
   * An activation of this node gives way to the row. Others may have learnt before that the row's node is dead, and have
   * taken the row for history of the activation that gives way: if it becomes an orphan, only this node knows that it is
   * what is left of the name, and tells everybody.
   */
  gaveWayTo(row: Row): void {
    this.preferred.add(row);
  }

  /** The registration has ended for good. */
  forget(name: string, registration: string): void {
    for (const row of this.parts.index.all(name)) {
      if (row.orphaned && row.registration === registration) this.remove(row);
    }
  }

  private remove(row: Row): void {
    for (const [id, dead] of this.dead) {
      if (dead.table.get(row.name) !== row) continue;
      dead.table.delete(row.name);
      dead.kept.delete(row);
      if (isOver(dead)) this.finish(id, dead);
    }
    this.parts.index.remove(row);
  }

  private finish(id: string, { table }: DeadNode): void {
    this.dead.delete(id);
    const seq = Math.max(table.seq, this.finished.get(id) ?? 0);
    keepLatest(this.finished, id, seq, FINISHED_LIMIT);
  }

  /** False where the node turned out to live. */
  private orphan(dead: DeadNode, row: Row): boolean {
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

  /** Whether the row may be started elsewhere when its node is dead. */
  private outlives(row: Row): boolean {
    return row.outlivesNode && !this.parts.forgotten.has(row.registration);
  }

  /** One after the other, in slices, once all is marked: its rows are not agreed upon before the last. */
  private replaceNext(id: string, dead: DeadNode): void {
    const [next] = dead.replacements;
    if (!next || !dead.marked || dead.revival || this.dead.get(id) !== dead) return;
    const steps = this.replacing(dead, next);
    dead.steps = steps;
    runSliced(
      this.parts.runtime,
      steps,
      () => this.dead.get(id) === dead && !dead.revival,
      () => {
        if (this.dead.get(id) !== dead || dead.revival) return;
        dead.steps = undefined;
        dead.replacements.shift();
        if (!dead.asked.has(next.from)) dead.awaiting.delete(next.from);
        if (dead.table === next.rows) this.ask(dead, next.from);
        if (dead.replacements.length > 0) this.replaceNext(id, dead);
        else this.settleIfDone(id);
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
    this.sender.send(from, this.framesOf(dead, 'asked', dead.kept));
  }

  /**
   * Puts what a survivor has read in place of what is held, unless that is as new by now; a step for each row. Rows may
   * change between two steps: each is looked at when its turn comes. New rows come in place of the old of their names,
   * which are gone for no moment. What is missing among them has ended, or goes on at a node that this one may not have
   * met: it is kept until the survivor has said which. It need not be asked of what activations of this node gave way to: it
   * would not know.
   */
  private *replacing(dead: DeadNode, { rows: incoming, seq }: Replacement): IterableIterator<void> {
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
      const isLeft = !incoming.get(row.name) && this.outlives(row) && index.all(row.name).includes(row);
      if (isLeft && !(holder && this.isHistory(row, holder))) {
        incoming.put(row);
        if (!this.preferred.has(row)) dead.kept.add(row);
      } else {
        index.remove(row);
      }
      yield;
    }
  }

  private isHistory(row: Row, holder: Row): boolean {
    const { isCurrent, outlives } = this.parts;
    if (!holder.isHeld || holder.node === row.node || !isCurrent(holder)) return false;
    return !isNewer(row, holder) && !outlives(row, holder);
  }

  /**
   * What is left of a dead node, or some of it, as far as it is there by then; at least one frame, each made when its turn
   * has come.
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
      if (!this.outlives(row) || (some && table.get(row.name) !== row)) continue;
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
    // Its rows go over to the one that takes its place: the receiver begins anew.
    if (!some && dead.table !== table) yield* this.framesOf(dead, says);
    else yield { ...frame, first, last: true, rows };
  }

  private giveUpAwaiting(id: string): void {
    const dead = this.dead.get(id);
    dead?.asked.clear();
    dead?.awaiting.clear();
    this.settleIfDone(id);
  }

  private settleIfDone(id: string): void {
    const dead = this.dead.get(id);
    if (!dead || !isAgreedUpon(dead)) return;
    dead.timer?.cancel();
    const { node, seq, size } = dead.table;
    this.parts.trace(() => `${size} rows of ${node}, read up to ${seq}, wait to be started by others`);
    this.tellKept(dead);
    if (isOver(dead)) this.finish(id, dead);
    this.showPreferred(dead);
    this.showLater();
    this.parts.settled();
  }

  /** What was kept, and is not over, is told now: to who has asked, and to those that were told of the others meanwhile. */
  private tellKept(dead: DeadNode): void {
    const { kept, questions, told } = dead;
    dead.kept = new Set();
    dead.questions = [];
    for (const [from, frame] of questions) this.answer(from, frame);
    if (kept.size > 0) for (const peer of told) this.sender.send(peer, this.framesOf(dead, 'shown', kept));
    told.clear();
  }

  private showLater(): void {
    if (this.showDue || this.dead.size === 0) return;
    this.showDue = true;
    const { runtime } = this.parts;
    runtime.after(SHOW_AGAIN_MS * (0.5 + runtime.random()), () => {
      this.showDue = false;
      this.showSome();
      this.showLater();
    });
  }

  /** Some of them, to any peer. */
  private showSome(): void {
    const { runtime, linkedPeers } = this.parts;
    const peers = [...linkedPeers()];
    const peer = peers[Math.floor(runtime.random() * peers.length)];
    if (peer === undefined) return;
    for (const dead of this.dead.values()) {
      const { table } = dead;
      if (dead.revival) continue;
      this.showPreferred(dead);
      const rows: Row[] = [];
      let skipped = Math.floor(runtime.random() * Math.max(0, table.size - SHOWN_AT_ONCE));
      for (const row of table.values()) {
        if (skipped-- > 0) continue;
        if (rows.length === SHOWN_AT_ONCE) break;
        if (this.outlives(row)) rows.push(row);
      }
      if (rows.length > 0) this.sender.send(peer, this.framesOf(dead, 'shown', rows));
    }
  }

  /** To everybody, and again: nobody else starts them before, and they would be gone with this node. */
  private showPreferred(dead: DeadNode): void {
    dead.preferred = dead.preferred.filter((row) => dead.table.get(row.name) === row);
    if (dead.preferred.length === 0) return;
    const { preferred } = dead;
    for (const peer of this.parts.linkedPeers())
      this.sender.send(peer, this.framesOf(dead, 'shown', preferred));
  }
}

/** A dead node of which only others tell, so far. */
function unread(table: RowTable): DeadNode {
  return {
    table,
    read: undefined,
    awaiting: new Set(),
    incoming: new Map(),
    replacements: [],
    kept: new Set(),
    asked: new Map(),
    told: new Set(),
    questions: [],
    steps: undefined,
    timer: undefined,
    marked: true,
    preferred: [],
    revival: undefined,
  };
}

/** Whether some of the rows may be over, or may not, for all that this node knows: it has asked itself, or is told just now. */
function isUnsureOf({ kept, table, replacements, revival }: DeadNode, rows: readonly WireRow[]): boolean {
  const isKept = ([name]: WireRow): boolean => {
    const row = table.get(name);
    return row !== undefined && kept.has(row);
  };
  return replacements.length > 0 || revival !== undefined || rows.some(isKept);
}

/** Its rows are what all survivors know of it, and are shown as orphans. */
function isAgreedUpon({ awaiting, marked, replacements, revival }: DeadNode): boolean {
  return awaiting.size === 0 && marked && replacements.length === 0 && !revival;
}

/** Nothing of it is left, and nothing more will come. */
function isOver(dead: DeadNode): boolean {
  return dead.table.size === 0 && dead.incoming.size === 0 && isAgreedUpon(dead);
}

/** Whether it holds what was read of the node's log, and nothing more or less. */
function isAsRead({ table, read }: DeadNode): boolean {
  return table === read?.table && table.size === read.size && table.digest === read.digest;
}

/** Whether the orphan is of a later activation of the very worker that the holder shows. */
function isNewer(orphan: Row, holder: Row): boolean {
  return orphan.registration === holder.registration && orphan.fence > holder.fence;
}
