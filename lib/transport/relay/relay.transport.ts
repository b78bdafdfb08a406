import type { Runtime } from '../../runtime/runtime.interface.js';
import {
  FrameKind,
  type Frame,
  type RelayControlFrame,
  type RelayedFrame,
  type RelayFrame,
  type RelayStep,
} from '../frame.js';
import type { Address, Hello, NodeId, Refusal } from '../node-info.js';
import type {
  LinkCloseReason,
  SendResult,
  Transport,
  TransportHandler,
  TransportSnapshot,
} from '../transport.interface.js';
import { RelayHandshake } from './relay.handshake.js';
import { RelayRoutes } from './relay.routes.js';
import { isSameLink, type RelayedLink } from './relayed-link.js';

/** The other end has its own link by then, too, where the one of this node has taken the place of a relayed one. */
const FORGET_MS = 1_000;

/** What a `RelayTransport` is made from. */
export interface RelayTransportOptions {
  readonly runtime: Runtime;
  /** A link by way of `via` has opened. */
  relayed(peer: NodeId, via: NodeId): void;
  /** It has closed, perhaps because a link of its own has taken its place. */
  relayEnded(peer: NodeId, via: NodeId, reason: string): void;
}

/**
 * Links by way of another node, for a kernel that cannot tell them from its own: opened in the same three steps, with
 * frames in order, and lost as a whole. A node passes frames on over its own links only, so that they go over one hop,
 * and only for the node that they come from. A link of its own takes the place of a relayed one, and the other way
 * round where the other side has found it dead.
 *
 * All frames of a relayed link travel in one lane: what is large holds up what follows.
 */
export class RelayTransport implements Transport {
  private readonly links = new Map<NodeId, RelayedLink>();
  /** Peers with a link of their own. */
  private readonly direct = new Set<NodeId>();
  /** Closed from within a call of the kernel, which is told when that has returned. */
  private readonly untold = new Map<NodeId, { readonly reason: LinkCloseReason; readonly detail: string }>();
  private readonly handshake: RelayHandshake;
  private readonly routes: RelayRoutes;
  private readonly counters = { 'relays-opened': 0, 'relays-closed': 0 };
  private handler: TransportHandler | undefined;
  /** The own id: it outlives every incarnation. */
  private self: NodeId = '';
  private lastLink: number;

  constructor(
    private readonly inner: Transport,
    private readonly options: RelayTransportOptions,
  ) {
    const { runtime } = options;
    this.lastLink = Math.floor(runtime.random() * 2 ** 31);
    this.routes = new RelayRoutes(inner, (peer) => this.direct.has(peer));
    this.handshake = new RelayHandshake({
      runtime,
      handler: () => this.handler,
      send: (link, step, hello, refusal) => this.control(link, step, hello, refusal),
      agreed: (link, hello) => this.begin(link, hello),
    });
  }

  open(handlerFor: (bound: Address) => TransportHandler): Promise<void> {
    return this.inner.open((bound) => {
      const handler = handlerFor(bound);
      this.handler = handler;
      this.self = handler.hello().node.id;
      return {
        hello: () => handler.hello(),
        admit: (hello) => handler.admit(hello),
        linkOpened: (hello) => this.directOpened(hello),
        linkClosed: (peer, reason, detail) => {
          // Of one that this node has closed itself, or a relayed link has replaced, the kernel has heard already.
          if (!this.direct.delete(peer)) return;
          for (const link of this.dropVia(peer)) handler.linkClosed(link.peer, 'reset');
          handler.linkClosed(peer, reason, detail);
        },
        drained: (peer) => {
          handler.drained(peer);
          for (const link of this.links.values()) if (link.via === peer) handler.drained(link.peer);
        },
        frame: (from, frame) => this.received(from, frame),
        dialed: (address, outcome) => handler.dialed(address, outcome),
      };
    });
  }

  dial(address: Address): void {
    this.inner.dial(address);
  }

  /** Opens a link to a node by way of another; does nothing where there is one already, or one is being opened. */
  relay(to: NodeId, via: NodeId): void {
    if (this.direct.has(to) || this.links.has(to) || this.handshake.isOpening(to)) return;
    if (to === via || !this.direct.has(via)) return;
    this.handshake.open({ peer: to, via, link: this.lastLink++ });
  }

  /** The node through which the link to a peer goes; `undefined` if it has one of its own, or none. */
  viaOf(peer: NodeId): NodeId | undefined {
    return this.links.get(peer)?.via;
  }

  send(to: NodeId, frame: Frame): SendResult {
    const link = this.links.size > 0 ? this.links.get(to) : undefined;
    return link ? this.inner.send(link.via, this.wrap(link, frame)) : this.inner.send(to, frame);
  }

  broadcast(to: Iterable<NodeId>, frame: Frame): NodeId[] {
    if (this.links.size === 0) return this.inner.broadcast(to, frame);
    const peers = [...to];
    const missed = this.inner.broadcast(
      peers.filter((peer) => !this.links.has(peer)),
      frame,
    );
    for (const peer of peers)
      if (this.links.has(peer) && this.send(peer, frame) !== 'queued') missed.push(peer);
    return missed;
  }

