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
/** Pings overtake batches that wait in a link: if the log moves on within this time there is no gap. */
const GAP_PATIENCE_MS = 200;
/**
 * How long the row of a worker that has moved or given way stays visible if the row of its successor does not come: no longer
 * than a registration waits for a name that nobody knows.
 */
const LINGER_MS = 5_000;
/** Most ended registrations that a node which still shows them is told of at each of its pings. */
const ENDED_TOLD_AT_ONCE = 256;
/** A `Have` of this incarnation, which no node ever had, asks for a snapshot. */
const NOTHING = { incarnation: 0, seq: 0 } as const;

interface Replica {
  table: RowTable;
  /**
   * Set while a snapshot is being received: the names that it has shown so far. `none before`: nothing was held when it
   * began, so nothing has to be removed when it ends.
   */
  snapshot: Set<string> | 'none before' | undefined;
  /** When its node was told last what is held, for as long as nothing has come over this link. */
  unansweredSince: number | undefined;
  /** A repair was asked for at this time and has not come yet. */
  repairAskedAt: number | undefined;
  /** A ping told of operations that have not come yet: looked at again soon. */
  gapDue: boolean;
  ackDue: boolean;
  /** Registrations that have ended although the node still shows them, by name: it is told so until it does not. */
  readonly ended: Map<string, string>;
}

export interface ReplicasParts {
  readonly runtime: Runtime;
  readonly transport: Transport;
  readonly clock: HybridLogicalClock;
  readonly index: RegistryIndex;
  readonly forgotten: Forgotten;
  /** Whether there may be nodes that this one has not met, or rows that it has not read; those of `except` do not matter. */
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

  /** Whether the name's worker has moved or given way, and its old row is shown until that of its successor was read. */
  isLingering(name: string): boolean {
    return this.lingering.has(name);
  }

  /** Whether its node has let go of the worker. */
  isLetGo(row: Row): boolean {
    return this.lingering.get(row.name)?.row === row;
  }

  /** Another row of the name has appeared: if it is the successor, the row that its node has let go of goes. */
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
      unansweredSince: this.parts.runtime.now(),
      repairAskedAt: undefined,
      gapDue: false,
      ackDue: false,
      ended: new Map(),
    };
    this.byNode.set(node, replica);
    // That registrations have ended was perhaps said over the last link, and lost with it: it is said again.
    runSliced(this.parts.runtime, [...table.values()], (row) => {
      if (table.get(row.name) === row) this.noteIfEnded(replica, row);
    });
    this.tellHeld(table);
  }

  private tellHeld({ node, incarnation, seq, size }: RowTable): void {
    // These are only some of its rows. Reading the log from the start over them would show again what has come and gone.
    const isPart = seq === 0 && size > 0;
    const known = isPart ? NOTHING : { incarnation, seq };
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
    replica.unansweredSince = undefined;
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
    replica.unansweredSince = undefined;
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

  /** Compares the end and the digest of the node's log with what is held here. */
  compare(from: NodeId, { seq, digest }: PingFrame): void {
    const replica = this.byNode.get(from);
    if (!replica || replica.snapshot) return;
    if (seq === null) return this.tellHeldAgain(replica);
    replica.unansweredSince = undefined;
    if (replica.ended.size > 0) this.tellEnded(replica);
    if (seq > replica.table.seq) return this.lookForGap(replica);
    if (seq < replica.table.seq) return undefined;
    if (digest !== replica.table.digest) return this.repair(replica, NOTHING, 'differences');
    // Said again in case a full link has refused it: registrations wait for it.
    return this.ack(replica);
  }

  /** Its node sends nothing before it knows what is held here. A link by way of another may be full when it opens. */
  private tellHeldAgain(replica: Replica): void {
    const now = this.parts.runtime.now();
    if (replica.unansweredSince === undefined || now - replica.unansweredSince < REPAIR_AGAIN_MS) return;
    replica.unansweredSince = now;
    this.tellHeld(replica.table);
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
      // The node that it had moved from may have let go of it before, even in the same batches.
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
    // Those that were told go to the end, so that the others have their turn next time.
    for (const [name, registration] of some) if (ended.delete(name)) ended.set(name, registration);
    this.tell(table.node, some);
  }

  private tell(node: NodeId, registrations: ForgottenFrame['registrations']): void {
    this.parts.transport.send(node, { kind: FrameKind.Forgotten, registrations });
  }

  /**
   * The name goes on at another node, whose row has not come yet. Until it is there the old row stays visible: the node that
   * has let go of the worker passes messages on.
   */
  private linger(row: Row, why: Untracked): void {
    const { runtime, index, forgotten } = this.parts;
    const { name, registration, fence } = row;
    const isSuccessor = (other: Row): boolean => {
      if (why === Untracked.gaveWay) return other !== row && (other.isHeld || other.isArriving);
      // A holder under another registration was registered after this one had ended.
      return other.fence > fence && (other.registration === registration || other.isHeld || other.isArriving);
    };
    this.lingering.get(name)?.end();
    // If this is read long after the fact, the worker may have ended at its new node already.
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
   * Removes rows that a finished snapshot did not show, unless they were replaced meanwhile. A snapshot does not say what
   * became of a worker: it may have moved to a node that this one has not met, so its row lingers then.
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

  /** Tells the node, once per tick, how far its log has been read. */
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
