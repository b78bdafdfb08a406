// Sends many frames to a peer as fast as its link takes them: in order, in slices, and without loss while the link lasts.
import type { Runtime } from '../runtime/runtime.interface.js';
import { SLICE_MS } from '../runtime/slices.js';
import type { Frame } from '../transport/frame.js';
import type { NodeId } from '../transport/node-info.js';
import type { Transport } from '../transport/transport.interface.js';

/** Pause before a link that was full is tried again: the time in which it writes a megabyte or two. */
const FULL_PAUSE_MS = 20;

export class PacedSender {
  private readonly queues = new Map<NodeId, Array<Iterator<Frame>>>();

  constructor(
    private readonly runtime: Runtime,
    private readonly transport: Transport,
  ) {}

  /** The first frames go at once, unless earlier ones still wait. Frames are made when their turn has come. */
  send(to: NodeId, frames: Iterator<Frame>): void {
    const queue = this.queues.get(to);
    if (queue) {
      queue.push(frames);
    } else {
      const opened = [frames];
      this.queues.set(to, opened);
      this.pump(to, opened, undefined);
    }
  }

  /** What was not sent belongs to a link that is gone. */
  unlinked(peer: NodeId): void {
    this.queues.delete(peer);
  }

  private pump(to: NodeId, queue: Array<Iterator<Frame>>, unsent: Frame | undefined): void {
    if (this.queues.get(to) !== queue) return;
    const { runtime, transport } = this;
    const until = runtime.now() + SLICE_MS;
    for (let frame = unsent ?? nextOf(queue); frame; frame = nextOf(queue)) {
      const result = transport.send(to, frame);
      if (result === 'unlinked') break;
      if (result === 'full') {
        const refused = frame;
        runtime.after(FULL_PAUSE_MS, () => this.pump(to, queue, refused));
        return;
      }
      if (runtime.now() >= until) return runtime.defer(() => this.pump(to, queue, undefined));
    }
    this.queues.delete(to);
  }
}

function nextOf(queue: Array<Iterator<Frame>>): Frame | undefined {
  for (let [first] = queue; first; [first] = queue) {
    const next = first.next();
    if (!next.done) return next.value;
    queue.shift();
  }
  return undefined;
}
