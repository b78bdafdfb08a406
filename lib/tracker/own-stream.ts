// Decides who is told what of this node's rows, and when enough peers hold an operation (promises P4, P6).
import { enter, type InRing, leave, Ring } from '../runtime/ring.js';
import type { Runtime } from '../runtime/runtime.interface.js';
import { FrameKind, type HaveFrame } from '../transport/frame.js';
import type { NodeId } from '../transport/node-info.js';
import type { Transport } from '../transport/transport.interface.js';
import { Feed, ROWS_PER_FRAME } from './feed.js';
import { OwnLog } from './own-log.js';

class AckWaiter implements InRing {
  previous: InRing | undefined;
  next: InRing | undefined;
  /** It was told, or nobody waits any more. */
  isOver = false;

  constructor(
    readonly seq: number,
    readonly acks: number,
    /** At least so many peers for which `counts` holds, even if there are fewer. */
    readonly least: number,
    readonly counts: (peer: NodeId) => boolean,
    /** A peer that holds the operation by the time it reads the answer, because the answer follows on the same link. */
    readonly except: NodeId | undefined,
    readonly done: () => void,
  ) {}
}

export interface OwnStreamParts {
  readonly node: NodeId;
  readonly incarnation: number;
  readonly runtime: Runtime;
  readonly transport: Transport;
  /** The peer holds everything tracked up to now, for the first time on this link. */
  caughtUp(peer: NodeId): void;
  /** Operations were streamed, after a time without. */
  moved(): void;
  /** How many other nodes there are that are not dead, linked at this moment or not. */
  peerCount(): number;
}

export class OwnStream {
  readonly log: OwnLog;
  private readonly feeds = new Map<NodeId, Feed>();
  /** Last operation that was handed to the live feeds. */
  private streamed = 0;
  /** In the order of their operations. */
  private readonly waiters = new Ring<AckWaiter>();
  /** Whether peers shall say that they hold what is streamed next, because somebody waits for that. */
  private waits = false;
  private settleDue = false;
  /** Monotonic time of the last operation. */
  movedAt = 0;

  constructor(private readonly parts: OwnStreamParts) {
    this.log = new OwnLog(parts.node, parts.incarnation, parts.runtime, () => this.stream());
  }

  /** A link to the peer opened; nothing is sent before it says what it has. */
  open(peer: NodeId): void {
    this.close(peer);
    const { runtime, transport, caughtUp } = this.parts;
    this.feeds.set(peer, new Feed(peer, { runtime, transport, log: this.log, caughtUp }));
  }

  close(peer: NodeId): void {
    this.feeds.get(peer)?.close();
    this.feeds.delete(peer);
  }

  /**
   * Which peers there are, or which of them count, has changed. What a wait lacked may be held already, by a peer that will
   * not say so again.
   */
  peersChanged(): void {
    // Once per turn: while many nodes start that changes thousands of times.
    if (this.waiters.isEmpty || this.settleDue) return;
    this.settleDue = true;
    this.parts.runtime.defer(() => {
      this.settleDue = false;
      this.settleWaiters();
    });
  }

  have(peer: NodeId, { incarnation, seq }: HaveFrame, first: boolean): void {
    this.log.flush();
    this.feeds.get(peer)?.begin(incarnation, seq, first);
    this.settleWaiters();
  }

  acked(peer: NodeId, seq: number): void {
    const feed = this.feeds.get(peer);
    if (!feed || seq <= feed.acked || seq > this.log.seq) return;
    feed.acked = seq;
    this.settleWaiters();
  }

  drained(peer: NodeId): void {
    this.feeds.get(peer)?.drained();
  }

  /** What a ping to the peer says: the log's end, if the peer was sent all of it. */
  stateFor(peer: NodeId): { readonly seq: number | null; readonly digest: number } {
    this.log.flush();
    const { seq, digest } = this.log.table;
    return { seq: this.feeds.get(peer)?.isLive ? seq : null, digest };
  }

