// Memory for large bodies that are sent once: what a call carries, and its answer. It is asked for and given back as
// often as messages are sent. New memory for each would cost a call of 64 KiB more than its copies do: the system has to
// find the pages, and the collector, which sees bytes and not how short they are used, runs again and again.
import { Buffer } from 'node:buffer';

/** What fits one unit of a link; what is larger takes memory of its own. */
const BLOCK_BYTES = 68 * 1024;
/** Of less, copies are made instead. */
const LEAST_BYTES = 16 * 1024;
/** As many as calls are usually in flight; 4.25 MiB. */
const MOST_SPARE = 64;

class BodyMemory {
  private readonly spare: Buffer[] = [];
  /** Given out for a body that is sent once, and not given back yet. */
  private readonly lent = new WeakSet<ArrayBufferLike>();

  /** At least so many bytes, of which nothing is known. */
  take(bytes: number): Buffer {
    if (bytes < LEAST_BYTES || bytes > BLOCK_BYTES) return Buffer.allocUnsafeSlow(bytes);
    return this.spare.pop() ?? Buffer.allocUnsafeSlow(BLOCK_BYTES);
  }

  /** Says of a body in memory from here that it is sent to one node, once, and not read afterwards. */
  lend(body: Uint8Array): void {
    if (body.length > LEAST_BYTES && body.buffer.byteLength === BLOCK_BYTES) this.lent.add(body.buffer);
  }

  /** The system has the bytes of a body that was sent: if they were lent, others are written over them. */
  giveBack(body: Uint8Array): void {
    if (!this.lent.delete(body.buffer) || this.spare.length >= MOST_SPARE) return;
    this.spare.push(Buffer.from(body.buffer));
  }
}

/** Of all nodes of this process. */
export const bodyMemory = new BodyMemory();
