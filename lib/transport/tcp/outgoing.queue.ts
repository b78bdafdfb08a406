import { Buffer } from 'node:buffer';
import type { EncodedFrame, FrameEncoder } from '../codec/frame.codec.js';
import type { SentPatterns } from '../codec/pattern.table.js';
import type { Frame } from '../frame.js';
import { isAnswer, Lane, laneOf, type Account, type LaneName, type QueuedFrame } from './lane.js';
import { COPIED_BYTES, UnitBuffer } from './unit.buffer.js';
import {
  ANSWER_BUDGET_BYTES,
  ANSWER_TRANSFERS,
  FRAGMENT_BYTES,
  FRAGMENT_WINDOW,
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

/**
 * What waits to be written to one peer, and in which order it is.
 *
 * - *urgent* (pings, credit): at once, before everything that still waits here.
 * - *ordered* (registry, requests, responses, answers), *messages* (call, cast, publish) and *bulk* (states of workers):
 *   each first in, first out, taking turns. So an answer never overtakes a batch that was sent before it, and a call
 *   never another call.
 * - A frame above 64 KiB goes in fragments, at most `FRAGMENT_WINDOW` of which are unacknowledged, while the other lanes
 *   go on. It holds up its own lane until its last fragment, for what follows must not overtake it; except an answer,
 *   which steps aside when its turn has come: everything before it is on its way, and nothing waits for it.
 */
export class OutgoingQueue {
  private readonly lanes = { ordered: new Lane(), messages: new Lane(), bulk: new Lane() };
  private answers: QueuedFrame[] = [];
  private readonly answerAccount: Account = { bytes: 0 };
  private readonly units = new UnitBuffer();
  private readonly steps = [
    () => this.step(this.lanes.ordered),
    () => this.step(this.lanes.messages),
    () => this.stepAnswers(),
    () => this.step(this.lanes.bulk),
  ];
  private turn = 0;
  private unacknowledged = 0;
  private answerTransfers = 0;
  private answerTransferBytes = 0;
  private nextTransfer = 1;
  /** Of the frame that was just encoded. */
  private tail: Uint8Array | undefined;

  constructor(private readonly output: UnitOutput) {}

  get bytes(): number {
    return this.waitingBytes + this.units.gathered + this.output.backlog;
  }

  /**
   * Bytes that wait in the lane of such a frame, answers excepted. A large frame whose turn has come does not count:
   * for as long as it takes, as much may wait behind it as behind any other.
   */
  waitingWith(kind: number): number {
    const lane = this.laneFor(laneOf(kind));
    return lane === undefined ? 0 : lane.behind;
  }

  /** Nothing waits here; the system may still hold bytes. */
  get isEmpty(): boolean {
    return !this.hasFrames && this.units.gathered === 0;
  }

  /** Takes a frame; `pump` writes it. `owned`: the head's memory will not be used again. */
  add(frame: EncodedFrame, owned: boolean): void {
    const { kind, head, tail } = frame;
    const lane = this.laneFor(laneOf(kind));
    const bytes = head.length + (tail === undefined ? 0 : tail.length);
    if (lane === undefined || (bytes <= WHOLE_FRAME_BYTES && lane.first === undefined && !this.isBackedUp)) {
      this.write(kind, owned || head.length <= COPIED_BYTES ? head : Buffer.from(head), tail);
      return;
    }
    const account = isAnswer(kind) ? this.answerAccount : lane;
    lane.push({ kind, head: owned ? head : Buffer.from(head), tail, bytes, account, sent: 0, transfer: 0 });
    account.bytes += bytes;
  }

  /** Whether a frame of that kind need not wait, if it is not large. */
  isClearFor(kind: number): boolean {
    const lane = this.laneFor(laneOf(kind));
    return lane === undefined || (lane.first === undefined && !this.isBackedUp);
  }

  /** Encodes a frame for which the way is clear, straight into what is written next. Returns how long it is. */
  encode(encoder: FrameEncoder, frame: Frame, patterns: SentPatterns): number {
    this.units.open();
    this.tail = encoder.encodeInto(this.units, frame, patterns);
    return this.units.opened + (this.tail === undefined ? 0 : this.tail.length);
  }

  /** Takes the frame that was just encoded; one that is forgotten is overwritten by the next. */
  take(kind: number): void {
    const { units, tail } = this;
    this.tail = undefined;
    const bytes = units.opened + (tail === undefined ? 0 : tail.length);
    if (bytes <= WHOLE_FRAME_BYTES) {
      units.close(kind, tail);
      if (tail !== undefined) units.spend(tail);
    } else this.add({ kind, head: units.withdraw(), tail }, true);
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
    while (idle < this.steps.length && this.hasFrames && !this.isBackedUp) {
      const step = this.steps[this.turn] as () => boolean;
      this.turn = (this.turn + 1) % this.steps.length;
      idle = step() ? 0 : idle + 1;
    }
    if (this.units.gathered > 0) this.output.write(this.units.drain());
    if (this.output.backlog === 0) this.units.written();
  }

  /** Forgets what has not been handed over. */
  clear(): void {
    for (const lane of Object.values(this.lanes)) lane.clear();
    this.answers = [];
    this.answerAccount.bytes = 0;
  }

  /** Not the same as bytes that wait: some frames have none. */
  private get hasFrames(): boolean {
    const { ordered, messages, bulk } = this.lanes;
    return Boolean(ordered.first ?? messages.first ?? bulk.first ?? this.answers[0]);
  }

  private get waitingBytes(): number {
    const { ordered, messages, bulk } = this.lanes;
    return ordered.bytes + messages.bytes + bulk.bytes + this.answerAccount.bytes;
  }

  private get isBackedUp(): boolean {
    return this.units.gathered + this.output.backlog >= BACKLOG_BYTES;
  }

  /** One turn of a lane; false if nothing of it may be written now. */
  private step(lane: Lane): boolean {
    let taken = 0;
    let moved = false;
    for (let frame = lane.first; frame !== undefined && taken < TURN_BYTES; frame = lane.first) {
      if (frame.bytes > WHOLE_FRAME_BYTES && !isAnswer(frame.kind)) {
        if (!this.sendFragment(frame)) return moved;
        if (frame.sent === frame.bytes) lane.shift();
        return true;
      }
      lane.shift();
      moved = true;
      taken += frame.bytes;
      if (frame.bytes > WHOLE_FRAME_BYTES) {
        this.answers.push(frame);
      } else {
        frame.account.bytes -= frame.bytes;
        this.write(frame.kind, frame.head, frame.tail);
      }
    }
    return moved;
  }

  /** One fragment of the first answer that may go on; then it goes behind the others that are under way. */
  private stepAnswers(): boolean {
    const active = Math.min(ANSWER_TRANSFERS, this.answers.length);
    let mayBegin = true;
    for (let index = 0; index < active; index += 1) {
      const frame = this.answers[index] as QueuedFrame;
      if (frame.transfer === 0) {
        // One that is too large to begin now has its turn when the others are through: none that came later begins.
        mayBegin &&= this.mayBegin(frame);
        if (!mayBegin) continue;
      }
      if (!this.sendFragment(frame)) return false;
      this.answers.splice(index, 1);
      if (frame.sent < frame.bytes) this.answers.splice(active - 1, 0, frame);
      return true;
    }
    return false;
  }

  /** The receiver takes memory for a whole answer at its first fragment, so not too many begin at once. */
  private mayBegin({ bytes }: QueuedFrame): boolean {
    return this.answerTransfers === 0 || this.answerTransferBytes + bytes <= ANSWER_BUDGET_BYTES;
  }

  private sendFragment(frame: QueuedFrame): boolean {
    if (this.unacknowledged >= FRAGMENT_WINDOW) return false;
    const first = frame.sent === 0;
    if (first) this.begin(frame);
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
    frame.account.bytes -= end - frame.sent;
    frame.sent = end;
    if (end === frame.bytes && isAnswer(frame.kind)) {
      this.answerTransfers -= 1;
      this.answerTransferBytes -= frame.bytes;
    }
    return true;
  }

  private begin(frame: QueuedFrame): void {
    frame.transfer = this.nextTransfer;
    this.nextTransfer = (this.nextTransfer % 0xffff_ffff) + 1;
    if (!isAnswer(frame.kind)) return;
    this.answerTransfers += 1;
    this.answerTransferBytes += frame.bytes;
  }

  private laneFor(name: LaneName): Lane | undefined {
    return name === 'urgent' ? undefined : this.lanes[name];
  }

  private write(kind: number, head: Uint8Array, tail: Uint8Array | undefined): void {
    if (tail === undefined) this.units.append(kind, head);
    else {
      this.units.append(kind, head, tail);
      this.units.spend(tail);
    }
  }
}

/** The bytes `[start, end)` of a frame's head and tail taken as one. */
function slices({ head, tail }: QueuedFrame, start: number, end: number): Uint8Array[] {
  const cut = head.length;
  if (tail === undefined || end <= cut) return [head.subarray(start, end)];
  if (start >= cut) return [tail.subarray(start - cut, end - cut)];
  return [head.subarray(start, cut), tail.subarray(0, end - cut)];
}
