// Decides who is there: adopts every node that links, waits at the join barrier, takes silent and refused nodes for
// dead (promises P1 and P7). The one place that writes the set of members.
import type { DiscoveryProvider } from '../discovery/discovery-provider.interface.js';
import type { HybridLogicalClock } from '../runtime/hybrid-logical-clock.js';
import type { KernelLogger, Runtime, Timer } from '../runtime/runtime.interface.js';
import { FrameKind, type AdoptedFrame, type PingFrame, type StatusFrame } from '../transport/frame.js';
import {
  addressKey,
  type Address,
  type Hello,
  type MemberAddress,
  type NodeId,
  type NodeInfo,
  type Refusal,
} from '../transport/node-info.js';
import type { DialOutcome, LinkCloseReason, Transport } from '../transport/transport.interface.js';
import { Dialer } from './dialer.js';
import { FailureDetector } from './failure-detector.js';
import { JoinBarrier } from './join-barrier.js';
import type { Member } from './member.js';
import { Members } from './members.js';

/** How many (id, incarnation) pairs of dead nodes are remembered, so that none comes back. */
const DEAD_LIMIT = 4_096;

export interface MembershipOptions {
  readonly cluster: string;
  readonly protocol: { readonly min: number; readonly max: number };
  readonly heartbeatMs: number;
  readonly suspectAfterMs: number;
  readonly pollMs: number;
  readonly aloneAfterMs: number;
}

/** What the rest of the kernel is told of the members. */
export interface MembershipListener {
  /** A link to the member is open: it is in the ring from now on. */
  linked(member: Member): void;
  /** The link broke; the member is not yet taken for dead. */
  unlinked(member: Member): void;
  down(member: Member, reason: string): void;
  /** Who is in the ring, or whether starts are allowed, has changed. */
  changed(): void;
  /** A member's own status changed, or it appeared for the first time. */
  statusChanged(member: Member): void;
  /** This node has passed the join barrier. */
  selfUp(): void;
  /** This node, which has not joined yet, has another incarnation. */
  reincarnated(incarnation: number): void;
  logState(peer: NodeId): { readonly seq: number | null; readonly digest: number };
}

export interface MembershipParts {
  readonly runtime: Runtime;
  readonly clock: HybridLogicalClock;
  readonly transport: Transport;
  readonly logger: KernelLogger;
  readonly discovery: readonly DiscoveryProvider[];
  readonly self: NodeInfo;
  readonly options: MembershipOptions;
  readonly listener: MembershipListener;
}

export class Membership {
  readonly members: Members;
  readonly barrier: JoinBarrier;
  readonly detector: FailureDetector;
  private readonly dialer: Dialer;
  /** Members that others named and this node has no link to yet. */
  private readonly expected = new Map<NodeId, { address: MemberAddress; since: number }>();
  /** Highest incarnation of an id that was taken for dead or replaced. */
  private readonly dead = new Map<NodeId, number>();
  /** Peers whose rows may still be on their way; nothing unknown is started meanwhile, for `pollMs` at most. */
  private readonly rowsPending = new Map<NodeId, Timer>();
  /** It has left: nobody links any more. */
  private closing = false;

  constructor(private readonly parts: MembershipParts) {
    const { runtime, transport, logger, discovery, options, self } = parts;
    this.members = new Members({ info: self, status: 'joining', linked: false, heardAt: 0, adoptedUs: true });
    this.dialer = new Dialer(
      runtime,
      transport,
      discovery,
      {
        isLinked: (key) => key === addressKey(self) || this.memberAt(key)?.linked === true,
        isJoining: () => this.members.self.status === 'joining',
        roundEnded: () => this.check(),
      },
      logger,
    );
    this.barrier = new JoinBarrier({
      members: this.members,
      dialer: this.dialer,
      aloneAfterMs: options.aloneAfterMs,
      listeningSince: runtime.now(),
      expected: () => this.expected.keys(),
    });
    this.detector = new FailureDetector({
      runtime,
      transport,
      members: this.members,
      heartbeatMs: options.heartbeatMs,
      suspectAfterMs: options.suspectAfterMs,
      logState: (peer) => parts.listener.logState(peer),
      stamp: () => parts.clock.next(),
      silent: (peer) => this.silent(peer),
    });
  }

  start(): void {
    this.detector.start();
    this.dialer.start();
    this.forgetUnreachable();
    this.check();
  }

  /** Whether this node may start a worker that it does not know of yet. */
  get mayStart(): boolean {
    return this.members.self.status === 'up' && this.rowsPending.size === 0;
  }

  /** Why nobody else is there, a line per candidate. */
  whyAlone(): string[] {
    return this.dialer.explain();
  }

