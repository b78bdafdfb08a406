// Decides who is there: adopts every node that links, waits at the join barrier, takes for dead whom nobody hears
// (promises P1, P2 and P7). The one place that writes the set of members.
//
// It asks the rest of this folder, and does what they decide:
//
//   whom to link     dialer.ts, expected-members.ts (named by others), rolls.ts (whom the others know)
//   may it start?    join-barrier.ts
//   is it alive?     failure-detector.ts (silent?), suspicions.ts (heard by anybody?)
//   under a quorum   leases.ts, quorum-views.ts and establishment.ts (whose word counts for one), fencing.ts (is a lost
//                    node over?)
import { keepLatest } from '../runtime/keep-latest.js';
import type { Timer } from '../runtime/runtime.interface.js';
import { WarningThrottle } from '../runtime/warning.throttle.js';
import {
  FrameKind,
  type AdoptedFrame,
  type PingFrame,
  type PongFrame,
  type StatusFrame,
} from '../transport/frame.js';
import {
  addressKey,
  type Address,
  type Hello,
  type MemberAddress,
  type NodeId,
  type NodeInfo,
  type Refusal,
} from '../transport/node-info.js';
import type { DialOutcome, LinkCloseReason } from '../transport/transport.interface.js';
import { Dialer } from './dialer.js';
import { Establishment } from './establishment.js';
import { ExpectedMembers } from './expected-members.js';
import { FailureDetector } from './failure-detector.js';
import { Fencing, type Loss } from './fencing.js';
import { JoinBarrier } from './join-barrier.js';
import { Leases } from './leases.js';
import type { Member } from './member.js';
import { Members, newMember } from './members.js';
import type { MembershipParts } from './membership-parts.js';
import { votes } from './quorum-bound.js';
import { Rolls } from './rolls.js';
import { Suspicions } from './suspicions.js';
import { QuorumViews } from './quorum-views.js';

/** How many (id, incarnation) pairs of dead nodes are remembered, so that none comes back. */
const DEAD_LIMIT = 4_096;
/** How long a node that has answered a dial may take until it is heard over its link, too. */
const ANSWER_PATIENCE_MS = 50;
/** How many nodes that were given up unheard are remembered, to ask others about them when they cannot be dialled. */
const LOST_LIMIT = 256;

/** The members of one node's swarm as it sees them, and what it is among them itself. */
export class Membership {
  readonly members: Members;
  readonly barrier: JoinBarrier;
  readonly detector: FailureDetector;
  readonly suspicions: Suspicions;
  readonly fencing: Fencing;
  readonly leases: Leases;
  readonly views: QuorumViews;
  readonly rolls: Rolls;
  private readonly dialer: Dialer;
  private readonly expected: ExpectedMembers;
  private readonly establishment: Establishment;
  /** Highest incarnation of an id that was taken for dead or replaced, and since when its word has counted. */
  private readonly dead = new Map<
    NodeId,
    { readonly incarnation: number; readonly acksSince: number | undefined }
  >();
  /** Nodes that nobody heard, by address: if others hear them again, they are reached by way of those. */
  private readonly lost = new Map<string, NodeInfo>();
  /** Why suspects are suspected, for what is said of them when nobody hears them. */
  private readonly reasons = new Map<NodeId, string>();
  /** Limits how often the log says of a node that it refuses this one. */
  private readonly refusals = new WarningThrottle();
  /** Peers whose rows may still be on their way; nothing unknown is started meanwhile, for `pollMs` at most. */
  private readonly rowsPending = new Map<NodeId, Timer>();
  /** This node has left: nobody links to it any more. */
  private closing = false;
  /** This node is stopping what it ran under a lease, and joins again afterwards. */
  private rejoining = false;

