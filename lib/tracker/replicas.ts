// Decides what this node holds of the others' rows: copies in the order of their logs, gaps and differences repaired
// at once (promise P6). Never changes what another node wrote.
import type { HybridLogicalClock } from '../runtime/hybrid-logical-clock.js';
import type { Runtime } from '../runtime/runtime.interface.js';
import { runSliced } from '../runtime/slices.js';
import {
  FrameKind,
  type BatchFrame,
  type ForgottenFrame,
  type PingFrame,
  type RowOp,
  type SnapshotFrame,
} from '../transport/frame.js';
import type { NodeId } from '../transport/node-info.js';
import type { Transport } from '../transport/transport.interface.js';
import type { Forgotten } from './forgotten.js';
import type { RegistryIndex } from './registry-index.js';
import { RowTable } from './row-table.js';
import { Row, type RowStatus, Untracked } from './row.js';

/** A repair that was asked for is asked for again after this long; a full link may need as much. */
const REPAIR_AGAIN_MS = 1_000;
/** Pings overtake the batches that wait in a link: a log that moves on within this long has no gap. */
const GAP_PATIENCE_MS = 200;
/** With whom a name goes on whose worker has moved, or given way, is looked for no longer than a registration waits for what nobody knows. */
const LINGER_MS = 5_000;
/** The node is told again with its pings, so many at a time. */
const ENDED_TOLD_AT_ONCE = 256;
/** A `Have` of this incarnation, which no node ever had, asks for a snapshot. */
const NOTHING = { incarnation: 0, seq: 0 } as const;

interface Replica {
  table: RowTable;
  /**
   * Set while a snapshot is being received: names it has shown so far, or that none was held before, so that none will be
   * too many.
   */
  snapshot: Set<string> | 'none before' | undefined;
  /** A repair was asked for at this time and has not come yet. */
  repairAskedAt: number | undefined;
  /** A ping told of operations that have not come yet: looked at again soon. */
  gapDue: boolean;
  ackDue: boolean;
  /** Registrations that have ended and that the node still shows, by name: it is told until it shows them no more. */
  readonly ended: Map<string, string>;
}

export interface ReplicasParts {
  readonly runtime: Runtime;
  readonly transport: Transport;
  readonly clock: HybridLogicalClock;
  readonly index: RegistryIndex;
  readonly forgotten: Forgotten;
  /** Whether others know of nodes that this one has still to meet, or of rows that it has still to read, but for those of `except`. */
  mayLackRows(except: NodeId): boolean;
  /** A registration has ended for good: whatever else is held of it is history. */
  ended(name: string, registration: string): void;
  count(counter: string): void;
  /** Logs a decision with its reason. */
  trace(decision: () => string): void;
}

export class Replicas {
  private readonly byNode = new Map<NodeId, Replica>();
  /** Rows of workers that have moved, or given way, to a node whose row was not read yet, by name. */
  private readonly lingering = new Map<
    string,
    { readonly row: Row; end(): void; isSuccessor(row: Row): boolean }
  >();

  constructor(private readonly parts: ReplicasParts) {}

  table(node: NodeId): RowTable | undefined {
    return this.byNode.get(node)?.table;
  }

  *tables(): IterableIterator<RowTable> {
    for (const { table } of this.byNode.values()) yield table;
  }

  /** Whether nothing is missing of any log, as far as this node knows. */
  get isLevel(): boolean {
    if (this.lingering.size > 0) return false;
    for (const { snapshot, repairAskedAt, gapDue } of this.byNode.values()) {
      if (snapshot !== undefined || repairAskedAt !== undefined || gapDue) return false;
    }
    return true;
  }

  /** Whether a row of the name is shown only until that of the node with which the name goes on was read. */
  isLingering(name: string): boolean {
    return this.lingering.has(name);
  }

  /** Whether its node has let go of the worker. */
  isLetGo(row: Row): boolean {
    return this.lingering.get(row.name)?.row === row;
  }

  /** Another row of the name has come to light: the one that its node has let go of need not be shown longer. */
  contested(name: string): void {
    const lingering = this.lingering.get(name);
    if (lingering && this.parts.index.all(name).some(lingering.isSuccessor)) lingering.end();
  }

