import { FrameKind } from '../frame.js';

/** Bytes that wait, of all frames that share a limit. */
export interface Account {
  bytes: number;
}

/** A frame that waits to be written. */
export interface QueuedFrame {
  readonly kind: number;
  readonly head: Uint8Array;
  readonly tail: Uint8Array | undefined;
  readonly bytes: number;
  /** Where its bytes are counted until they are sent. */
  readonly account: Account;
  /** Bytes already sent as fragments, and the number of the transfer once it has begun. */
  sent: number;
  transfer: number;
}

/** Frames that keep their order among themselves. */
export class Lane implements Account {
  /** What waits here, answers excepted: they have an account of their own. */
  bytes = 0;
  private frames: Array<QueuedFrame | undefined> = [];
  private next = 0;

  get first(): QueuedFrame | undefined {
    return this.frames[this.next];
  }

  /** What waits behind a large frame whose turn has come. */
  get behind(): number {
    const { first } = this;
    return first === undefined || first.transfer === 0 ? this.bytes : this.bytes - (first.bytes - first.sent);
  }

  push(frame: QueuedFrame): void {
    this.frames.push(frame);
  }

  shift(): void {
    this.frames[this.next] = undefined;
    this.next += 1;
    if (this.next < 64 || this.next * 2 < this.frames.length) return;
    this.frames = this.frames.slice(this.next);
    this.next = 0;
  }

  clear(): void {
    this.frames = [];
    this.next = 0;
    this.bytes = 0;
  }
}

/** Which lane a frame takes. */
export type LaneName = 'urgent' | 'ordered' | 'messages' | 'bulk';

/**
 * Pings overtake everything; messages to workers keep their order, and so does who says that no more of them follow;
 * states of workers, which may be large, hold up nothing but each other; all else (answers too) keeps its own order.
 */
export function laneOf(kind: number): LaneName {
  switch (kind) {
    case FrameKind.Ping:
    case FrameKind.Pong:
      return 'urgent';
    case FrameKind.Call:
    case FrameKind.Cast:
    case FrameKind.Publish:
    case FrameKind.MultiCall:
    case FrameKind.LastWord:
      return 'messages';
    case FrameKind.Prepare:
    case FrameKind.Offer:
      return 'bulk';
    default:
      return 'ordered';
  }
}

/** Answers need not wait for each other once everything that was sent before them is on its way. */
export function isAnswer(kind: number): boolean {
  return kind === FrameKind.Answer || kind === FrameKind.MultiAnswer;
}

/** Frames that a full lane takes all the same: they end something that waits, or say that the peer is alive. */
export function isTakenWhenFull(kind: number): boolean {
  return kind === FrameKind.Ping || kind === FrameKind.Pong || kind === FrameKind.Response || isAnswer(kind);
}