  constructor(private readonly parts: MembershipParts) {
    const { runtime, transport, logger, discovery, options, self, listener } = parts;
    this.members = new Members({ ...newMember(self, 'joining', 0), adoptedUs: true });
    const { members } = this;
    this.dialer = new Dialer(
      runtime,
      transport,
      discovery,
      {
        isLinked: (key) => key === addressKey(self) || this.isLinkedAt(key),
        isJoining: () => members.self.status === 'joining',
        roundEnded: () => this.check(),
      },
      logger,
    );
    this.expected = new ExpectedMembers({
      runtime,
      logger,
      members,
      dialer: this.dialer,
      pollMs: options.pollMs,
      suspectAfterMs: options.suspectAfterMs,
      isKnown: (info) => this.isKnown(info),
      mayLink: (address) => this.mayLink(address),
      isMissing: (info) => this.fencing.learned(info),
      noneLeft: () => listener.changed(),
      check: () => this.check(),
    });
    this.barrier = new JoinBarrier({
      members,
      dialer: this.dialer,
      aloneAfterMs: options.aloneAfterMs,
      listeningSince: runtime.now(),
      expected: this.expected,
      rolls: () => this.rolls,
    });
    this.rolls = new Rolls({
      runtime,
      transport,
      members,
      isExpecting: () => this.expected.isAnyToCome,
      isToBeAdopted: () => this.barrier.isToBeAdopted,
      named: (info) => this.expected.hearOf(info, info),
      sendBehind: listener.sendBehind,
      read: () => this.check(),
    });
    this.fencing = new Fencing({
      runtime,
      transport,
      members,
      quorums: parts.quorums,
      leaseMs: options.leaseMs,
      pollMs: options.pollMs,
      askAgain: (id, incarnation) => this.suspicions.ask(id, incarnation),
      fenced: (id, incarnation, by) => this.hasFenced(id, incarnation, by),
      readUpTo: listener.readUpTo,
      released: listener.released,
      changed: () => this.countsChanged(),
    });
    this.establishment = new Establishment(runtime, members.self, parts.quorums, this.fencing);
    this.leases = new Leases({
      runtime,
      self: members.self,
      quorums: parts.quorums,
      leaseMs: options.leaseMs,
      boundOf: (type) => this.fencing.boundOf(type),
      extended: listener.leaseExtended,
      changed: listener.leasesChanged,
      stale: (types) => this.rejoin((done) => listener.leaseStale(types, done)),
    });
    this.views = new QuorumViews({
      transport,
      members,
      missing: () => this.fencing.missingNodes(),
      isKnown: (info) => this.isKnown(info),
      heardOf: (info) => this.expected.hearOf(info, info),
      isMissing: (info) => this.fencing.learned(info),
      askAgain: (peer) => this.detector.ping(peer),
    });
    this.detector = new FailureDetector({
      runtime,
      transport,
      members,
      heartbeatMs: options.heartbeatMs,
      suspectAfterMs: options.suspectAfterMs,
      logState: listener.logState,
      stamp: () => parts.clock.next(),
      quiet: (member) => this.dialAnew(member),
      silent: (member) => this.suspect(member, `it was silent for ${options.suspectAfterMs} ms`),
      looked: () => this.leases.renew(),
      trustedUntil: listener.trustedUntil,
    });
    this.suspicions = new Suspicions({
      runtime,
      transport,
      members,
      pollMs: options.pollMs,
      probe: (id) => this.probe(id),
      fence: (id, incarnation, by) => this.fencing.fence(id, incarnation, by),
      isFenced: (id, incarnation) => this.fencing.isFenced(id, incarnation),
      ackedAgoMs: (id, incarnation) => this.fencing.ackedAgoMs(id, incarnation),
      readUpTo: listener.readUpTo,
      isReleased: (id, incarnation) => this.fencing.isOver(id, incarnation),
      refuted: (id, incarnation, by) => this.refuted(id, incarnation, by),
      unheard: (id, incarnation, voices) => this.unheard(id, incarnation, voices),
      voted: (from, frame) => this.fencing.voted(from, frame),
    });
  }

  start(): void {
    this.detector.start();
    this.dialer.start();
    this.expected.start();
    this.check();
  }

  /** Whether this node may start a worker that it does not know of yet. */
  get mayStart(): boolean {
    return this.members.self.status === 'up' && !this.isReading;
  }

  /** Whether rows that others had tracked before they linked may still be on their way, for `pollMs` at most. */
  get isReading(): boolean {
    return this.isReadingFrom();
  }

  /** As `isReading`, of all but `except`. */
  isReadingFrom(except?: NodeId): boolean {
    return this.rowsPending.size > (except !== undefined && this.rowsPending.has(except) ? 1 : 0);
  }

  /**
   * Whether others have named a member that this node has not met, and whose end nobody has told: it may hold rows, or have
   * held some, of which this node knows nothing. For about `suspectAfterMs` at most.
   */
  get isExpecting(): boolean {
    return this.expected.isAny;
  }

