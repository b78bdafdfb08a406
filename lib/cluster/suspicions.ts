// Decides whether a silent node is heard by anybody (promises P1, P7): it is asked about before it is given up, so that
// one broken way between two nodes is no death. After SWIM (Das, Gupta, Motivala 2002): whoever is asked pings the
// suspect itself, and does not answer from memory.
import type { Runtime, Timer } from '../runtime/runtime.interface.js';
import { FrameKind, type SuspectFrame, type Verdict, type VerdictFrame } from '../transport/frame.js';
import type { NodeId } from '../transport/node-info.js';
import type { Transport } from '../transport/transport.interface.js';
import type { Members } from './members.js';
import { votes } from './quorum-bound.js';

/** Part of `pollMs` for which an answer is looked for; the rest is for its way back. */
const PROBE_SHARE = 0.8;
/** If a timer is late by more than this part of `pollMs`, this node itself was held up, and the time is given again. */
const LATE_SHARE = 0.25;
/** How often the time is given again at most. */
const MAX_EXTENSIONS = 8;

/** What `Suspicions` asks of its node, and what it tells it. */
export interface SuspicionsParts {
  readonly runtime: Runtime;
  readonly transport: Transport;
  readonly members: Members;
  readonly pollMs: number;
  /** Pings the suspect, or dials it where there is no link; `heard` or `gone` follows if it is there, or refuses. */
  probe(id: NodeId): void;
  /** From now on no ping of that incarnation is acknowledged. */
  fence(id: NodeId, incarnation: number, by: NodeId): void;
  isFenced(id: NodeId, incarnation: number): boolean;
  /** Milliseconds since this node last acknowledged a ping of it. */
  ackedAgoMs(id: NodeId, incarnation: number): number;
  /** How far this node has read its log. */
  readUpTo(id: NodeId, incarnation: number): number;
  /** Whether a quorum has fenced it, and its lease is over. */
  isReleased(id: NodeId, incarnation: number): boolean;
  /** Somebody hears it: `by` may be this node itself. */
  refuted(id: NodeId, incarnation: number, by: NodeId): void;
  /** Nobody who answered hears it. `voices`: who said so. */
  unheard(id: NodeId, incarnation: number, voices: readonly NodeId[]): void;
  /** The answer to a request to fence, or one that says that the node is fenced, or over. */
  voted(from: NodeId, frame: VerdictFrame): void;
}

interface Inquiry {
  readonly incarnation: number;
  readonly awaiting: Set<NodeId>;
  readonly voices: NodeId[];
  timer: Timer;
}

interface Probe {
  readonly askers: Array<{ readonly from: NodeId; readonly frame: SuspectFrame }>;
  timer: Timer;
}

/** Askers of one suspect that wait for the same probe. */
const MAX_ASKERS = 1_024;

/** What this node asks others about, and is asked by them. */
export class Suspicions {
  private readonly inquiries = new Map<NodeId, Inquiry>();
  private readonly probes = new Map<NodeId, Probe>();

  constructor(private readonly parts: SuspicionsParts) {}

  /** Whether `heard` has to be told of every frame. */
  get isBusy(): boolean {
    return this.inquiries.size > 0 || this.probes.size > 0;
  }

  isAsking(id: NodeId): boolean {
    return this.inquiries.has(id);
  }

  /** Asks everybody who has joined; `refuted` or `unheard` follows within `pollMs`. */
  ask(id: NodeId, incarnation: number): void {
    if (this.inquiries.has(id)) return;
    const { transport, members, probe } = this.parts;
    // Members without a link are waited for as well, unless they are suspected too: `linked` asks them when they are back.
    const peers = [...members.peers()].filter(
      (peer) => peer.info.id !== id && votes(peer) && (peer.linked || !peer.suspected),
    );
    const inquiry: Inquiry = {
      incarnation,
      awaiting: new Set(peers.map(({ info }) => info.id)),
      voices: [],
      timer: this.within(this.parts.pollMs, () => this.conclude(id, inquiry)),
    };
    this.inquiries.set(id, inquiry);
    probe(id);
    for (const peer of peers)
      if (peer.linked)
        transport.send(peer.info.id, { kind: FrameKind.Suspect, node: id, incarnation, fence: false });
    this.concludeIfDone(id, inquiry);
  }

  /** Nobody needs to know any more: the node has left, or was replaced. */
  drop(id: NodeId): void {
    this.inquiries.get(id)?.timer.cancel();
    this.inquiries.delete(id);
  }

  /** A frame came from the node itself, not by way of another. */
  heard(id: NodeId): void {
    this.answer(id, true);
    const inquiry = this.inquiries.get(id);
    if (!inquiry) return;
    this.drop(id);
    this.parts.refuted(id, inquiry.incarnation, this.parts.members.self.info.id);
  }

