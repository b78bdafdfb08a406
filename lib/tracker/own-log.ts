// Decides what this node says of its own rows: every change is one numbered operation, flushed once per tick
// (promise P4: what is answered after a flush was written to the peers before).
import type { Runtime } from '../runtime/runtime.interface.js';
import type { RowOp } from '../transport/frame.js';
import type { NodeId } from '../transport/node-info.js';
import { RowTable } from './row-table.js';
import { BYTES_PER_FRAME, Row, type Untracked, wireBytes } from './row.js';

/** How many operations are kept for peers that missed some; who missed more gets a snapshot. */
export const LOG_LIMIT = 65_536;
/**
 * And so many bytes of them at most, arguments of workers that have long ended included: with 64 KiB each, as many
 * operations would hold gigabytes.
 */
export const LOG_BYTES = 32 * 1024 * 1024;

/** A tracked row stands for itself: who reads the operation later gets the row as it is by then. */
type LoggedOp = Row | RowOp;

export class OwnLog {
  readonly table: RowTable;
  /** Operation `seq` stands at `seq % LOG_LIMIT`; `undefined` where it was dropped. */
  private readonly ops: Array<LoggedOp | undefined> = [];
  /** Of all operations that are kept, and of those among them that were not handed to `stream` yet. */
  private bytes = 0;
  private freshBytes = 0;
  private oldest = 1;
  private flushing = false;
  /** Last operation that was handed to `stream`. */
  private flushed = 0;
  private afterFlush: Array<() => void> = [];
  /** Rows whose tracking nobody was told yet: what becomes of them until then needs no operation of its own. */
  private readonly fresh = new Set<Row>();

  constructor(
    node: NodeId,
    incarnation: number,
    private readonly runtime: Runtime,
    /** Streams what has not been streamed. */
    private readonly stream: () => void,
  ) {
    this.table = new RowTable(node, incarnation);
  }

  get seq(): number {
    return this.table.seq;
  }

  /** Number of the oldest operation that `read` can give. */
  get oldestSeq(): number {
    return this.oldest;
  }

  track(row: Row): void {
    this.table.put(row);
    this.append(row);
    this.fresh.add(row);
  }

  untrack(row: Row, why: Untracked): void {
    this.table.delete(row.name);
    this.append([1, row.name, why]);
  }

  update(row: Row, status: Row['status'], groups: readonly string[]): void {
    this.table.update(row, status, groups);
    if (!this.fresh.has(row)) this.append([2, row.name, status, groups]);
  }

  changeGroup(row: Row, group: string, joins: boolean): void {
    this.table.changeGroup(row, group, joins);
    if (!this.fresh.has(row)) this.append([3, row.name, group, joins]);
  }

  /** At most `limit` operations, and what fits into a frame, from number `from` on, which must not be older than `oldestSeq`. */
  read(from: number, limit: number): RowOp[] {
    const ops: RowOp[] = [];
    let bytes = 0;
    for (let seq = from; seq <= this.seq && ops.length < limit && bytes < BYTES_PER_FRAME; seq++) {
      const op = this.ops[seq % LOG_LIMIT];
      if (!op) continue;
      ops.push(op instanceof Row ? [0, op.toWire()] : op);
      if (op instanceof Row) bytes += wireBytes(op.args, op.groups);
      else if (op[0] === 2) bytes += wireBytes(null, op[3]);
      else if (op[0] === 3) bytes += wireBytes(null, [op[2]]);
    }
    return ops;
  }

  /** Runs `task` when everything tracked so far has been handed to the peers' links. */
  whenFlushed(task: () => void): void {
    if (!this.flushing) return task();
    this.afterFlush.push(task);
    return undefined;
  }

  flush(): void {
    if (!this.flushing) return;
    this.flushing = false;
    this.flushed = this.seq;
    this.fresh.clear();
    this.freshBytes = 0;
    this.stream();
    while (this.bytes > LOG_BYTES && this.oldest <= this.flushed) this.dropOldest();
    const tasks = this.afterFlush;
    this.afterFlush = [];
    for (const task of tasks) task();
  }

  private append(op: LoggedOp): void {
    // So many in one tick would be written over before anybody was told, or take more memory than the log may.
    if (this.seq - this.flushed >= LOG_LIMIT || this.freshBytes >= LOG_BYTES) this.flush();
    if (this.seq - this.oldest + 1 >= LOG_LIMIT) this.dropOldest();
    this.table.seq++;
    this.ops[this.table.seq % LOG_LIMIT] = op;
    const bytes = heldBy(op);
    this.bytes += bytes;
    this.freshBytes += bytes;
    if (this.flushing) return;
    this.flushing = true;
    // What is tracked by all that is deferred is told at once; and no later, for somebody may wait for it.
    this.runtime.deferLast(() => this.flush());
  }

  private dropOldest(): void {
    const at = this.oldest % LOG_LIMIT;
    const op = this.ops[at];
    if (op !== undefined) this.bytes -= heldBy(op);
    this.ops[at] = undefined;
    this.oldest++;
  }
}

/** About the memory that an operation keeps; of a row only what stays the same, since it is asked again later. */
function heldBy(op: LoggedOp): number {
  if (op instanceof Row) return wireBytes(op.args, []);
  if (op[0] === 2) return wireBytes(null, op[3]) + op[3].length * 8;
  if (op[0] === 3) return wireBytes(null, [op[2]]);
  return wireBytes(null, []);
}