  /** Candidates may have changed. */
  lookNow(): void {
    this.dialer.lookNow();
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
    this.changed();
  }

  hello(): Hello {
    const { cluster, protocol } = this.parts.options;
    const { info, status } = this.members.self;
    return {
      cluster,
      protocol,
      node: info,
      status: status === 'joining' || status === 'up' ? status : 'leaving',
      roll: this.members.digest,
    };
  }

  admit({ node }: Hello): Refusal | undefined {
    const refusal = this.refusalOf(node);
    return refusal && { ...refusal, about: node.id };
  }

  private refusalOf(node: NodeInfo): Omit<Refusal, 'about'> | undefined {
    if (this.closing) return { code: 'closing', message: `${this.members.self.info.id} is shutting down` };
    if (node.id === this.members.self.info.id) {
      return {
        code: 'identity',
        message: `another node calls itself ${node.id}: give each node its own name or port`,
      };
    }
    if (this.fencing.isFenced(node.id, node.incarnation)) {
      return {
        code: 'fenced',
        message: `${node.id} was not heard for too long: the others have gone on without it`,
        incarnation: this.fencing.fencedUpTo(node.id) ?? node.incarnation,
      };
    }
    const ignored = node.hosting ? this.parts.options.ignoreList.reasonFor(node) : undefined;
    if (ignored !== undefined) {
      return { code: 'ignored', message: `${ignored}: it may be linked as a client (node.hosting: false)` };
    }
    const known = Math.max(
      this.members.get(node.id)?.info.incarnation ?? 0,
      this.dead.get(node.id)?.incarnation ?? 0,
    );
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
    const { runtime, listener, options, relays, clock, transport } = this.parts;
    const { id, incarnation, firstIncarnation } = hello.node;
    const { self } = this.members;
    clock.observe(incarnation);
    // A node that joins must have a higher incarnation than all members: the oldest ones count for a quorum first.
    const isOlder = incarnation > self.info.incarnation && this.parts.quorums.size > 0;
    if (isOlder && self.status === 'joining' && hello.status !== 'joining') {
      transport.disconnect(id, 'this node takes a new incarnation');
      this.expected.hearOf(hello.node);
      return this.reincarnate();
    }
    const before = this.dead.get(id);
    let member = this.members.get(id);
    if (member && member.info.incarnation < incarnation) {
      const reborn = firstIncarnation <= member.info.incarnation;
      const reason = reborn ? 'it has taken a new incarnation' : 'it was restarted';
      this.takeForDead(member, reason, { kind: 'replaced' }, reborn);
      member = undefined;
    }
    const isBack = !member && before?.incarnation === incarnation;
    this.expected.met(hello.node);
    const isDirect = relays.viaOf(id) === undefined;
    this.lost.delete(addressKey(hello.node));
    if (isDirect) this.dialer.forget(hello.node);
    else this.dialer.seek(hello.node);
    if (member) {
      member.linked = true;
      member.suspected = false;
      member.heardAt = runtime.now();
      this.members.setAdopted(member, false);
      this.members.setStatus(member, hello.status);
    } else {
      member = this.members.add(hello.node, hello.status, runtime.now());
      if (isBack) member.acksSince = before.acksSince;
    }
    if (isDirect) this.suspicions.heard(id);
    else this.suspicions.drop(id);
    this.suspicions.linked(id);
    this.fencing.returned(hello.node);
    this.rolls.told(id, hello.roll);
    // The hello was made before the link opened: either side may have come up meanwhile.
    this.tellStatus(id);
    if (self.status === 'up') {
      this.rowsPending.get(id)?.cancel();
      this.rowsPending.set(
        id,
        runtime.after(options.pollMs, () => this.rowsArrived(id)),
      );
    }
    listener.linked(member);
    this.views.tell(id);
    this.detector.ping(id);
    listener.statusChanged(member);
    if (isBack) listener.merged(member);
    this.changed();
    this.check();
  }

  linkClosed(id: NodeId, reason: LinkCloseReason): void {
    const member = this.members.get(id);
    if (!member?.linked) return;
    member.linked = false;
    this.members.setAdopted(member, false);
    this.parts.logger.debug(`the link to ${id} is closed: ${reason}`);
    this.parts.listener.unlinked(member);
    this.views.unlinked(id);
    this.rolls.unlinked(id);
    this.rowsArrived(id);
    if (this.closing) return;
    // A process that died refuses the next connection; one that lives is linked again at once.
    this.dialer.seek(member.info);
    this.check();
  }

