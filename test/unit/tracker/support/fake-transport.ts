import type { Frame } from '../../../../lib/transport/frame.js';
import type { NodeId } from '../../../../lib/transport/node-info.js';
import type {
  SendResult,
  Transport,
  TransportSnapshot,
} from '../../../../lib/transport/transport.interface.js';
import type { ManualRuntime } from '../../runtime/support/manual.runtime.js';

/** Frames go where the test says, or wait in a link that is full; nothing has bytes. */
export class FakeTransport implements Transport {
  readonly sent: Array<{ to: NodeId; frame: Frame }> = [];
  /** Takes this many more frames, then it is full. */
  room = Infinity;
  /** What it costs this node to send a frame. */
  frameCostMs = 0;
  /** True makes the frame vanish. */
  loses: (frame: Frame) => boolean = () => false;
  private readonly links = new Map<NodeId, (frame: Frame) => void>();

  constructor(private readonly runtime: ManualRuntime) {}

  link(peer: NodeId, receive: (frame: Frame) => void = () => undefined): void {
    this.links.set(peer, receive);
  }

  unlink(peer: NodeId): void {
    this.links.delete(peer);
  }

  send(to: NodeId, frame: Frame): SendResult {
    const receive = this.links.get(to);
    if (!receive) return 'unlinked';
    if (this.room <= 0) return 'full';
    this.room--;
    this.runtime.spend(this.frameCostMs);
    this.sent.push({ to, frame });
    if (!this.loses(frame)) this.runtime.defer(() => this.links.get(to) === receive && receive(frame));
    return 'queued';
  }

  broadcast(to: Iterable<NodeId>, frame: Frame): NodeId[] {
    return [...to].filter((node) => this.send(node, frame) !== 'queued');
  }

  /** The frames of one kind that were sent, to a node or to all. */
  of<K extends Frame['kind']>(kind: K, to?: NodeId): Array<Extract<Frame, { kind: K }>> {
    const frames = this.sent.filter((entry) => to === undefined || entry.to === to).map(({ frame }) => frame);
    return frames.filter((frame): frame is Extract<Frame, { kind: K }> => frame.kind === kind);
  }

  async open(): Promise<void> {}
  dial(): void {}
  disconnect(peer: NodeId): void {
    this.unlink(peer);
  }
  async close(): Promise<void> {}
  inspect(): TransportSnapshot {
    return { links: [], counters: {} };
  }
}