  /** Says so to everyone; a leaving node is in no ring, `left` makes the others take it for gone. */
  announce(status: 'leaving' | 'left'): void {
    // A node that is leaving still serves: it links, and is linked to, until the last of its workers has ended.
    this.closing = status === 'left';
    this.members.setStatus(this.members.self, 'leaving');
    this.broadcastStatus(status);
    this.parts.listener.changed();
  }

  hello(): Hello {
    const { cluster, protocol } = this.parts.options;
    const { info, status } = this.members.self;
    return {
      cluster,
      protocol,
      node: info,
      status: status === 'down' ? 'leaving' : status,
      members: this.members.addresses(),
    };
  }

  admit({ node }: Hello): Refusal | undefined {
    if (this.closing) return { code: 'closing', message: `${this.members.self.info.id} is shutting down` };
    if (node.id === this.members.self.info.id) {
      return {
        code: 'identity',
        message: `another node calls itself ${node.id}: give each node its own name or port`,
      };
    }
    const known = Math.max(this.members.get(node.id)?.info.incarnation ?? 0, this.dead.get(node.id) ?? 0);
    if (node.incarnation < known) {
      return {
        code: 'stale-incarnation',
        message: `${node.id} was replaced by a newer process of the same name and address`,
        incarnation: known,
      };
    }
    return undefined;
  }

  linkOpened(hello: Hello): void {
    const { runtime, listener, options } = this.parts;
    const { id, incarnation } = hello.node;
    let member = this.members.get(id);
    if (member && member.info.incarnation < incarnation) {
      this.takeForDead(member, 'it was restarted');
      member = undefined;
    }
    this.expected.delete(id);
    this.dialer.forget(hello.node);
    if (member) {
      member.linked = true;
      member.heardAt = runtime.now();
      member.adoptedUs = false;
      this.members.setStatus(member, hello.status);
    } else {
      member = this.members.add(hello.node, hello.status, runtime.now());
    }
    for (const address of hello.members) this.hearOf(address);
    // The hello was made before the link opened: either side may have come up meanwhile.
    this.tellStatus(id);
    if (this.members.self.status === 'up') {
      this.rowsPending.get(id)?.cancel();
      this.rowsPending.set(
        id,
        runtime.after(options.pollMs, () => this.rowsArrived(id)),
      );
    }
    listener.linked(member);
    listener.statusChanged(member);
    listener.changed();
    this.check();
  }

  linkClosed(id: NodeId, reason: LinkCloseReason): void {
    const member = this.members.get(id);
    if (!member?.linked) return;
    member.linked = false;
    member.adoptedUs = false;
    this.parts.logger.debug(`the link to ${id} is closed: ${reason}`);
    this.parts.listener.unlinked(member);
    this.rowsArrived(id);
    if (this.closing) return;
    // A process that died refuses the next connection; one that lives is linked again at once.
    this.dialer.seek(member.info);
    this.check();
  }

  /** The link has refused frames, perhaps one that told this node's status: once more. */
  drained(id: NodeId): void {
    this.tellStatus(id);
  }

  dialed(address: Address, outcome: DialOutcome): void {
    if (outcome.kind === 'nudged' && outcome.peer.id > this.members.self.info.id)
      return this.nudged(outcome.peer);
    this.dialer.dialed(address, outcome);
    const key = addressKey(address);
    if (outcome.kind === 'refused') return this.goneAt(key, 'nothing listens at its address any more');
    const peer = 'peer' in outcome ? outcome.peer : undefined;
    if (peer) this.goneAt(key, `${peer.id} answers at its address`, peer.id);
    if (outcome.kind === 'nudged' && peer) this.hearOf(peer);
    if (outcome.kind === 'rejected') this.rejected(key, outcome.message, outcome.refusal);
    return undefined;
  }

  ping(from: NodeId, { id, stamp }: PingFrame): void {
    this.parts.clock.observe(stamp);
    this.parts.transport.send(from, { kind: FrameKind.Pong, id });
  }

  status(from: NodeId, { status }: StatusFrame): void {
    const member = this.members.get(from);
    if (!member) return;
    if (status === 'left') {
      this.parts.transport.disconnect(from, 'it has left');
      return this.takeForDead(member, 'it has left');
    }
    this.members.setStatus(member, status);
    this.parts.listener.statusChanged(member);
    this.parts.listener.changed();
    return this.check();
  }

  adopted(from: NodeId, { members }: AdoptedFrame): void {
    const member = this.members.get(from);
    if (!member) return;
    member.adoptedUs = true;
    for (const address of members) this.hearOf(address);
    this.rowsArrived(from);
    this.check();
  }

  /** A node that this one has to dial asks for it: it is there now. */
  private nudged(peer: NodeInfo): void {
    if (this.closing || this.members.get(peer.id)?.linked) return;
    this.hearOf(peer);
    this.dialer.dialNow(peer);
  }