  /** The link has room again. What it had refused may be this node's status or its view: both are told once more. */
  drained(id: NodeId): void {
    this.tellStatus(id);
    this.views.tell(id);
  }

  dialed(address: Address, outcome: DialOutcome): void {
    if (outcome.kind === 'nudged' && outcome.peer.id > this.members.self.info.id)
      return this.nudged(outcome.peer);
    this.dialer.dialed(address, outcome);
    const key = addressKey(address);
    if (outcome.kind === 'refused') return this.goneAt(key, 'nothing listens at its address any more');
    if (outcome.kind === 'unreachable') return this.askAboutUnreachable(key);
    const peer = 'peer' in outcome ? outcome.peer : undefined;
    if (outcome.kind === 'known' || outcome.kind === 'nudged') this.metAnew(outcome.peer);
    if (peer) this.goneAt(key, `${peer.id} answers at its address`, peer.id);
    if (outcome.kind === 'nudged' && peer)
      this.expected.expect(peer, undefined, () => this.dialer.seekLater(peer));
    if (outcome.kind === 'rejected') this.rejected(key, outcome.message, outcome.refusal, peer?.id ?? key);
    return undefined;
  }

  /** A frame of a member has come. */
  heard(member: Member): void {
    const { id } = member.info;
    member.heardAt = this.parts.runtime.now();
    // A frame that was relayed says nothing about the direct way between the two.
    if (this.suspicions.isBusy && this.parts.relays.viaOf(id) === undefined) this.suspicions.heard(id);
  }

  ping(from: NodeId, { id, stamp, delayMs, incarnation }: PingFrame): void {
    const member = this.members.get(from);
    this.parts.clock.observe(stamp);
    if (!member) return;
    if (incarnation !== member.info.incarnation) {
      this.parts.transport.disconnect(from, 'it has taken another incarnation while it linked');
      this.linkClosed(from, 'disconnected');
      return;
    }
    member.delayMs = Math.min(delayMs, this.parts.options.suspectAfterMs);
    const counts = votes(this.members.self) && this.establishment.isReached;
    if (counts) this.fencing.acknowledged(member);
    const view = counts ? this.views.version : 0;
    this.parts.transport.send(from, { kind: FrameKind.Pong, id, view });
  }

  pong(from: NodeId, { id, view }: PongFrame): void {
    const member = this.members.get(from);
    this.detector.answered(from, id);
    if (member && view > 0 && this.views.counts(from, view)) this.detector.acknowledged(member, id);
  }

  status(from: NodeId, { status, roll }: StatusFrame): void {
    const member = this.members.get(from);
    if (!member) return;
    if (status === 'left') {
      this.parts.transport.disconnect(from, 'it has left');
      return this.takeForDead(member, 'it has left', { kind: 'left' });
    }
    this.members.setStatus(member, status);
    this.rolls.told(from, roll);
    if (status === 'up') this.askForLease(from);
    this.parts.listener.statusChanged(member);
    this.changed();
    return this.check();
  }

  adopted(from: NodeId, { roll, fenced, missing, established }: AdoptedFrame): void {
    const member = this.members.get(from);
    if (!member) return;
    const { self } = this.members;
    if (fenced.some(([id, incarnation]) => id === self.info.id && incarnation >= self.info.incarnation))
      return this.selfFenced(from);
    // This node does not know whom it fenced in an earlier life; the others tell it.
    if (self.status === 'joining' || !this.establishment.isReached)
      for (const [id, incarnation] of fenced) this.fencing.recall(id, incarnation);
    for (const info of missing) if (!this.isKnown(info)) this.fencing.learned(info);
    this.members.setAdopted(member, true);
    this.rolls.told(from, roll);
    member.wasRead = true;
    member.isEstablished ||= established;
    this.leases.renew();
    this.parts.listener.level(member);
    this.rowsArrived(from);
    return this.check();
  }

  /** Whether it is a member here, or missing, or this node knows what became of it; perhaps it is this one itself. */
  private isKnown({ id, incarnation }: NodeInfo): boolean {
    if ((this.dead.get(id)?.incarnation ?? -1) >= incarnation) return true;
    if (this.fencing.isKnown(id, incarnation)) return true;
    const current = this.members.get(id)?.info;
    return (
      current !== undefined && current.firstIncarnation <= incarnation && incarnation <= current.incarnation
    );
  }