  disconnect(peer: NodeId, reason: string, flush?: boolean): void {
    const link = this.links.get(peer);
    if (link) {
      this.control(link, 'close');
      this.end(link, reason);
    } else {
      this.inner.disconnect(peer, reason, flush);
      if (!this.direct.delete(peer)) return;
      for (const lost of this.dropVia(peer)) this.tellLater(lost.peer, 'reset', `without ${peer} on its way`);
    }
    this.tellLater(peer, 'disconnected', reason);
  }

  async close(): Promise<void> {
    for (const link of this.links.values()) this.control(link, 'close');
    this.handshake.close();
    this.links.clear();
    this.handler = undefined;
    await this.inner.close();
  }

  inspect(): TransportSnapshot {
    const { links, counters } = this.inner.inspect();
    const relayed: TransportSnapshot['links'][number][] = [];
    for (const { peer, via } of this.links.values())
      relayed.push({ peer, via, queuedBytes: 0, framesIn: 0, framesOut: 0, bytesIn: 0, bytesOut: 0 });
    return {
      links: [...links, ...relayed],
      counters: { ...counters, ...this.counters, 'frames-relayed': this.routes.relayed },
    };
  }

  private directOpened(hello: Hello): void {
    const { id } = hello.node;
    this.handshake.giveUp(id);
    const link = this.links.get(id);
    if (link) {
      this.end(link, 'it is reached directly again');
      this.forgetLater(link);
      this.handler?.linkClosed(id, 'replaced');
    }
    this.tell(id);
    this.direct.add(id);
    this.handler?.linkOpened(hello);
  }

  private begin(link: RelayedLink, hello: Hello): void {
    const { peer } = link;
    const before = this.links.get(peer);
    if (before) {
      this.end(before, 'it was opened anew');
      this.forgetLater(before);
    }
    const wasDirect = this.direct.delete(peer);
    if (wasDirect) {
      this.inner.disconnect(peer, 'a relayed link has taken its place');
      for (const lost of this.dropVia(peer)) this.handler?.linkClosed(lost.peer, 'reset');
    }
    if (before || wasDirect) this.handler?.linkClosed(peer, 'replaced');
    this.tell(peer);
    this.links.set(peer, link);
    this.counters['relays-opened']++;
    this.options.relayed(peer, link.via);
    this.handler?.linkOpened(hello);
  }

  /** Whatever goes by way of a node that has no link of its own any more. */
  private dropVia(via: NodeId): RelayedLink[] {
    this.routes.lost(via);
    this.handshake.giveUpVia(via);
    const lost = [...this.links.values()].filter((link) => link.via === via);
    for (const link of lost) this.end(link, `the link to ${via} is lost`);
    return lost;
  }

  private tellLater(peer: NodeId, reason: LinkCloseReason, detail: string): void {
    this.untold.set(peer, { reason, detail });
    this.options.runtime.defer(() => this.tell(peer));
  }

  private tell(peer: NodeId): void {
    const closed = this.untold.get(peer);
    if (closed && this.untold.delete(peer)) this.handler?.linkClosed(peer, closed.reason, closed.detail);
  }

  private received(from: NodeId, frame: Frame): void {
    if (frame.kind !== FrameKind.Relay && frame.kind !== FrameKind.RelayControl) {
      if (this.direct.has(from)) this.handler?.frame(from, frame);
      return;
    }
    if (frame.to !== this.self) return this.routes.pass(from, frame);
    const link = { peer: frame.from, via: from, link: frame.link };
    if (frame.kind === FrameKind.Relay) return this.unwrap(link, frame);
    this.handshake.received(link, frame);
    if (frame.step === 'close') this.closed(link);
  }

  private unwrap(link: RelayedLink, { frame }: RelayFrame): void {
    const known = this.links.get(link.peer);
    if (known && isSameLink(known, link)) this.handler?.frame(link.peer, frame);
    else this.control(link, 'close');
  }

  private closed(link: RelayedLink): void {
    const known = this.links.get(link.peer);
    if (!known || !isSameLink(known, link)) return;
    this.end(known, 'the other side has closed it');
    this.handler?.linkClosed(link.peer, 'closed');
  }

  private end(link: RelayedLink, reason: string): void {
    this.links.delete(link.peer);
    this.counters['relays-closed']++;
    this.options.relayEnded(link.peer, link.via, reason);
  }

  /** The node between keeps what it passes on until it is told otherwise, or one of the ends is lost. */
  private forgetLater(link: RelayedLink): void {
    this.options.runtime.after(FORGET_MS, () => this.control(link, 'close'));
  }

  private wrap({ peer, link }: RelayedLink, frame: Frame): RelayFrame {
    return { kind: FrameKind.Relay, from: this.self, to: peer, link, frame: frame as RelayedFrame };
  }

  private control(
    { peer, via, link }: RelayedLink,
    step: RelayStep,
    hello: Hello | null = null,
    refusal: Refusal | null = null,
  ): void {
    const ends = { from: this.self, to: peer };
    const frame: RelayControlFrame = { kind: FrameKind.RelayControl, ...ends, link, step, hello, refusal };
    this.inner.send(via, frame);
  }
}