  private rowsArrived(id: NodeId): void {
    const timer = this.rowsPending.get(id);
    if (!timer) return;
    timer.cancel();
    this.rowsPending.delete(id);
    this.parts.listener.changed();
  }

  /** Another node named this one: link to it, and do not pass the barrier without it. */
  private hearOf(address: MemberAddress): void {
    if (this.closing || address.id === this.members.self.info.id || this.members.get(address.id)) return;
    if (address.incarnation < (this.dead.get(address.id) ?? 0)) return;
    if (!this.expected.has(address.id)) {
      this.expected.set(address.id, { address, since: this.parts.runtime.now() });
    }
    this.dialer.seek(address);
  }

  /** Whoever was believed to be at this address, and is not linked, is gone. */
  private goneAt(key: string, reason: string, except?: NodeId): void {
    for (const [id, { address }] of this.expected) {
      if (id !== except && addressKey(address) === key) this.unexpect(id);
    }
    const member = this.memberAt(key, except);
    if (member && !member.linked) this.takeForDead(member, reason);
    this.check();
  }

  private rejected(key: string, message: string, refusal: Refusal | undefined): void {
    const { logger, clock } = this.parts;
    if (refusal?.code === 'closing') this.goneAt(key, 'it is shutting down');
    if (refusal?.code !== 'stale-incarnation' || refusal.incarnation === undefined) return;
    clock.observe(refusal.incarnation);
    const { self } = this.members;
    if (self.status === 'joining' && self.info.incarnation <= refusal.incarnation) {
      // The wall clock went back since the process before this one ran: take a stamp above its last.
      self.info = { ...self.info, incarnation: clock.next() };
      this.parts.listener.reincarnated(self.info.incarnation);
      // Whoever has linked already knows this node by its old stamp: link again under the new one.
      for (const id of [...this.members.linkedIds()]) {
        this.parts.transport.disconnect(id, 'this node takes a new incarnation');
        this.linkClosed(id, 'disconnected');
      }
    } else {
      logger.warn(`${key} refuses this node: ${message}. Restart this process.`);
    }
  }

  private silent(id: NodeId): void {
    const member = this.members.get(id);
    if (!member) return;
    this.parts.transport.disconnect(id, 'it is silent');
    this.takeForDead(member, `it was silent for ${this.parts.options.suspectAfterMs} ms`);
  }

  private takeForDead(member: Member, reason: string): void {
    const { id, incarnation } = member.info;
    if (member.linked) {
      member.linked = false;
      this.parts.listener.unlinked(member);
    }
    this.members.remove(id);
    member.status = 'down';
    this.dead.delete(id);
    this.dead.set(id, incarnation);
    for (const oldest of this.dead.keys()) {
      if (this.dead.size <= DEAD_LIMIT) break;
      this.dead.delete(oldest);
    }
    this.dialer.forget(member.info);
    if (reason !== 'it has left') this.dialer.remember(member.info);
    this.rowsArrived(id);
    this.parts.listener.down(member, reason);
    this.parts.listener.changed();
    this.check();
  }

  private unexpect(id: NodeId): void {
    const gone = this.expected.get(id);
    if (!gone) return;
    this.expected.delete(id);
    this.dialer.forget(gone.address);
  }

  /** Members that only others can reach are waited for as long as a silent one is, not longer. */
  private forgetUnreachable(): void {
    const { runtime, options, logger } = this.parts;
    for (const [id, { since }] of this.expected) {
      if (runtime.now() - since <= options.suspectAfterMs) continue;
      logger.warn(
        `${id} is a member for others and cannot be reached from here: check the network between them`,
      );
      this.unexpect(id);
    }
    this.check();
    runtime.after(options.suspectAfterMs / 4, () => this.forgetUnreachable());
  }

  private memberAt(key: string, except?: NodeId): Member | undefined {
    for (const member of this.members.peers()) {
      if (member.info.id !== except && addressKey(member.info) === key) return member;
    }
    return undefined;
  }

  private tellStatus(id: NodeId): void {
    const { status } = this.members.self;
    if (status !== 'up' && status !== 'leaving') return;
    this.parts.transport.send(id, { kind: FrameKind.Status, status });
  }

  private broadcastStatus(status: StatusFrame['status']): void {
    this.parts.transport.broadcast([...this.members.linkedIds()], { kind: FrameKind.Status, status });
  }

  private check(): void {
    if (this.closing || this.members.self.status !== 'joining' || !this.barrier.isOpen()) return;
    this.members.setStatus(this.members.self, 'up');
    this.broadcastStatus('up');
    this.parts.listener.selfUp();
    this.parts.listener.changed();
  }
}