  private changed(): void {
    this.views.changed();
    this.parts.listener.changed();
  }

  /** What a member is told when it has everything that was tracked before: it is in this node's ring. */
  adoption(): AdoptedFrame {
    return {
      kind: FrameKind.Adopted,
      roll: this.members.digest,
      established: this.establishment.isReached,
      fenced: this.fencing.fencedList(),
      missing: [...this.fencing.missingNodes()],
    };
  }

  /** A node that this one has to dial asks for it: it is there now. */
  private nudged(peer: NodeInfo): void {
    if (this.closing || this.members.get(peer.id)?.linked) return;
    this.expected.hearOf(peer);
    this.dialer.dialNow(peer);
  }

  private rowsArrived(id: NodeId): void {
    const timer = this.rowsPending.get(id);
    if (!timer) return;
    timer.cancel();
    this.rowsPending.delete(id);
    this.changed();
  }

  /** Whether a node that others name may be one that this node does not have, and has not given up or fenced. */
  private mayLink({ id, incarnation }: MemberAddress): boolean {
    if (this.closing || id === this.members.self.info.id) return false;
    // What it was before may be a member here still, until it is linked as what it is now.
    if ((this.members.get(id)?.info.incarnation ?? -1) >= incarnation) return false;
    if (incarnation < (this.dead.get(id)?.incarnation ?? 0)) return false;
    return !this.fencing.isFenced(id, incarnation);
  }

  /** The node that was believed to be at this address, and is not linked, is gone. */
  private goneAt(key: string, reason: string, except?: NodeId): void {
    for (const id of this.expected.at(key)) if (id !== except) this.expected.gone(id);
    const member = this.members.at(key, except);
    if (member) this.suspicions.gone(member.info.id);
    // Nothing comes over its link either: the word that it was closed is lost.
    const isGone = member && (!member.linked || this.detector.isQuiet(member));
    if (isGone) this.suspect(member, reason);
    this.check();
  }

  /** A node that cannot be reached from here may be reached by others. */
  private askAboutUnreachable(key: string): void {
    // One question at a time about an id: of what it is now, not of what it was when it was lost.
    for (const id of this.expected.at(key)) {
      const incarnation = this.expected.incarnationOf(id);
      if (incarnation !== undefined) this.suspicions.ask(id, incarnation);
    }
    const lost = this.lost.get(key);
    if (lost && !this.members.get(lost.id)) this.suspicions.ask(lost.id, lost.incarnation);
  }

  private rejected(key: string, message: string, refusal: Refusal | undefined, by: NodeId): void {
    const { clock } = this.parts;
    const { self } = this.members;
    const { code, incarnation, about = self.info.id } = refusal ?? {};
    // The refusal may be this node's own, of the other.
    if (about !== self.info.id) return undefined;
    if (code === 'closing') this.leftAt(key);
    if (code === 'ignored') return this.ignoredBy(by, message);
    if (incarnation === undefined || (code !== 'stale-incarnation' && code !== 'fenced')) return undefined;
    clock.observe(incarnation);
    if (incarnation < self.info.incarnation) return undefined;
    if (code === 'fenced') return this.selfFenced(by);
    // The wall clock went back since the process before this one ran: take a stamp above its last.
    if (self.status === 'joining') return this.reincarnate();
    return this.tellRefusal(key, `${message}. Restart this process.`);
  }

  /** It says itself that it has stopped its workers. */
  private leftAt(key: string): void {
    const member = this.members.at(key);
    if (member && !member.linked) this.takeForDead(member, 'it is shutting down', { kind: 'left' });
    for (const id of this.expected.at(key)) this.expected.drop(id);
  }

  /** The others have gone on without this node: its own workers under a lease must end, as theirs must be the only ones. */
  private selfFenced(by: NodeId): void {
    this.rejoin((done) => this.parts.listener.selfFenced(by, done));
  }

