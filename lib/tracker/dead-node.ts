// What is known of a dead node, and how far its survivors are with agreeing on its rows.
import type { Timer } from '../runtime/runtime.interface.js';
import type { OrphansFrame, WireRow } from '../transport/frame.js';
import { incarnationKey, type NodeId } from '../transport/node-info.js';
import type { RowTable } from './row-table.js';
import type { Row } from './row.js';

/** Rows of a dead node that take the place of what was held of it. */
export interface Replacement {
  readonly from: NodeId;
  readonly rows: RowTable;
  readonly seq: number;
}

/** One incarnation; of which only others tell, unless it is filled in. */
export class DeadNode {
  /** For tables of dead nodes. */
  readonly id: string;
  /** What this node had read of its log itself. */
  read: { readonly table: RowTable; readonly size: number; readonly digest: number } | undefined;
  /** Survivors that have not said yet how far they have read, or what has become of rows that they did not send. */
  awaiting = new Set<NodeId>();
  /** Rows that survivors are sending which have read further, by sender. */
  readonly incoming = new Map<NodeId, RowTable>();
  timer: Timer | undefined;
  /** What a survivor that has read further has sent takes the place of `table`, one such table after the other. */
  readonly replacements: Replacement[] = [];
  /**
   * Rows that are kept although a survivor that has read further has not sent them: until it has said what has become of
   * them, nobody is told of them, who would take them for ones that were still there by then.
   */
  kept = new Set<Row>();
  /** Survivors that have been asked, and have not answered yet, and how many times. */
  readonly asked = new Map<NodeId, number>();
  /** Who was told of the other rows meanwhile. */
  readonly told = new Set<NodeId>();
  /** What others have asked meanwhile, who have read less. */
  questions: Array<readonly [from: NodeId, frame: OrphansFrame]> = [];
  /** What is still to be done of the first of the replacements. */
  steps: Iterable<void> | undefined;
  /** Its rows are shown as orphans. */
  marked = true;
  /** Those of its orphans to which activations of this node gave way. */
  preferred: Row[] = [];
  /** It was not dead after all: to be told when all of its rows live again. */
  revival: ((table: RowTable) => void) | undefined;

  constructor(public table: RowTable) {
    this.id = incarnationKey(table.node, table.incarnation);
  }

  /** Its rows are what all survivors know of it, and are shown as orphans. */
  get isAgreedUpon(): boolean {
    return this.awaiting.size === 0 && this.marked && this.replacements.length === 0 && !this.revival;
  }

  /** Nothing of it is left, and nothing more will come. */
  get isOver(): boolean {
    return this.table.size === 0 && this.incoming.size === 0 && this.isAgreedUpon;
  }

  /** Whether it holds what was read of the node's log, and nothing more or less. */
  get isAsRead(): boolean {
    const { table, read } = this;
    return table === read?.table && table.size === read.size && table.digest === read.digest;
  }

  /** Whether some of the rows may be over, or may not, for all that this node knows: it has asked itself, or is told just now. */
  isUnsureOf(rows: readonly WireRow[]): boolean {
    const { kept, table, replacements, revival } = this;
    const isKept = ([name]: WireRow): boolean => {
      const row = table.get(name);
      return row !== undefined && kept.has(row);
    };
    return replacements.length > 0 || revival !== undefined || rows.some(isKept);
  }
}
