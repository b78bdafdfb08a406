import { FrameKind } from '../frame.js';

/** A frame that waits to be written. */
export interface QueuedFrame {
  readonly kind: number;
  readonly head: Uint8Array;
  readonly tail: Uint8Array | undefined;
  readonly bytes: number;
  /** Bytes already sent as fragments, and the number of the transfer once it has begun. */
  sent: number;
  transfer: number;
}

/** Frames that keep their order among themselves. */
export class Lane {
  private frames: Array<QueuedFrame | undefined> = [];
  private next = 0;

  get first(): QueuedFrame | undefined {
    return this.frames[this.next];
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
  }
}

/** Which lane a frame takes. */
export type LaneName = 'urgent' | 'ordered' | 'messages';

/** Pings overtake everything; messages to workers keep their order; all else (answers too) keeps its own. */
export function laneOf(kind: number): LaneName {
  switch (kind) {
    case FrameKind.Ping:
    case FrameKind.Pong:
      return 'urgent';
    case FrameKind.Call:
    case FrameKind.Cast:
    case FrameKind.Publish:
    case FrameKind.MultiCall:
      return 'messages';
    default:
      return 'ordered';
  }
}

/** Answers need not wait for each other once everything that was sent before them is on its way. */
export function isAnswer(kind: number): boolean {
  return kind === FrameKind.Answer || kind === FrameKind.MultiAnswer;
}

/** Frames that a full queue takes all the same: they end something that waits, or say that the peer is alive. */
export function isAlwaysTaken(kind: number): boolean {
  return kind === FrameKind.Ping || kind === FrameKind.Pong || kind === FrameKind.Response || isAnswer(kind);
}