  /**
   * Calls `done` once everything tracked up to now was handed to the peers, and `acks` of them (or all, if there
   * are fewer) have said that they hold it, `least` of those that count among them. Returns a function that gives up waiting.
   */
  whenHeld(
    acks: number,
    except: NodeId | undefined,
    done: () => void,
    least = 0,
    counts: (peer: NodeId) => boolean = () => true,
  ): () => void {
    const waiter = new AckWaiter(this.log.seq, acks, least, counts, except, done);
    const isStreamed = this.streamed >= waiter.seq;
    this.waits ||= !isStreamed && this.needsWord(waiter);
    this.log.whenFlushed(() => {
      if (waiter.isOver) return undefined;
      if (this.isHeld(waiter)) return done();
      enter(this.waiters, waiter);
      if (isStreamed) this.askWhatIsHeld();
      return undefined;
    });
    return () => {
      waiter.isOver = true;
      leave(waiter);
    };
  }

  /** Whether every linked peer has been sent everything. */
  get isLevel(): boolean {
    for (const feed of this.feeds.values()) if (!feed.isLive) return false;
    return true;
  }

  /** How many wait for that. */
  get waiting(): number {
    return this.waiters.members().length;
  }

  private stream(): void {
    const { log, waits } = this;
    this.waits = false;
    this.movedAt = this.parts.runtime.now();
    this.parts.moved();
    while (this.streamed < log.seq) {
      const from = this.streamed + 1;
      const ops = log.read(from, ROWS_PER_FRAME);
      this.streamed += ops.length;
      const live = this.levelWith(from - 1);
      if (live.length === 0) continue;
      const frame = { kind: FrameKind.Batch, incarnation: log.table.incarnation, from, waits, ops };
      const refused = new Set(this.parts.transport.broadcast(live, frame));
      for (const peer of live) {
        if (refused.has(peer)) this.feeds.get(peer)?.stall();
        else this.feeds.get(peer)?.advance(this.streamed);
      }
    }
  }

  /** Peers that follow the log as it grows, and were sent it up to `seq`. */
  private levelWith(seq: number): NodeId[] {
    const level: NodeId[] = [];
    for (const feed of this.feeds.values()) if (feed.isLive && feed.sent === seq) level.push(feed.peer);
    return level;
  }

  /** For what was streamed before anybody waited for it. A peer that misses this question answers it at the next ping. */
  private askWhatIsHeld(): void {
    const { incarnation } = this.log.table;
    const frame = { kind: FrameKind.Batch, incarnation, from: this.streamed + 1, waits: true, ops: [] };
    this.parts.transport.broadcast(this.levelWith(this.streamed), frame);
  }

  /** Whether peers have to say that they hold the waiter's operation. */
  private needsWord({ acks, least, counts, except }: AckWaiter): boolean {
    const isTold = except !== undefined && this.feeds.get(except)?.isLive && (least === 0 || counts(except));
    return this.needed(acks, least) > (isTold ? 1 : 0);
  }

  private needed(acks: number, least: number): number {
    return Math.max(least, Math.min(acks, this.parts.peerCount()));
  }

  private settleWaiters(): void {
    for (const waiter of this.waiters.members()) {
      if (waiter.isOver || !this.isHeld(waiter)) continue;
      waiter.isOver = true;
      leave(waiter);
      waiter.done();
    }
  }

  private isHeld({ seq, acks, least, counts, except }: AckWaiter): boolean {
    const holds = (feed: Feed): boolean => feed.acked >= seq || (feed.peer === except && feed.hasSent(seq));
    let held = 0;
    for (const feed of this.feeds.values()) if (holds(feed)) held++;
    if (held < this.needed(acks, least)) return false;
    if (least === 0) return true;
    let counted = 0;
    for (const feed of this.feeds.values()) if (holds(feed) && counts(feed.peer)) counted++;
    return counted >= least;
  }
}
