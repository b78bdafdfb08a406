// The dead nodes whose rows are not all started elsewhere yet, and how far each node's survivors have got with agreeing
// on what it left behind.
import { keepLatest } from '../runtime/keep-latest.js';
import type { Timer } from '../runtime/runtime.interface.js';
import type { OrphansFrame, WireRow } from '../transport/frame.js';
import { incarnationKey, type NodeId } from '../transport/node-info.js';
import { RowTable } from './row-table.js';
import type { Row } from './row.js';

/** For how many dead nodes of which nothing is left we remember how far their logs were read. */
const FINISHED_LIMIT = 4_096;

/** What a survivor that has read further holds of a dead node: it is to replace what is held here. */
export interface Replacement {
  readonly from: NodeId;
  readonly rows: RowTable;
  readonly seq: number;
}

/** One incarnation of a node that was given up, with the rows that it left behind. */
export class DeadNode {
  /** The key of the incarnation. */
  readonly id: string;
  /** What this node itself had read of its log; `undefined` where all that is known of it came from others. */
  read: { readonly table: RowTable; readonly size: number; readonly digest: number } | undefined;
  /** Survivors that still owe an answer: how far they have read, or what has become of rows that they did not send. */
  awaiting = new Set<NodeId>();
  /** Ends the wait for `awaiting`. */
  timer: Timer | undefined;
  /** Rows that are just coming in from survivors that have read further, by sender. */
  readonly incoming = new Map<NodeId, RowTable>();
  /** What has come in completely; each replaces `table`, one after the other. */
  readonly replacements: Replacement[] = [];
  /** The rest of the work on the first of the replacements. */
  steps: Iterable<void> | undefined;
  /**
   * Rows that a survivor which has read further did not send. They are kept until it has said what became of them, and no
   * other node is told of them before: it would take them for rows that are still valid.
   */
  kept = new Set<Row>();
  /** Survivors that were asked about kept rows, with the number of answers that are still to come. */
  readonly asked = new Map<NodeId, number>();
  /** Peers that were told of all rows but the kept ones. */
  readonly told = new Set<NodeId>();
  /** Questions of peers that have read less; they wait until this node knows the answer itself. */
  questions: Array<readonly [from: NodeId, frame: OrphansFrame]> = [];
  /** Whether all its rows are shown as orphans. */
  marked = true;
  /** Those of its orphans that won a conflict against an activation of this node. */
  winners: Row[] = [];
  /** Set when the node turned out to be alive: called when all its rows live again. */
  revival: ((table: RowTable) => void) | undefined;

  constructor(public table: RowTable) {
    this.id = incarnationKey(table.node, table.incarnation);
  }

  /** Whether its rows are all that any survivor knows of it, and are shown as orphans. */
  get isAgreedUpon(): boolean {
    return this.awaiting.size === 0 && this.marked && this.replacements.length === 0 && !this.revival;
  }

  /** Whether nothing of it is left, and nothing more will come. */
  get isOver(): boolean {
    return this.table.size === 0 && this.incoming.size === 0 && this.isAgreedUpon;
  }

  /** Whether its table holds exactly what this node has read of its log. */
  get isAsRead(): boolean {
    const { table, read } = this;
    return table === read?.table && table.size === read.size && table.digest === read.digest;
  }

  /** Whether this node cannot say yet which of the rows are over: it waits for an answer itself, or is changing its table. */
  isUnsureOf(rows: readonly WireRow[]): boolean {
    const { kept, table, replacements, revival } = this;
    const isKept = ([name]: WireRow): boolean => {
      const row = table.get(name);
      return row !== undefined && kept.has(row);
    };
    return replacements.length > 0 || revival !== undefined || rows.some(isKept);
  }
}

/** The dead nodes of which something is left, by incarnation. */
export class DeadNodes {
  private readonly held = new Map<string, DeadNode>();
  /** How far the logs of dead nodes were read of which nothing is left. */
  private readonly finished = new Map<string, number>();

  get size(): number {
    return this.held.size;
  }

  get(id: string): DeadNode | undefined {
    return this.held.get(id);
  }

  /** False once the node lives again, or has died again and another object stands for it. */
  has(dead: DeadNode): boolean {
    return this.held.get(dead.id) === dead;
  }

  all(): IterableIterator<DeadNode> {
    return this.held.values();
  }

  /** What is held of the incarnation; if nothing is, an empty one that is not held and says how far its log was read. */
  known(node: NodeId, incarnation: number): DeadNode {
    const known = this.held.get(incarnationKey(node, incarnation));
    if (known) return known;
    const dead = new DeadNode(new RowTable(node, incarnation));
    dead.table.seq = this.readUpTo(node, incarnation);
    return dead;
  }

  /** As `known`, and held from now on. */
  heldOf(node: NodeId, incarnation: number): DeadNode {
    return this.hold(this.known(node, incarnation));
  }

  hold(dead: DeadNode): DeadNode {
    this.held.set(dead.id, dead);
    return dead;
  }

  /** How far the log of a dead incarnation was read; 0 if nothing is known of it. */
  readUpTo(node: NodeId, incarnation: number): number {
    const id = incarnationKey(node, incarnation);
    return this.held.get(id)?.table.seq ?? this.finished.get(id) ?? 0;
  }

  /** The node lives again. */
  delete({ id }: DeadNode): void {
    this.held.delete(id);
  }

  /** Nothing of the node is left: only how far its log was read is remembered. */
  finish({ id, table }: DeadNode): void {
    this.held.delete(id);
    const seq = Math.max(table.seq, this.finished.get(id) ?? 0);
    keepLatest(this.finished, id, seq, FINISHED_LIMIT);
  }
}
