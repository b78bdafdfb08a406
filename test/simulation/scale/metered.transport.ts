import { FrameDecoder, FrameEncoder } from '../../../lib/transport/codec/frame.codec.js';
import { FrameKind, type Frame } from '../../../lib/transport/frame.js';
import type { Address, NodeId } from '../../../lib/transport/node-info.js';
import type {
  SendResult,
  Transport,
  TransportHandler,
  TransportSnapshot,
} from '../../../lib/transport/transport.interface.js';
import type { TrafficMeter } from './traffic.meter.js';

/** Frames with rows, which the receiver keeps. */
const KEPT = new Set<number>([FrameKind.Batch, FrameKind.Snapshot, FrameKind.Orphans]);

/**
 * A transport of a memory network whose traffic is counted. Rows are read from bytes, as over TCP, so that every node
 * has texts of its own and the memory of a replica is that of a real one.
 */
export class MeteredTransport implements Transport {
  /** How many are open. */
  links = 0;
  private readonly encoder = new FrameEncoder();
  private readonly decoder = new FrameDecoder();

  constructor(
    private readonly inner: Transport,
    private readonly meter: TrafficMeter,
  ) {}

  open(handlerFor: (bound: Address) => TransportHandler): Promise<void> {
    return this.inner.open((bound) => {
      const handler = handlerFor(bound);
      return {
        hello: () => {
          const hello = handler.hello();
          this.meter.handshake(hello);
          return hello;
        },
        admit: (hello) => handler.admit(hello),
        linkOpened: (peer) => {
          this.links++;
          handler.linkOpened(peer);
        },
        linkClosed: (peer, reason, detail) => {
          this.links--;
          handler.linkClosed(peer, reason, detail);
        },
        drained: (peer) => handler.drained(peer),
        frame: (from, frame) => handler.frame(from, KEPT.has(frame.kind) ? this.copied(frame) : frame),
        dialed: (address, outcome) => handler.dialed(address, outcome),
      };
    });
  }

  dial(address: Address): void {
    this.inner.dial(address);
  }

  send(to: NodeId, frame: Frame): SendResult {
    const result = this.inner.send(to, frame);
    if (result === 'queued') this.meter.sent(frame.kind, this.meter.sizeOf(frame), 1);
    return result;
  }

  broadcast(to: Iterable<NodeId>, frame: Frame): NodeId[] {
    const nodes = [...to];
    const refused = this.inner.broadcast(nodes, frame);
    const taken = nodes.length - refused.length;
    if (taken > 0) this.meter.sent(frame.kind, this.meter.sizeOf(frame), taken);
    return refused;
  }

  disconnect(peer: NodeId, reason: string, flush?: boolean): void {
    this.inner.disconnect(peer, reason, flush);
  }

  close(): Promise<void> {
    return this.inner.close();
  }

  inspect(): TransportSnapshot {
    return this.inner.inspect();
  }

  private copied(frame: Frame): Frame {
    const { kind, head, tail } = this.encoder.encode(frame);
    return this.decoder.decode(kind, Buffer.concat(tail ? [head, tail] : [head]));
  }
}
