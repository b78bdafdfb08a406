// Decides what one peer still has to be told of this node's own rows: the live stream, what it missed, or a snapshot
// in slices; then `adopted`, so that it follows everything that was tracked before (promises P1, P6).
import type { Runtime } from '../runtime/runtime.interface.js';
import { SLICE_MS } from '../runtime/slices.js';
import { FrameKind, type RowOp, type WireRow } from '../transport/frame.js';
import type { NodeId } from '../transport/node-info.js';
import type { Transport } from '../transport/transport.interface.js';
import type { OwnLog } from './own-log.js';
import { BYTES_PER_FRAME, wireBytes, type Row } from './row.js';

/** Operations per batch and rows per slice: about 30 KiB of usual rows, so that it travels in one frame. */
export const ROWS_PER_FRAME = 256;

interface Slice {
  readonly rows: readonly WireRow[];
  readonly last: boolean;
}

/** Rows change while they are sent; the operations after `seq` are sent afterwards and set that right. */
interface Snapshot {
  readonly rows: Iterator<Row>;
  readonly seq: number;
  first: boolean;
  /** Taken from `rows`, and not taken by the link yet. */
  unsent: Slice | undefined;
}

export interface FeedParts {
  readonly runtime: Runtime;
  readonly transport: Transport;
  readonly log: OwnLog;
  /** The peer holds everything up to now; called once after each `begin`. */
  caughtUp(peer: NodeId): void;
}

/** The stream of this node's log to one peer, over one link. */
export class Feed {
  /** Last operation that was handed to the link; what follows it is still owed. */
  sent = 0;
  /** Rows of a snapshot that are still to be sent. */
  private snapshot: Snapshot | undefined;
  private state: 'idle' | 'live' | 'behind' | 'full' | 'closed' = 'idle';
  private tellCaughtUp = false;
  /** Last operation that the peer said it holds. */
  acked = 0;

  constructor(
    readonly peer: NodeId,
    private readonly parts: FeedParts,
  ) {}

  /** Whether the peer has everything that was flushed. */
  get isLive(): boolean {
    return this.state === 'live';
  }

  /** Whether the operation was handed to the link; a link that was full may not have taken it yet. */
  hasSent(seq: number): boolean {
    return this.isLive && this.sent >= seq;
  }

  /** The peer holds the log up to `seq`, or nothing of use, if that is the log of another incarnation. */
  begin(incarnation: number, seq: number, first: boolean): void {
    const { log } = this.parts;
    const known = incarnation === log.table.incarnation && seq <= log.seq;
    // A peer that holds nothing gets a snapshot. From the log it would learn of workers that moved away long ago, and wait
    // for rows of their new nodes.
    const holdsNothing = seq === 0 && log.seq > 0;
    const replayable =
      known && !holdsNothing && seq + 1 >= log.oldestSeq && log.seq - seq <= log.table.size + ROWS_PER_FRAME;
    this.sent = replayable ? seq : 0;
    this.snapshot = replayable ? undefined : snapshotOf(log);
    if (known) this.acked = Math.max(this.acked, seq);
    this.tellCaughtUp ||= first;
    this.state = 'behind';
    this.pump();
  }

  /** The operations after `from - 1` were handed to this peer's link with everyone else's. */
  advance(seq: number): void {
    this.sent = seq;
  }

  /** The link took no more. */
  stall(): void {
    if (this.state === 'live') this.state = 'full';
  }

  /** The link has room again. */
  drained(): void {
    if (this.state !== 'full') return;
    this.state = 'behind';
    this.pump();
  }

  close(): void {
    this.state = 'closed';
  }

  /** Sends what is owed, slice by slice, until the peer is level with the log. */
  private pump(): void {
    if (this.state !== 'behind') return;
    const { runtime, log } = this.parts;
    // The common stream goes on where the log ends now; what this peer is sent must not be ahead of it.
    log.flush();
    const until = runtime.now() + SLICE_MS;
    while (this.snapshot || this.sent < log.seq) {
      if (!(this.snapshot ? this.sendSlice() : this.sendOps())) return;
      if (runtime.now() >= until) return runtime.defer(() => this.pump());
    }
    this.state = 'live';
    if (!this.tellCaughtUp) return;
    this.tellCaughtUp = false;
    this.parts.caughtUp(this.peer);
  }

  private sendOps(): boolean {
    const { log, transport } = this.parts;
    // The log may have dropped what this peer still needs while its link was full.
    if (this.sent + 1 < log.oldestSeq) {
      this.snapshot = snapshotOf(log);
      return true;
    }
    const ops: readonly RowOp[] = log.read(this.sent + 1, ROWS_PER_FRAME);
    const { incarnation } = log.table;
    const frame = { kind: FrameKind.Batch, incarnation, from: this.sent + 1, waits: true, ops };
    if (!this.took(transport.send(this.peer, frame))) return false;
    this.sent += ops.length;
    return true;
  }

  private sendSlice(): boolean {
    const { snapshot } = this;
    if (!snapshot) return true;
    const slice = (snapshot.unsent ??= nextSlice(snapshot.rows));
    const { log, transport } = this.parts;
    const { seq, first } = snapshot;
    const frame = { kind: FrameKind.Snapshot, incarnation: log.table.incarnation, seq, first, ...slice };
    if (!this.took(transport.send(this.peer, frame))) return false;
    snapshot.first = false;
    snapshot.unsent = undefined;
    if (slice.last) {
      this.snapshot = undefined;
      this.sent = seq;
    }
    return true;
  }

  private took(result: 'queued' | 'full' | 'unlinked'): boolean {
    if (result === 'queued') return true;
    this.state = result === 'full' ? 'full' : 'idle';
    return false;
  }
}

function snapshotOf(log: OwnLog): Snapshot {
  return { rows: log.table.values(), seq: log.seq, first: true, unsent: undefined };
}

function nextSlice(from: Iterator<Row>): Slice {
  const rows: WireRow[] = [];
  for (let bytes = 0; rows.length < ROWS_PER_FRAME && bytes < BYTES_PER_FRAME;) {
    const next = from.next();
    if (next.done) return { rows, last: true };
    rows.push(next.value.toWire());
    bytes += wireBytes(next.value.args, next.value.groups);
  }
  return { rows, last: false };
}