  /** Joins again once `stop` is done, under another incarnation, so that nobody takes this node for what it was. */
  private rejoin(stop: (done: () => void) => void): void {
    if (this.rejoining) return;
    this.rejoining = true;
    stop(() => {
      this.rejoining = false;
      // Nodes that this one had given up may run its workers by now: it is not up before it has met them.
      this.fencing.forgetPast();
      for (const info of this.fencing.missingNodes()) this.expected.hearOf(info, info);
      this.reincarnate();
    });
  }

  /** A node that hosts nothing is in no ring; it may still register, find and call. */
  private ignoredBy(by: NodeId, message: string): void {
    const { self } = this.members;
    const { logger } = this.parts;
    if (self.status !== 'joining' || !self.info.hosting) return this.tellRefusal(by, message);
    logger.warn(
      `${by} does not want this node as a host: ${message}. It joins as a client and hosts nothing`,
    );
    self.info = { ...self.info, hosting: false };
    return this.reincarnate();
  }

  /** It is dialled again and again, since it may change its mind. */
  private tellRefusal(by: string, message: string): void {
    const { logger, runtime } = this.parts;
    if (this.refusals.allows(by, runtime.now())) logger.warn(`${by} refuses this node: ${message}`);
  }

  /** Whoever knows this node by its old stamp links again under the new one, and adopts it anew. */
  private reincarnate(): void {
    const { clock, listener, transport } = this.parts;
    const { self } = this.members;
    self.info = { ...self.info, incarnation: clock.next() };
    if (self.status === 'up') this.members.setStatus(self, 'joining');
    this.barrier.rearm(this.parts.runtime.now());
    for (const type of this.parts.quorums.keys()) this.leases.reset(type);
    for (const member of this.members.peers()) {
      member.wasRead = false;
      // It has acknowledged the incarnation before.
      member.ackedAt = -Infinity;
    }
    this.members.changed();
    listener.reincarnated(self.info.incarnation);
    for (const id of [...this.members.linkedIds()]) {
      transport.disconnect(id, 'this node takes a new incarnation');
      this.linkClosed(id, 'disconnected');
    }
    this.dialer.lookNow();
    this.changed();
  }

  /** Its link is closed, or nothing came over it: the others are asked before it is given up. */
  private suspect(member: Member, reason: string): void {
    const { id, incarnation } = member.info;
    if (member.suspected && this.suspicions.isAsking(id)) return;
    if (!member.suspected) this.parts.listener.suspected(member, reason);
    member.suspected = true;
    this.reasons.set(id, reason);
    this.suspicions.ask(id, incarnation);
  }

  private probe(id: NodeId): void {
    const { relays, transport } = this.parts;
    const member = this.members.get(id);
    if (!member) return;
    if (!member.linked || relays.viaOf(id) !== undefined) return this.dialer.dialNow(member.info);
    this.detector.ping(id);
    // A connection that has lost much waits long before it tries again; another one tells sooner that the way is open.
    return transport.dial(member.info);
  }

  /**
   * Nothing has come over its link for a while. A connection that has lost much waits ever longer before it tries again,
   * and its node might be suspected although the way is open. The transport dials an address once at a time.
   */
  private dialAnew({ info, linked }: Member): void {
    if (linked && this.parts.relays.viaOf(info.id) === undefined) this.parts.transport.dial(info);
  }

  /** It has answered at its address, although nothing comes over its link. */
  private metAnew({ id, incarnation }: NodeInfo): void {
    const member = this.members.get(id);
    if (member?.info.incarnation !== incarnation) return;
    const { suspected, heardAt } = member;
    this.suspicions.heard(id);
    if (suspected) return this.breakSilent(member);
    if (!this.detector.isQuiet(member)) return undefined;
    // It may have been stopped, and what it has to say over its link comes at the same time.
    this.parts.runtime.after(ANSWER_PATIENCE_MS, () => {
      if (this.members.get(id) === member && member.heardAt === heardAt) this.breakSilent(member);
    });
    return undefined;
  }

  /** Its link is of no use, and is opened anew. */
  private breakSilent(member: Member): void {
    const { id } = member.info;
    const { runtime, relays, transport } = this.parts;
    if (!member.linked || relays.viaOf(id) !== undefined) return;
    member.heardAt = runtime.now();
    transport.disconnect(id, 'nothing comes over it any more');
    this.linkClosed(id, 'disconnected');
  }