  /** Nobody listens at its address. */
  gone(id: NodeId): void {
    this.answer(id, false);
  }

  /**
   * A link to a member has opened: what went over the one before may be lost, question or answer. While a link is away
   * its node is waited for: where a network flaps, it may be the only one that hears the suspect.
   */
  linked(peer: NodeId): void {
    const { transport, members } = this.parts;
    const member = members.get(peer);
    if (!member || !votes(member)) return;
    for (const [node, { incarnation, awaiting, voices }] of this.inquiries) {
      if (node === peer || voices.includes(peer)) continue;
      awaiting.add(peer);
      transport.send(peer, { kind: FrameKind.Suspect, node, incarnation, fence: false });
    }
  }

  /** It is no member any more: no answer will come from there. */
  lost(peer: NodeId): void {
    for (const [id, inquiry] of [...this.inquiries])
      if (inquiry.awaiting.delete(peer)) this.concludeIfDone(id, inquiry);
  }

  onSuspect(from: NodeId, frame: SuspectFrame): void {
    const { members, isFenced, probe, pollMs } = this.parts;
    const { node, incarnation } = frame;
    const member = members.get(node);
    if (member?.info.incarnation !== incarnation || isFenced(node, incarnation))
      return this.reply(from, frame, false);
    if (member === members.self) return this.reply(from, frame, true);
    const running = this.probes.get(node);
    if (running && running.askers.length < MAX_ASKERS) return void running.askers.push({ from, frame });
    if (running) return undefined;
    const timer = this.within(pollMs * PROBE_SHARE, () => this.answer(node, false));
    this.probes.set(node, { askers: [{ from, frame }], timer });
    return probe(node);
  }

  onVerdict(from: NodeId, frame: VerdictFrame): void {
    if (frame.fence || frame.released || frame.verdict === 'fenced') this.parts.voted(from, frame);
    if (frame.fence) return undefined;
    const inquiry = this.inquiries.get(frame.node);
    if (inquiry?.incarnation !== frame.incarnation || !inquiry.awaiting.delete(from)) return undefined;
    if (frame.verdict === 'hears') {
      this.drop(frame.node);
      return this.parts.refuted(frame.node, frame.incarnation, from);
    }
    if (frame.verdict !== 'abstains') inquiry.voices.push(from);
    return this.concludeIfDone(frame.node, inquiry);
  }

  private concludeIfDone(id: NodeId, inquiry: Inquiry): void {
    if (inquiry.awaiting.size > 0) return;
    inquiry.timer.cancel();
    // Not within the call that asked.
    this.parts.runtime.defer(() => this.conclude(id, inquiry));
  }

  private conclude(id: NodeId, inquiry: Inquiry): void {
    if (this.inquiries.get(id) !== inquiry) return;
    this.inquiries.delete(id);
    this.parts.unheard(id, inquiry.incarnation, inquiry.voices);
  }

  private answer(id: NodeId, hears: boolean): void {
    const probe = this.probes.get(id);
    if (!probe) return;
    probe.timer.cancel();
    this.probes.delete(id);
    for (const { from, frame } of probe.askers) this.reply(from, frame, hears);
  }

  private reply(to: NodeId, { node, incarnation, fence }: SuspectFrame, hears: boolean): void {
    const { transport, ackedAgoMs, readUpTo, isReleased } = this.parts;
    const verdict = hears ? 'hears' : this.unheardVerdict(to, node, incarnation, fence);
    const known = {
      ackedAgoMs: ackedAgoMs(node, incarnation),
      seq: readUpTo(node, incarnation),
      released: isReleased(node, incarnation),
    };
    transport.send(to, { kind: FrameKind.Verdict, node, incarnation, fence, verdict, ...known });
  }

  private unheardVerdict(asker: NodeId, node: NodeId, incarnation: number, fence: boolean): Verdict {
    const { members, isFenced } = this.parts;
    // A node that has not joined cannot know what it acknowledged in an earlier life.
    if (!votes(members.self)) return 'abstains';
    if (fence) this.parts.fence(node, incarnation, asker);
    return isFenced(node, incarnation) ? 'fenced' : 'silent';
  }

  /** As `runtime.after`; while this node is held up itself, what the others sent waits unread, so it waits on. */
  private within(ms: number, task: () => void, extensions = 0): Timer {
    const { runtime, pollMs } = this.parts;
    const due = runtime.now() + ms;
    let timer = runtime.after(ms, () => {
      const late = runtime.now() - due;
      if (late <= pollMs * LATE_SHARE || extensions >= MAX_EXTENSIONS) return task();
      timer = this.within(pollMs * PROBE_SHARE, task, extensions + 1);
      return undefined;
    });
    return { cancel: () => timer.cancel() };
  }
}
