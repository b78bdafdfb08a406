// Decides who is silent: a ping on every link every heartbeat, any frame is proof of life (carries P7: nobody is
// waited for longer than `suspectAfterMs`). Whether a silent node is dead is the membership's decision. It suspects this
// node first: while the event loop was held up, what the others sent waits unread, and what they believe is not known.
import { keepLatest } from '../runtime/keep-latest.js';
import type { Runtime } from '../runtime/runtime.interface.js';
import { FrameKind } from '../transport/frame.js';
import type { NodeId } from '../transport/node-info.js';
import type { Transport } from '../transport/transport.interface.js';
import type { Member } from './member.js';
import type { Members } from './members.js';

/** Looks at the clock four times a heartbeat, so that silence is noticed a quarter of it late at most. */
const LOOKS_PER_HEARTBEAT = 4;
/** A ping follows this long after the own log moved, so that replicas are compared soon (P6). */
export const QUIET_LOG_MS = 200;
/** Pings whose sending time is known; more are on their way only if nobody has answered for minutes. */
const KNOWN_PINGS = 256;
/** How much less is said of a delay with each ping. */
const DELAY_DECAY = 0.8;

/** What `FailureDetector` asks of its node, and what it tells it. */
export interface FailureDetectorParts {
  readonly runtime: Runtime;
  readonly transport: Transport;
  readonly members: Members;
  readonly heartbeatMs: number;
  readonly suspectAfterMs: number;
  /** What the ping to this peer says of the own log. */
  logState(peer: NodeId): { readonly seq: number | null; readonly digest: number };
  stamp(): number;
  /** Not heard for half of `suspectAfterMs`; again with every look. */
  quiet(member: Member): void;
  /** Not heard for `suspectAfterMs`, and what it says of its own delays. */
  silent(member: Member): void;
  /** It is time to look at leases; also after a ping was acknowledged. */
  looked(): void;
  /**
   * Until when the others do not take this node for dead, for all they have heard of it. `-Infinity` when it has woken
   * after that, and has not heard yet what became of it.
   */
  trustedUntil(until: number): void;
}

/** Pings all that are linked, and notices who is silent. */
export class FailureDetector {
  private pingId = 0;
  private lookedAt = 0;
  private pingAt = 0;
  private pingedAt = 0;
  private delayMs = 0;
  private readonly sentAt = new Map<number, number>();
  /**
   * Peers that have to answer a ping of now, or be lost, before this node goes on after it was held up for too long: what
   * they sent before may have waited here, and does not tell what they have believed since.
   */
  private bearings: Set<NodeId> | undefined;
  private lostAt = 0;

  constructor(private readonly parts: FailureDetectorParts) {}

  start(): void {
    this.lookedAt = this.parts.runtime.now();
    this.pingedAt = this.lookedAt;
    this.pingAt = this.lookedAt;
    this.look();
  }

  /** Pings everyone now; used by the heartbeat, and when the own log has come to rest. */
  pingAll(): void {
    const id = this.newPing();
    for (const peer of this.parts.members.linkedIds()) this.send(peer, id);
  }

  ping(peer: NodeId): void {
    this.send(peer, this.newPing());
  }

  /** A ping was acknowledged by a member whose word counts. */
  acknowledged(member: Member, id: number): void {
    const sentAt = this.sentAt.get(id);
    if (sentAt === undefined || sentAt <= member.ackedAt) return;
    member.ackedAt = sentAt;
    member.acksSince ??= this.parts.runtime.now();
    this.parts.looked();
  }

  /** A member has answered a ping, whether or not its word counts. */
  answered(id: NodeId, ping: number): void {
    if (this.bearings && (this.sentAt.get(ping) ?? -Infinity) >= this.lostAt) this.gone(id);
  }

  /** It is no member any more. */
  gone(id: NodeId): void {
    if (this.bearings?.delete(id)) this.findBearings();
  }

  /** Whether nothing has come from it for so long that a connection which has lost something might be the reason. */
  isQuiet({ heardAt, delayMs }: Member): boolean {
    const { runtime, suspectAfterMs } = this.parts;
    return runtime.now() - heardAt > suspectAfterMs / 2 + delayMs;
  }

  private newPing(): number {
    const { sentAt, parts } = this;
    const id = (this.pingId = (this.pingId + 1) >>> 0);
    keepLatest(sentAt, id, parts.runtime.now(), KNOWN_PINGS);
    return id;
  }

  private send(peer: NodeId, id: number): void {
    const { transport, stamp, logState, members } = this.parts;
    const { incarnation } = members.self.info;
    const delayMs = Math.round(this.delayMs);
    transport.send(peer, {
      kind: FrameKind.Ping,
      id,
      stamp: stamp(),
      incarnation,
      delayMs,
      ...logState(peer),
    });
  }

  private look(): void {
    const { runtime, members, heartbeatMs, suspectAfterMs } = this.parts;
    const now = runtime.now();
    const lateMs = now - this.lookedAt - heartbeatMs / LOOKS_PER_HEARTBEAT;
    this.lookedAt = now;
    this.delayMs = Math.max(this.delayMs, Math.min(lateMs, suspectAfterMs));
    // This node itself was blocked or paused: the silence of the others means nothing yet.
    if (lateMs > suspectAfterMs / 2) for (const member of members.peers()) member.heardAt = now;
    if (now - this.pingedAt > suspectAfterMs) this.loseBearings();
    // What came while it was held up is read first.
    const isInTime = lateMs < heartbeatMs / LOOKS_PER_HEARTBEAT;
    for (const member of [...members.peers()]) {
      if (now - member.heardAt > suspectAfterMs + member.delayMs) this.parts.silent(member);
      else if (isInTime && this.isQuiet(member)) this.parts.quiet(member);
    }
    if (now >= this.pingAt) {
      this.pingAt = now + heartbeatMs;
      this.pingAll();
      this.pingedAt = now;
      this.delayMs = this.delayMs < 1 ? 0 : this.delayMs * DELAY_DECAY;
    }
    this.findBearings();
    this.parts.looked();
    runtime.after(heartbeatMs / LOOKS_PER_HEARTBEAT, () => this.look());
  }

  private loseBearings(): void {
    this.bearings = new Set([...this.parts.members.peers()].map(({ info }) => info.id));
    this.pingAt = this.lookedAt;
    this.lostAt = this.lookedAt;
    this.parts.trustedUntil(-Infinity);
  }

  /** Nobody is waited for who is lost; a node that was fenced meanwhile has to join again first. */
  private findBearings(): void {
    const { members, suspectAfterMs, trustedUntil } = this.parts;
    for (const id of this.bearings ?? []) if (!members.get(id)) this.bearings?.delete(id);
    if (this.bearings !== undefined && (this.bearings.size > 0 || members.self.status === 'joining')) return;
    this.bearings = undefined;
    trustedUntil(this.pingedAt + suspectAfterMs);
  }
}