  /** A link to the node opened: say what is held of its log. `held`: its rows, if it was taken for dead before. */
  open(node: NodeId, incarnation: number, held: RowTable | undefined): void {
    const former = this.byNode.get(node)?.table ?? held;
    const table = former?.incarnation === incarnation ? former : new RowTable(node, incarnation);
    const replica: Replica = {
      table,
      snapshot: undefined,
      repairAskedAt: undefined,
      gapDue: false,
      ackDue: false,
      ended: new Map(),
    };
    this.byNode.set(node, replica);
    // What was said over the last link may be lost with it.
    runSliced(this.parts.runtime, [...table.values()], (row) => {
      if (table.get(row.name) === row) this.noteIfEnded(replica, row);
    });
    // Rows of which some are missing: what has come and gone would be seen once more if the log were read over them.
    const isPart = table.seq === 0 && table.size > 0;
    const known = isPart ? NOTHING : { incarnation, seq: table.seq };
    this.parts.transport.send(node, { kind: FrameKind.Have, ...known });
  }

  /** The node is dead: its table is handed over, still in the index. */
  take(node: NodeId): RowTable | undefined {
    const replica = this.byNode.get(node);
    this.byNode.delete(node);
    return replica?.table;
  }

  batch(from: NodeId, { incarnation, from: first, waits, ops }: BatchFrame): void {
    const replica = this.byNode.get(from);
    if (replica?.table.incarnation !== incarnation) return;
    const { table } = replica;
    if (replica.snapshot || first > table.seq + 1) return this.repair(replica, table, 'gaps');
    replica.repairAskedAt = undefined;
    for (const op of ops.slice(table.seq + 1 - first)) {
      this.apply(replica, op);
      table.seq++;
    }
    if (waits) this.ack(replica);
    return undefined;
  }

  snapshot(from: NodeId, frame: SnapshotFrame): void {
    const replica = this.byNode.get(from);
    if (replica?.table.incarnation !== frame.incarnation) return;
    const { table } = replica;
    if (frame.first) replica.snapshot = table.size === 0 ? 'none before' : new Set();
    const { snapshot } = replica;
    if (!snapshot) return;
    const shown = snapshot === 'none before' ? undefined : snapshot;
    for (const row of frame.rows) {
      shown?.add(row[0]);
      this.apply(replica, [0, row]);
    }
    if (!frame.last) return;
    replica.snapshot = undefined;
    replica.repairAskedAt = undefined;
    table.seq = frame.seq;
    if (shown && table.size > shown.size) this.sweep(replica, shown);
    this.ack(replica);
  }

  /** Compares what the node says of its log with what is held here. */
  compare(from: NodeId, { seq, digest }: PingFrame): void {
    const replica = this.byNode.get(from);
    if (!replica || replica.snapshot || seq === null) return;
    if (replica.ended.size > 0) this.tellEnded(replica);
    if (seq > replica.table.seq) return this.lookForGap(replica);
    if (seq < replica.table.seq) return undefined;
    if (digest !== replica.table.digest) return this.repair(replica, NOTHING, 'differences');
    // Again, in case a full link has refused it: registrations wait for it.
    return this.ack(replica);
  }

  private lookForGap(replica: Replica): void {
    if (replica.gapDue) return;
    replica.gapDue = true;
    const { node, seq } = replica.table;
    this.parts.runtime.after(GAP_PATIENCE_MS, () => {
      replica.gapDue = false;
      if (this.byNode.get(node) !== replica || replica.snapshot || replica.table.seq !== seq) return;
      this.repair(replica, replica.table, 'gaps');
    });
  }

  private repair(
    replica: Replica,
    { incarnation, seq }: { readonly incarnation: number; readonly seq: number },
    counter: string,
  ): void {
    const now = this.parts.runtime.now();
    if (replica.repairAskedAt !== undefined && now - replica.repairAskedAt < REPAIR_AGAIN_MS) return;
    replica.repairAskedAt = now;
    this.parts.count(counter);
    const { node } = replica.table;
    this.parts.trace(
      () =>
        `asks ${node} for its rows ${incarnation === 0 ? 'all over' : `after ${seq}`}: ${counter} were found`,
    );
    this.parts.transport.send(replica.table.node, { kind: FrameKind.Have, incarnation, seq });
  }

