import type { Runtime } from '../../runtime/runtime.interface.js';

/**
 * How long one link may keep the event loop with what it reads. libuv reads up to 32 chunks of 64 KiB from a connection
 * before it looks at the next one (`uv__read` of its `unix/stream.c`): 175,000 small frames, for which this node may need
 * a second, in which it would hear nobody else.
 */
const TURN_MS = 5;
/** The clock is read once for so many small units of one chunk: reading it costs about as much as the decoding of one. */
const UNITS_A_LOOK = 16;
/** After a larger one, as of rows or states, it is read at once: such a unit may take milliseconds. */
const SMALL_UNIT_BYTES = 4 * 1024;

/**
 * Says to a link when it has read enough for this turn of the event loop. A turn is measured from the first chunk that has
 * so much that the clock is looked at again.
 */
export class ReadTurn {
  private beganAt: number | undefined;
  private chunkAt: number;
  private units = 0;
  private readonly end = (): void => {
    this.beganAt = undefined;
  };

  constructor(private readonly runtime: Runtime) {
    // What comes right behind the handshake is of a chunk that others have read.
    this.chunkAt = runtime.now();
  }

  /** More was received. */
  newChunk(): void {
    this.units = 0;
    this.chunkAt = this.runtime.now();
  }

  /** To be asked after each unit. */
  isOver(unitBytes: number): boolean {
    this.units += 1;
    if (unitBytes <= SMALL_UNIT_BYTES && this.units % UNITS_A_LOOK !== 0) return false;
    if (this.beganAt === undefined) {
      this.beganAt = this.chunkAt;
      this.runtime.defer(this.end);
    }
    return this.runtime.now() - this.beganAt > TURN_MS;
  }
}
