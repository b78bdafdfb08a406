import { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';

import { PayloadTooLargeError } from '../../errors/index.js';
import { messageOf } from '../../errors/thrown.js';
import type { Runtime, Timer } from '../../runtime/runtime.interface.js';
import { FrameDecoder, type EncodedFrame, type FrameEncoder } from '../codec/frame.codec.js';
import { MalformedFrameError } from '../codec/malformed-frame.error.js';
import { SentPatterns } from '../codec/pattern.table.js';
import { FrameKind, type Frame, type MultiAnswerFrame } from '../frame.js';
import type { Hello } from '../node-info.js';
import type { LinkCloseReason, SendResult, TransportSnapshot } from '../transport.interface.js';
import { FragmentAssembly } from './fragment.assembly.js';
import { isTakenWhenFull, laneOf, type LaneName } from './lane.js';
import { OutgoingQueue } from './outgoing.queue.js';
import { ReadTurn } from './read.turn.js';
import { RESERVE_BYTES, SMALL_ANSWER_BYTES, type TcpLimits } from './tcp.limits.js';
import type { UnitSplitter } from './unit.splitter.js';
import { isFrame, MAX_UNIT_BYTES, UnitKind } from './wire.js';

/** What a link tells its transport. */
export interface LinkOwner {
  readonly runtime: Runtime;
  readonly limits: TcpLimits;
  readonly encoder: FrameEncoder;
  readonly maxFrameBytes: number;
  /** Called first in every event of the socket: what waits to be told is older than what comes now. */
  settle(): void;
  frame(link: TcpLink, frame: Frame): void;
  drained(link: TcpLink): void;
  /** Somebody was told that a lane takes no more; `isNew`: for the first time since the last `drained`. */
  congested(link: TcpLink, waitingBytes: number, isNew: boolean): void;
  /** It sends more than could be read in one turn of the event loop. */
  held(link: TcpLink): void;
  /** The link is over; called once, unless the owner itself ended it by `finish`. */
  broken(link: TcpLink, reason: LinkCloseReason, detail?: string): void;
}

/**
 * So many frames of one turn are written at once, then twice as many, and so on: the peer begins with the first while
 * this node makes the others, and many are still few system calls.
 */
const FLUSH_FRAMES = 16;

/** Room for what stands around a body: the names of a few thousand workers, and of those that wait. */
const HEAD_BYTES = 8 * 1024 * 1024;

/**
 * An open link: both sides have agreed. It writes once for all that one event has brought about, or a few times where that
 * is much. It always reads, however much waits to be written, since two peers that did not would wait for each other: memory
 * is bounded by the limits of its queue instead. A peer that sends more than this node handles is read in turns of the event
 * loop, between which the others are heard.
 */
export class TcpLink {
  private readonly queue: OutgoingQueue;
  private readonly decoder = new FrameDecoder();
  private readonly patterns = new SentPatterns();
  private readonly assembly: FragmentAssembly;
  private readonly turn: ReadTurn;
  private state: 'open' | 'finishing' | 'over' = 'open';
  /** The connection ended while something that had come before was kept for the next turn. */
  private isGone = false;
  private flushScheduled = false;
  /** Lanes of which somebody was told that they take no more, and a kind of frame that travels there. */
  private readonly toldFull = new Map<LaneName, number>();
  private fragmentsReceived = 0;
  private farewell: string | undefined;
  private goodbye: Buffer | undefined;
  private socketError: string | undefined;
  private giveUp: Timer | undefined;
  private framesIn = 0;
  private framesOut = 0;
  /** Frames since the last flush, and how many of them are written before this turn ends. */
  private unflushed = 0;
  private flushAt = FLUSH_FRAMES;
  private readonly flushLater = (): void => {
    this.flushScheduled = false;
    this.flushAt = FLUSH_FRAMES;
    this.flush();
  };

  constructor(
    readonly peer: Hello,
    private readonly socket: Socket,
    private readonly splitter: UnitSplitter,
    private readonly owner: LinkOwner,
  ) {
    this.assembly = new FragmentAssembly(owner.maxFrameBytes);
    this.turn = new ReadTurn(owner.runtime);
    this.queue = new OutgoingQueue({
      get backlog() {
        return socket.writableLength;
      },
      write: (pieces) => this.write(pieces),
    });
    splitter.maxBytes = MAX_UNIT_BYTES;
    splitter.onUnit = (kind, bytes, start, end) => {
      if (isFrame(kind)) this.deliver(kind, bytes, start, end);
      else this.unit(kind, bytes.subarray(start, end));
      if (this.turn.isOver(end - start)) this.hold();
    };
    splitter.onFault = (error) => this.refuse(error);
    socket.on('data', (chunk: Buffer, isLent = false) => this.received(chunk, isLent));
    socket.on('drain', () => this.onDrain());
    socket.on('error', (error) => (this.socketError = error.message));
    socket.on('end', () => this.onGone());
    socket.on('close', () => this.onGone());
  }

  /** @throws PayloadTooLargeError for a frame that no peer would take */
  send(frame: Frame): SendResult {
    const { encoder } = this.owner;
    const { kind } = frame;
    const isMessage = laneOf(kind) === 'messages';
    if (isMessage) {
      // One that is encoded must be sent, since its head may define a pattern; so it is weighed by its body before.
      const bytes = 'body' in frame ? frame.body.length : 0;
      this.checkSize(kind, bytes + HEAD_BYTES);
      if (!this.hasRoomFor(kind, bytes)) return 'full';
    } else if (kind === FrameKind.MultiAnswer) {
      // Many answers in one: they are weighed before they are copied into one piece.
      this.checkSize(kind, answersIn(frame));
    }
    if (!this.queue.isClearFor(kind)) {
      const encoded = encoder.encode(frame, this.patterns);
      if (!isMessage) return this.take(encoded, false);
      this.queue.add(encoded, false);
    } else {
      const bytes = this.queue.encode(encoder, frame, this.patterns);
      if (!isMessage) {
        this.checkSize(kind, bytes);
        if (!this.hasRoomFor(kind, bytes)) return 'full';
      }
      this.queue.take(kind);
    }
    this.enqueued();
    return 'queued';
  }

  /** As `send`, for a frame that was encoded for any link into memory of its own. */
  sendEncoded(frame: EncodedFrame): SendResult {
    return this.take(frame, true);
  }

  /** Tells the peer why, and ends; what is queued is written first if `flush` is set. */
  finish(reason: string, flush: boolean, withinMs: number): void {
    if (this.state !== 'open') return;
    this.state = 'finishing';
    if (!flush) this.queue.clear();
    this.goodbye = Buffer.from(reason.slice(0, 1024));
    this.giveUp = this.owner.runtime.after(withinMs, () => this.destroy());
    this.schedule();
  }

  /** Ends at once. */
  destroy(): void {
    this.state = 'over';
    this.giveUp?.cancel();
    this.splitter.stop();
    this.queue.clear();
    this.socket.destroy();
  }

  inspect(): TransportSnapshot['links'][number] {
    return {
      peer: this.peer.node.id,
      queuedBytes: this.queue.bytes,
      framesIn: this.framesIn,
      framesOut: this.framesOut,
      bytesIn: this.socket.bytesRead,
      bytesOut: this.socket.bytesWritten,
    };
  }

  private take(frame: EncodedFrame, owned: boolean): SendResult {
    const bytes = frame.head.length + (frame.tail === undefined ? 0 : frame.tail.length);
    this.checkSize(frame.kind, bytes);
    if (!this.hasRoomFor(frame.kind, bytes)) return 'full';
    this.queue.add(frame, owned);
    this.enqueued();
    return 'queued';
  }

  private hasRoomFor(kind: number, bytes: number): boolean {
    const { softQueueBytes, hardQueueBytes } = this.owner.limits;
    const fits = this.queue.bytes + bytes <= hardQueueBytes;
    if (isTakenWhenFull(kind)) return fits || bytes <= SMALL_ANSWER_BYTES;
    if (fits && this.queue.waitingWith(kind) < softQueueBytes) return true;
    this.owner.congested(this, this.queue.bytes, this.toldFull.size === 0);
    this.toldFull.set(laneOf(kind), kind);
    return false;
  }

  private enqueued(): void {
    this.framesOut += 1;
    this.unflushed += 1;
    if (this.queue.bytes > this.owner.limits.hardQueueBytes + RESERVE_BYTES) {
      const { bytes } = this.queue;
      this.destroy();
      this.owner.broken(this, 'overflow', `${bytes} bytes wait to be written`);
    } else if (this.unflushed >= this.flushAt) {
      this.flushAt *= 2;
      this.flush();
    } else {
      this.schedule();
    }
  }

  private checkSize(kind: number, bytes: number): void {
    const most = this.owner.maxFrameBytes;
    if (bytes > most) throw new PayloadTooLargeError(`a frame of kind ${kind}`, bytes, most);
  }

  private schedule(): void {
    if (this.flushScheduled) return;
    this.flushScheduled = true;
    this.owner.runtime.deferLast(this.flushLater);
  }

  private flush(): void {
    this.unflushed = 0;
    if (this.state === 'over') return;
    this.queue.pump();
    if (this.goodbye !== undefined && this.queue.isEmpty) {
      this.queue.addUrgent(UnitKind.Bye, this.goodbye);
      this.goodbye = undefined;
      this.queue.pump();
      this.socket.end();
    }
    if (this.toldFull.size > 0) this.tellDrained();
  }

  private tellDrained(): void {
    const { softQueueBytes, hardQueueBytes } = this.owner.limits;
    if (this.queue.bytes >= hardQueueBytes / 2) return;
    let hasRoom = false;
    for (const [lane, kind] of this.toldFull) {
      if (this.queue.waitingWith(kind) < softQueueBytes / 2) hasRoom = this.toldFull.delete(lane);
    }
    if (hasRoom) this.owner.drained(this);
  }

  private write(pieces: readonly Uint8Array[]): void {
    const [first] = pieces;
    if (first !== undefined && pieces.length === 1) {
      this.socket.write(first);
      return;
    }
    this.socket.cork();
    for (const piece of pieces) this.socket.write(piece);
    this.socket.uncork();
  }

  private onDrain(): void {
    this.owner.settle();
    this.flush();
    this.owner.settle();
  }

  private received(chunk: Buffer, isLent: boolean): void {
    this.owner.runtime.event(() => {
      this.beginReading();
      this.splitter.push(chunk, isLent);
      this.endReading();
    });
  }

  private beginReading(): void {
    this.owner.settle();
    this.turn.newChunk();
  }

  private endReading(): void {
    if (this.fragmentsReceived > 0) this.acknowledge();
    this.owner.settle();
  }

  /** Reads no more in this turn of the event loop. */
  private hold(): void {
    this.splitter.hold();
    this.socket.pause();
    this.owner.held(this);
    const { runtime } = this.owner;
    // What is deferred now is done before anybody else is heard: the rest is for the turn after.
    runtime.defer(() => runtime.defer(() => this.goOn()));
  }

  private goOn(): void {
    if (this.state === 'over') return;
    // First: what is kept may have to wait for one more turn.
    this.socket.resume();
    this.beginReading();
    this.splitter.goOn();
    this.endReading();
    if (this.isGone) this.onGone();
  }

  private unit(kind: number, body: Buffer): void {
    switch (kind) {
      case UnitKind.FirstFragment:
      case UnitKind.NextFragment: {
        this.fragmentsReceived += 1;
        const whole = this.assembly.add(kind, body);
        if (whole !== undefined) this.deliver(whole.kind, whole.body, 0, whole.body.length);
        return;
      }
      case UnitKind.Credit:
        if (body.length !== 4 || !this.queue.acknowledge(body.readUInt32LE(0))) {
          throw new MalformedFrameError('Credit', 'count', 'exceeds what was sent');
        }
        this.schedule();
        return;
      case UnitKind.Bye:
        this.farewell = body.toString('utf8', 0, 1024);
        return;
      default:
        throw new MalformedFrameError('Unit', 'kind', `${kind} does not belong on an open link`);
    }
  }

  private deliver(kind: number, bytes: Buffer, start: number, end: number): void {
    const frame = this.decoder.decode(kind, bytes, start, end);
    this.framesIn += 1;
    if (this.state === 'open') this.owner.frame(this, frame);
  }

  private acknowledge(): void {
    const count = Buffer.allocUnsafe(4);
    count.writeUInt32LE(this.fragmentsReceived, 0);
    this.fragmentsReceived = 0;
    if (this.state === 'over') return;
    this.queue.addUrgent(UnitKind.Credit, count);
    this.schedule();
  }

  /** Whatever cannot be read ends this link, also by an error that no decoder foresaw, and never the process. */
  private refuse(error: unknown): void {
    this.splitter.stop();
    const reason = messageOf(error);
    const wasOpen = this.state === 'open';
    this.finish(`malformed: ${reason}`, false, this.owner.limits.closeTimeoutMs);
    if (wasOpen) this.owner.broken(this, 'malformed', reason);
  }

  /** The peer has ended its side, or the connection is gone: nothing that we could still write would arrive. */
  private onGone(): void {
    this.isGone = true;
    if (this.splitter.isHeld) return;
    const wasOpen = this.state === 'open';
    this.destroy();
    if (!wasOpen) return;
    this.owner.settle();
    if (this.farewell !== undefined) this.owner.broken(this, 'closed', this.farewell);
    else this.owner.broken(this, 'reset', this.socketError ?? 'the connection ended without a farewell');
    this.owner.settle();
  }
}

function answersIn({ results }: MultiAnswerFrame): number {
  let bytes = 0;
  for (const [, body] of results) bytes += body?.length ?? 0;
  return bytes;
}