  /** `by` hears it. If that is not this node, frames go that way. */
  private refuted(id: NodeId, incarnation: number, by: NodeId): void {
    const { listener, runtime, transport, relays } = this.parts;
    const member = this.members.get(id);
    this.reasons.delete(id);
    if (member) {
      member.suspected = false;
      member.heardAt = runtime.now();
      listener.refuted(id, by);
    }
    if (by === this.members.self.info.id) return;
    if (member?.linked && relays.viaOf(id) === undefined) {
      transport.disconnect(id, 'it is heard by others only');
      this.linkClosed(id, 'disconnected');
    }
    if (!this.fencing.isFenced(id, incarnation)) relays.relay(id, by);
  }

  private unheard(id: NodeId, incarnation: number, voices: readonly NodeId[]): void {
    const member = this.members.get(id);
    const reason = this.reasons.get(id) ?? 'nobody hears it';
    this.reasons.delete(id);
    if (!member) {
      this.fencing.unheard(id, incarnation, voices);
      if (this.expected.incarnationOf(id) === incarnation) this.expected.giveUp(id);
      return;
    }
    if (member.info.incarnation !== incarnation) return;
    this.parts.transport.disconnect(id, reason);
    this.takeForDead(member, reason, { kind: 'unheard', voices });
  }

  private hasFenced(id: NodeId, incarnation: number, by: NodeId): void {
    this.parts.listener.fenced(id, incarnation, by);
    const member = this.members.get(id);
    if (!member?.linked || member.info.incarnation > incarnation) return;
    this.parts.transport.disconnect(id, 'it is fenced');
    this.linkClosed(id, 'disconnected');
  }

  /** The nodes that count for a quorum, or the missing ones that its ring waits for, have changed. */
  private countsChanged(): void {
    this.members.changed();
    this.leases.renew();
    this.changed();
  }

  private takeForDead(member: Member, reason: string, loss: Loss, reborn = false): void {
    const { id, incarnation } = member.info;
    if (member.linked) {
      member.linked = false;
      this.parts.listener.unlinked(member);
    }
    this.rolls.gone(id);
    this.members.remove(id);
    member.status = 'down';
    this.reasons.delete(id);
    this.suspicions.drop(id);
    this.suspicions.gone(id);
    this.suspicions.lost(id);
    this.detector.gone(id);
    keepLatest(this.dead, id, { incarnation, acksSince: member.acksSince }, DEAD_LIMIT);
    this.dialer.forget(member.info);
    if (loss.kind !== 'left') this.dialer.remember(member.info);
    if (loss.kind === 'unheard') this.noteLost(member.info);
    this.rowsArrived(id);
    if (reborn) this.fencing.forgetAck(member.info);
    else this.fencing.lost(member.info, loss, !member.wasRead);
    this.parts.listener.down(member, reason, reborn);
    this.fencing.check();
    this.changed();
    this.check();
  }

  private noteLost(info: NodeInfo): void {
    const key = addressKey(info);
    keepLatest(this.lost, key, info, LOST_LIMIT);
  }

  /** Another node has given that one up, and what it holds of it is being read. */
  toldOfEnd(id: NodeId, incarnation: number): void {
    this.expected.toldOfEnd(id, incarnation);
  }

  private isLinkedAt(key: string): boolean {
    const member = this.members.at(key);
    return member?.linked === true && this.parts.relays.viaOf(member.info.id) === undefined;
  }

  /** Its acknowledgements count from now on: a lease need not wait for the next heartbeat. */
  private askForLease(id: NodeId): void {
    if (this.parts.quorums.size > 0) this.detector.ping(id);
  }

  private tellStatus(id: NodeId): void {
    const { status } = this.members.self;
    if (status !== 'up' && status !== 'leaving') return;
    this.parts.transport.send(id, this.statusFrame(status));
  }

  private broadcastStatus(status: StatusFrame['status']): void {
    this.parts.transport.broadcast([...this.members.linkedIds()], this.statusFrame(status));
  }

  private statusFrame(status: StatusFrame['status']): StatusFrame {
    return { kind: FrameKind.Status, status, roll: this.members.digest };
  }

  private check(): void {
    if (this.closing || this.members.self.status !== 'joining') return;
    if (!this.barrier.isOpen()) return this.rolls.lookNow();
    this.members.setStatus(this.members.self, 'up');
    this.broadcastStatus('up');
    for (const id of this.members.linkedIds()) this.askForLease(id);
    this.parts.listener.selfUp();
    this.changed();
  }
}
