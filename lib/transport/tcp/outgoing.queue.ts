import type { EncodedFrame } from '../codec/frame.codec.js';
import { isAnswer, Lane, laneOf, type QueuedFrame } from './lane.js';
import { UnitBuffer } from './unit.buffer.js';
import {
  FRAGMENT_BYTES,
  FRAGMENT_WINDOW,
  MAX_TRANSFERS,
  TRANSFER_BUDGET_BYTES,
  UnitKind,
  WHOLE_FRAME_BYTES,
} from './wire.js';

/** Where the units go. */
export interface UnitOutput {
  /** Bytes handed over that the system has not taken yet. */
  readonly backlog: number;
  write(pieces: readonly Uint8Array[]): void;
}

/** Enough to keep a connection busy, little enough that a ping behind it is not late. */
const BACKLOG_BYTES = 256 * 1024;
/** What one lane may write before the next has its turn. */
const TURN_BYTES = 64 * 1024;
/** Answers under way at once; with the first frame of either lane they are `MAX_TRANSFERS`. */
const ACTIVE_ANSWERS = MAX_TRANSFERS - 2;

/**
 * What waits to be written to one peer, and in which order it is.
 *
 * - *urgent* (pings, credit): at once, before everything that still waits here.
 * - *ordered* (registry, requests, responses, answers) and *messages* (call, cast, publish): each first in, first out,
 *   taking turns. So an answer never overtakes a batch that was sent before it, and a call never another call.
 * - A frame above 64 KiB goes in fragments, at most `FRAGMENT_WINDOW` of which are unacknowledged, while the other
 *   lane goes on. It holds up its own lane until its last fragment, for what follows must not overtake it; except an
 *   answer, which steps aside when its turn has come: everything before it is on its way, and nothing waits for it.
 */
export class OutgoingQueue {
  private readonly ordered = new Lane();
  private readonly messages = new Lane();
  private answers: QueuedFrame[] = [];
  private readonly units = new UnitBuffer();
  private readonly steps = [
    () => this.step(this.ordered),
    () => this.step(this.messages),
    () => this.stepAnswers(),
  ];
  private turn = 0;
  private waitingBytes = 0;
  private unacknowledged = 0;
  private transfers = 0;
  private transferBytes = 0;
  private nextTransfer = 1;

  constructor(private readonly output: UnitOutput) {}

  get bytes(): number {
    return this.waitingBytes + this.units.bytes + this.output.backlog;
  }

  /** Nothing waits here; the system may still hold bytes. */
  get isEmpty(): boolean {
    return this.waitingBytes === 0 && this.units.bytes === 0;
  }

  /** Takes a frame; `pump` writes it. `owned`: the head's memory will not be used again. */
  add(frame: EncodedFrame, owned: boolean): void {
    const { kind, head, tail } = frame;
    const name = laneOf(kind);
    const bytes = head.length + (tail === undefined ? 0 : tail.length);
    const lane = name === 'messages' ? this.messages : this.ordered;
    if (name === 'urgent' || (bytes <= WHOLE_FRAME_BYTES && lane.first === undefined && !this.isBackedUp)) {
      this.write(kind, owned || head.length <= 16 * 1024 ? head : Buffer.from(head), tail);
      return;
    }
    lane.push({ kind, head: owned ? head : Buffer.from(head), tail, bytes, sent: 0, transfer: 0 });
    this.waitingBytes += bytes;
  }

  /** A unit that is no frame, before everything that waits. */
  addUrgent(kind: number, body: Uint8Array): void {
    this.units.append(kind, body);
  }

  /** The peer has received `count` fragments; says whether so many were under way. */
  acknowledge(count: number): boolean {
    if (count > this.unacknowledged) return false;
    this.unacknowledged -= count;
    return true;
  }

