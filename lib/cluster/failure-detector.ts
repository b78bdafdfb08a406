// Decides who is silent: a ping on every link every heartbeat, any frame is proof of life (carries P7: nobody is
// waited for longer than `suspectAfterMs`). Whether a silent node is dead is the membership's decision.
import type { Runtime } from '../runtime/runtime.interface.js';
import { FrameKind, type PingFrame } from '../transport/frame.js';
import type { NodeId } from '../transport/node-info.js';
import type { Transport } from '../transport/transport.interface.js';
import type { Members } from './members.js';

/** Looks at the clock four times a heartbeat, so that silence is noticed a quarter of it late at most. */
const LOOKS_PER_HEARTBEAT = 4;
/** A ping follows this long after the own log moved, so that replicas are compared soon (P6). */
export const QUIET_LOG_MS = 200;

export interface FailureDetectorParts {
  readonly runtime: Runtime;
  readonly transport: Transport;
  readonly members: Members;
  readonly heartbeatMs: number;
  readonly suspectAfterMs: number;
  /** What the ping to this peer says of the own log. */
  logState(peer: NodeId): { readonly seq: number | null; readonly digest: number };
  stamp(): number;
  /** Not heard for `suspectAfterMs`. */
  silent(peer: NodeId): void;
}

export class FailureDetector {
  private pingId = 0;
  private lookedAt = 0;
  private pingAt = 0;

  constructor(private readonly parts: FailureDetectorParts) {}

  start(): void {
    this.lookedAt = this.parts.runtime.now();
    this.pingAt = this.lookedAt;
    this.look();
  }

  /** Pings everyone now; used by the heartbeat, and when the own log has come to rest. */
  pingAll(): void {
    for (const peer of this.parts.members.linkedIds()) this.ping(peer);
  }

  private ping(peer: NodeId): void {
    const frame: PingFrame = {
      kind: FrameKind.Ping,
      id: (this.pingId = (this.pingId + 1) >>> 0),
      stamp: this.parts.stamp(),
      ...this.parts.logState(peer),
    };
    this.parts.transport.send(peer, frame);
  }

  private look(): void {
    const { runtime, members, heartbeatMs, suspectAfterMs } = this.parts;
    const now = runtime.now();
    const late = now - this.lookedAt - heartbeatMs / LOOKS_PER_HEARTBEAT;
    this.lookedAt = now;
    // This node itself was blocked or paused: what the others sent meanwhile waits unread in its sockets, so their
    // silence means nothing yet.
    if (late > suspectAfterMs / 2) for (const member of members.peers()) member.heardAt = now;
    for (const member of [...members.peers()]) {
      if (now - member.heardAt > suspectAfterMs) this.parts.silent(member.info.id);
    }
    if (now >= this.pingAt) {
      this.pingAt = now + heartbeatMs;
      this.pingAll();
    }
    runtime.after(heartbeatMs / LOOKS_PER_HEARTBEAT, () => this.look());
  }
}
