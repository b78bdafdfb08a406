import type { Runtime } from '../runtime/runtime.interface.js';
import type { PacedSender } from '../tracker/paced-sender.js';
import { batched } from '../transport/batched.js';
import type { Frame } from '../transport/frame.js';
import type { NodeId } from '../transport/node-info.js';

/** A frame of so much goes whole, so that it does not hold up others; one item may be larger. */
const FRAME = { bytes: 56 * 1024, items: 256 };

/** Makes one frame per node of all items that come within a tick; none is left out while the link lasts. */
export class FrameBatches<Item> {
  private readonly waiting = new Map<NodeId, Item[]>();

  constructor(
    private readonly runtime: Runtime,
    private readonly sender: PacedSender,
    private readonly bytesOf: (item: Item) => number,
    private readonly toFrame: (items: readonly Item[]) => Frame,
    /** Called before the frames of a tick are sent: what they speak of must be on its way. */
    private readonly before: () => void = () => undefined,
  ) {}

  add(to: NodeId, item: Item): void {
    const items = this.waiting.get(to);
    if (items) {
      items.push(item);
      return;
    }
    if (this.waiting.size === 0) this.runtime.defer(() => this.flush());
    this.waiting.set(to, [item]);
  }

  /** Sends what has come up to now. */
  flush(): void {
    if (this.waiting.size === 0) return;
    const batches = [...this.waiting];
    this.waiting.clear();
    this.before();
    for (const [to, items] of batches) this.sender.send(to, this.frames(items));
  }

  private *frames(items: readonly Item[]): IterableIterator<Frame> {
    for (const batch of batched(items, this.bytesOf, FRAME)) yield this.toFrame(batch);
  }
}