  /** Hands over as much as the connection takes now. */
  pump(): void {
    let idle = 0;
    while (idle < this.steps.length && this.waitingBytes > 0 && !this.isBackedUp) {
      const step = this.steps[this.turn] as () => boolean;
      this.turn = (this.turn + 1) % this.steps.length;
      idle = step() ? 0 : idle + 1;
    }
    if (this.units.bytes > 0) this.output.write(this.units.take());
  }

  /** Forgets what has not been handed over. */
  clear(): void {
    this.ordered.clear();
    this.messages.clear();
    this.answers = [];
    this.waitingBytes = 0;
  }

  private get isBackedUp(): boolean {
    return this.units.bytes + this.output.backlog >= BACKLOG_BYTES;
  }

  private step(lane: Lane): boolean {
    let taken = 0;
    for (let frame = lane.first; frame !== undefined && taken < TURN_BYTES; frame = lane.first) {
      if (frame.bytes > WHOLE_FRAME_BYTES && !isAnswer(frame.kind)) {
        if (!this.sendFragment(frame)) return taken > 0;
        if (frame.sent === frame.bytes) lane.shift();
        return true;
      }
      lane.shift();
      taken += frame.bytes;
      if (frame.bytes > WHOLE_FRAME_BYTES) {
        this.answers.push(frame);
      } else {
        this.waitingBytes -= frame.bytes;
        this.write(frame.kind, frame.head, frame.tail);
      }
    }
    return taken > 0;
  }

  /** One fragment of the first answer that may go on; then it goes behind the others that are under way. */
  private stepAnswers(): boolean {
    const active = Math.min(ACTIVE_ANSWERS, this.answers.length);
    for (let index = 0; index < active; index += 1) {
      const frame = this.answers[index] as QueuedFrame;
      if (!this.sendFragment(frame)) continue;
      this.answers.splice(index, 1);
      if (frame.sent < frame.bytes) this.answers.splice(active - 1, 0, frame);
      return true;
    }
    return false;
  }

  private sendFragment(frame: QueuedFrame): boolean {
    if (this.unacknowledged >= FRAGMENT_WINDOW || (frame.transfer === 0 && !this.beginTransfer(frame)))
      return false;
    const first = frame.sent === 0;
    const header = Buffer.allocUnsafe(first ? 9 : 4);
    header.writeUInt32LE(frame.transfer, 0);
    if (first) {
      header[4] = frame.kind;
      header.writeUInt32LE(frame.bytes, 5);
    }
    const end = Math.min(frame.sent + FRAGMENT_BYTES, frame.bytes);
    const kind = first ? UnitKind.FirstFragment : UnitKind.NextFragment;
    this.units.append(kind, header, ...slices(frame, frame.sent, end));
    this.unacknowledged += 1;
    this.waitingBytes -= end - frame.sent;
    frame.sent = end;
    if (end === frame.bytes) {
      this.transfers -= 1;
      this.transferBytes -= frame.bytes;
    }
    return true;
  }

  /** The receiver takes memory for the whole frame at its first fragment, so not too many begin at once. */
  private beginTransfer(frame: QueuedFrame): boolean {
    if (this.transfers > 0 && this.transferBytes + frame.bytes > TRANSFER_BUDGET_BYTES) return false;
    frame.transfer = this.nextTransfer;
    this.nextTransfer = (this.nextTransfer % 0xffff_ffff) + 1;
    this.transfers += 1;
    this.transferBytes += frame.bytes;
    return true;
  }

  private write(kind: number, head: Uint8Array, tail: Uint8Array | undefined): void {
    if (tail === undefined) this.units.append(kind, head);
    else this.units.append(kind, head, tail);
  }
}

/** The bytes `[start, end)` of a frame's head and tail taken as one. */
function slices({ head, tail }: QueuedFrame, start: number, end: number): Uint8Array[] {
  const cut = head.length;
  if (tail === undefined || end <= cut) return [head.subarray(start, end)];
  if (start >= cut) return [tail.subarray(start - cut, end - cut)];
  return [head.subarray(start, cut), tail.subarray(0, end - cut)];
}
