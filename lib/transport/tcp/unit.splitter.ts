import { Buffer } from 'node:buffer';
import { MalformedFrameError } from '../codec/malformed-frame.error.js';

/** Of lent memory, smaller units are copied together with what follows them, larger ones each into memory of their own. */
const ALONE_BYTES = 16 * 1024;

/** Told each whole unit; its body stands in `bytes`, of what was received, from `start` to `end`. */
export type UnitListener = (kind: number, bytes: Buffer, start: number, end: number) => void;

/** Cuts the stream of a connection into units, however it arrives. Holds at most one incomplete unit. */
export class UnitSplitter {
  private readonly header = Buffer.alloc(4);
  private headerFilled = 0;
  private partial: Buffer | undefined;
  private partialFilled = 0;
  private stopped = false;
  private held = false;
  private rest: Buffer | undefined;
  /**
   * Told what `push` would throw otherwise. Whoever takes the stream over sets it: it may happen within a `push` that
   * its predecessor called.
   */
  onFault: ((error: unknown) => void) | undefined;

  constructor(
    public maxBytes: number,
    public onUnit: UnitListener,
  ) {}

  /** Drops what else is or will be received, also when called from within `onUnit`. */
  stop(): void {
    this.stopped = true;
    this.partial = undefined;
    this.rest = undefined;
  }

  /**
   * Keeps what else this chunk has until `goOn`, also when called from within `onUnit`. No more may be pushed before:
   * whoever reads pauses.
   */
  hold(): void {
    this.held = true;
  }

  /** Whether some of what was received may still be kept. */
  get isHeld(): boolean {
    return this.held && !this.stopped;
  }

  /** Goes on with what was kept. @throws as `push` */
  goOn(): void {
    const { rest } = this;
    this.held = false;
    this.rest = undefined;
    if (rest !== undefined) this.push(rest);
  }

  /**
   * @param isLent the chunk's memory is written over when this has returned; the bytes of units are always kept
   * @throws unless there is `onFault`: MalformedFrameError for a length out of range, and whatever `onUnit` throws
   */
  push(received: Buffer, isLent = false): void {
    let chunk = received;
    let lent = isLent;
    let at = 0;
    try {
      while (at < chunk.length && !this.stopped && !this.held) {
        if (lent && this.startsSmall(chunk, at)) {
          chunk = Buffer.from(chunk.subarray(at));
          lent = false;
          at = 0;
        }
        at = this.partial === undefined ? this.start(chunk, at, lent) : this.fill(chunk, at);
      }
      if (at < chunk.length && !this.stopped)
        this.rest = lent ? Buffer.from(chunk.subarray(at)) : chunk.subarray(at);
    } catch (error) {
      if (this.onFault === undefined) throw error;
      this.onFault(error);
    }
  }

  /** Whether a unit begins and ends in this chunk that is not worth memory of its own. */
  private startsSmall(chunk: Buffer, at: number): boolean {
    const left = chunk.length - at - 4;
    if (this.partial !== undefined || this.headerFilled > 0 || left < 0) return false;
    return chunk.readUInt32LE(at) <= Math.min(left, ALONE_BYTES);
  }

  private start(chunk: Buffer, from: number, isLent: boolean): number {
    let at = from;
    let length: number;
    if (this.headerFilled === 0 && chunk.length - at >= 4) {
      length = chunk.readUInt32LE(at);
      at += 4;
    } else {
      while (this.headerFilled < 4 && at < chunk.length)
        this.header[this.headerFilled++] = chunk[at++] as number;
      if (this.headerFilled < 4) return at;
      this.headerFilled = 0;
      length = this.header.readUInt32LE(0);
    }
    if (length === 0 || length > this.maxBytes) {
      throw new MalformedFrameError('Unit', 'length', `${length} is not from 1 to ${this.maxBytes}`);
    }
    if (isLent || chunk.length - at < length) {
      this.partial = Buffer.allocUnsafe(length);
      this.partialFilled = 0;
      return at;
    }
    this.onUnit(chunk[at] as number, chunk, at + 1, at + length);
    return at + length;
  }

  private fill(chunk: Buffer, at: number): number {
    const unit = this.partial as Buffer;
    const copied = chunk.copy(unit, this.partialFilled, at);
    this.partialFilled += copied;
    if (this.partialFilled === unit.length) {
      this.partial = undefined;
      this.onUnit(unit[0] as number, unit, 1, unit.length);
    }
    return at + copied;
  }
}