  private apply(replica: Replica, op: RowOp): void {
    const { index } = this.parts;
    const { table } = replica;
    if (op[0] === 0) return this.put(replica, Row.fromWire(op[1], table.node));
    const row = table.get(op[1]);
    if (!row) return undefined;
    if (op[0] === 2) return index.alter(row, () => table.update(row, op[2] as RowStatus, op[3]));
    if (op[0] === 3) {
      const [, , group, joins] = op;
      return index.changeGroup(row, group, joins, () => table.changeGroup(row, group, joins));
    }
    table.remove(row);
    if (replica.ended.size > 0) replica.ended.delete(row.name);
    if (op[2] === Untracked.forgotten) {
      this.parts.forgotten.add(row.registration);
      this.parts.ended(row.name, row.registration);
      // Where it came from may have been read before, in the same batches even.
      const lingering = this.lingering.get(row.name);
      if (lingering?.row.registration === row.registration) lingering.end();
    }
    if (op[2] === Untracked.moved || op[2] === Untracked.gaveWay) return this.linger(row, op[2]);
    return index.remove(row);
  }

  private put(replica: Replica, row: Row): void {
    const { index, clock } = this.parts;
    const { table } = replica;
    clock.observe(row.fence);
    const previous = table.get(row.name);
    if (previous?.hash === row.hash && previous.fence === row.fence) return;
    table.replace(previous, row);
    if (previous) index.replace(previous, row);
    else index.add(row);
    if (replica.ended.size > 0) replica.ended.delete(row.name);
    if (this.noteIfEnded(replica, row)) this.tell(table.node, [[row.name, row.registration]]);
  }

  private noteIfEnded({ ended }: Replica, { name, registration }: Row): boolean {
    if (!this.parts.forgotten.has(registration)) return false;
    ended.set(name, registration);
    return true;
  }

  private tellEnded({ table, ended }: Replica): void {
    const some = [...ended].slice(0, ENDED_TOLD_AT_ONCE);
    // The others have their turn next time.
    for (const [name, registration] of some) if (ended.delete(name)) ended.set(name, registration);
    this.tell(table.node, some);
  }

  private tell(node: NodeId, registrations: ForgottenFrame['registrations']): void {
    this.parts.transport.send(node, { kind: FrameKind.Forgotten, registrations });
  }

  /**
   * The worker, or another of its name, goes on at another node, whose row may still be on its way to this one, or whose
   * link has not opened yet: until it is there the name stays with the node that let go of it, which passes on what comes.
   */
  private linger(row: Row, why: Untracked): void {
    const { runtime, index, forgotten } = this.parts;
    const { name, registration, fence } = row;
    const isSuccessor = (other: Row): boolean => {
      if (why === Untracked.gaveWay) return other !== row && (other.isHeld || other.isArriving);
      // What holds the name under another registration was registered when this one had ended.
      return other.fence > fence && (other.registration === registration || other.isHeld || other.isArriving);
    };
    this.lingering.get(name)?.end();
    // Whoever reads of it long after may have read first that the worker has ended where the name went.
    if (forgotten.has(registration) || index.all(name).some(isSuccessor)) return index.remove(row);
    const end = (): void => {
      timer.cancel();
      this.lingering.delete(name);
      index.remove(row);
    };
    const timer = runtime.after(LINGER_MS, end);
    this.lingering.set(name, { row, end, isSuccessor });
    return undefined;
  }

  /**
   * Removes rows that a finished snapshot did not show. Rows tracked since then have newer fences and stay. A snapshot does
   * not tell what became of a worker: it may have moved to a node that this one has not met.
   */
  private sweep({ table, ended }: Replica, shown: ReadonlySet<string>): void {
    const { runtime, index, mayLackRows } = this.parts;
    runSliced(runtime, [...table.values()], (row) => {
      if (shown.has(row.name) || table.get(row.name) !== row) return;
      table.delete(row.name);
      ended.delete(row.name);
      if (mayLackRows(row.node)) this.linger(row, Untracked.moved);
      else index.remove(row);
    });
  }

  /** Says once per tick how far the log has been read. */
  private ack(replica: Replica): void {
    if (replica.ackDue) return;
    replica.ackDue = true;
    const { runtime, transport } = this.parts;
    runtime.defer(() => {
      replica.ackDue = false;
      const { node, seq } = replica.table;
      transport.send(node, { kind: FrameKind.BatchAck, seq });
    });
  }
}
