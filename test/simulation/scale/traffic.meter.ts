import { FrameEncoder } from '../../../lib/transport/codec/frame.codec.js';
import { FrameKind, type Frame } from '../../../lib/transport/frame.js';
import type { Hello, NodeInfo } from '../../../lib/transport/node-info.js';
import { PREAMBLE, UNIT_HEADER_BYTES } from '../../../lib/transport/tcp/wire.js';

/** Peaks are those of the fullest stretch of this length: as long as the kernel gathers changes of a view. */
export const WINDOW_MS = 100;

const KINDS = new Map<number, string>(Object.entries(FrameKind).map(([name, kind]) => [kind, name]));
const HANDSHAKE = 'handshake';

/** What travelled: `bytes` as on a TCP link without TCP's own. */
export interface Amount {
  readonly frames: number;
  readonly bytes: number;
}

/** What travelled between all nodes in a stretch of virtual time. */
export interface Traffic extends Amount {
  readonly ms: number;
  /** Of the fullest `WINDOW_MS`. */
  readonly peak: Amount;
  /** By the name of the kind of frame; hellos are `handshake`. */
  readonly byKind: Readonly<Record<string, Amount>>;
}

interface Count {
  frames: number;
  bytes: number;
}

/**
 * Counts what the nodes of a simulated swarm send, and sizes it with the encoder of the TCP transport. Fragments of
 * frames above 64 KiB, and TCP's own headers, are not counted.
 */
export class TrafficMeter {
  private readonly encoder = new FrameEncoder();
  private readonly kinds = new Map<string, Count>();
  private total: Count = { frames: 0, bytes: 0 };
  private window: Count = { frames: 0, bytes: 0 };
  private windowAt = 0;
  private peak: Count = { frames: 0, bytes: 0 };
  private since = 0;

  constructor(private readonly now: () => number) {}

  /**
   * Bytes that the frame takes on a link. The nodes of a study describe themselves in as many bytes each: of the list of
   * a thousand, two are written out.
   */
  sizeOf(frame: Frame): number {
    if (frame.kind !== FrameKind.Roll || frame.members.length <= 2) return this.encodedSize(frame);
    const [first, second] = frame.members as readonly [NodeInfo, NodeInfo];
    const one = this.encodedSize({ ...frame, members: [first] });
    const two = this.encodedSize({ ...frame, members: [first, second] });
    return one + (frame.members.length - 1) * (two - one);
  }

  sent(kind: number, bytes: number, copies: number): void {
    this.count(KINDS.get(kind) ?? String(kind), copies, copies * bytes);
  }

  /** One side of a handshake. */
  handshake(hello: Hello): void {
    this.count(HANDSHAKE, 1, PREAMBLE.length + UNIT_HEADER_BYTES + bytesOf(hello));
  }

  /** What was counted since the last call. */
  take(): Traffic {
    this.endWindow();
    const { total, peak, kinds, since } = this;
    const ms = this.now() - since;
    const traffic = { ms, ...total, peak, byKind: Object.fromEntries(kinds) };
    this.total = { frames: 0, bytes: 0 };
    this.peak = { frames: 0, bytes: 0 };
    this.kinds.clear();
    this.since = this.now();
    return traffic;
  }

  private encodedSize(frame: Frame): number {
    const { head, tail } = this.encoder.encode(frame);
    return UNIT_HEADER_BYTES + head.length + (tail?.length ?? 0);
  }

  private count(kind: string, frames: number, bytes: number): void {
    if (this.now() - this.windowAt >= WINDOW_MS) this.endWindow();
    let known = this.kinds.get(kind);
    if (!known) this.kinds.set(kind, (known = { frames: 0, bytes: 0 }));
    for (const count of [known, this.total, this.window]) {
      count.frames += frames;
      count.bytes += bytes;
    }
  }

  private endWindow(): void {
    const { window, peak } = this;
    this.peak = {
      frames: Math.max(peak.frames, window.frames),
      bytes: Math.max(peak.bytes, window.bytes),
    };
    this.window = { frames: 0, bytes: 0 };
    this.windowAt = Math.floor(this.now() / WINDOW_MS) * WINDOW_MS;
  }
}

/** Lengths of what hellos say but for their digests, by their nodes and statuses: of many, few differ otherwise. */
const helloBytes = new WeakMap<NodeInfo, Map<Hello['status'], number>>();

/** Of its JSON. */
function bytesOf(hello: Hello): number {
  const { node, status, roll } = hello;
  let known = helloBytes.get(node);
  if (!known) helloBytes.set(node, (known = new Map()));
  let bytes = known.get(status);
  if (bytes === undefined) known.set(status, (bytes = JSON.stringify({ ...hello, roll: 0 }).length - 1));
  return bytes + String(roll).length;
}
