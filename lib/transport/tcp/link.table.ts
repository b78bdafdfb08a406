import type { Socket } from 'node:net';

import { stackOf } from '../../errors/thrown.js';
import type { KernelLogger, Runtime } from '../../runtime/runtime.interface.js';
import { WarningThrottle } from '../../runtime/warning.throttle.js';
import { FrameEncoder } from '../codec/frame.codec.js';
import type { Frame } from '../frame.js';
import { addressKey, type Address, type Hello, type NodeId, type Refusal } from '../node-info.js';
import type {
  DialOutcome,
  LinkCloseReason,
  TransportHandler,
  TransportSnapshot,
} from '../transport.interface.js';
import { EventQueue } from './event.queue.js';
import { FloodWatch } from './flood.watch.js';
import type { LinkBroker } from './link.broker.js';
import { printable } from './printable.text.js';
import type { SecretKeys } from './secret.proof.js';
import type { Sockets } from './sockets.js';
import type { TcpLimits } from './tcp.limits.js';
import { TcpLink, type LinkOwner } from './tcp.link.js';
import type { UnitSplitter } from './unit.splitter.js';

/** What a `LinkTable` is made from. */
export interface LinkTableOptions {
  readonly runtime: Runtime;
  readonly limits: TcpLimits;
  readonly sockets: Sockets;
  readonly keys: SecretKeys;
  readonly maxFrameBytes: number;
  readonly logger: KernelLogger;
  /** Dials a peer that has knocked. */
  dial(address: Address): void;
}

/**
 * Refusals that an operator hears of: those that tell of a mistake in somebody's configuration are warnings, and a node
 * that was given up while it was not heard is news. The others are part of every restart.
 */
const TOLD: ReadonlyMap<Refusal['code'], 'warn' | 'log'> = new Map([
  ['cluster', 'warn'],
  ['protocol', 'warn'],
  ['identity', 'warn'],
  ['ignored', 'warn'],
  ['fenced', 'log'],
]);

/**
 * The links of one node, at most one to a peer, and the only place from which the kernel is told anything.
 * An opening and a closing are told in the order in which they happened.
 */
export class LinkTable implements LinkBroker, LinkOwner {
  readonly runtime: Runtime;
  readonly limits: TcpLimits;
  readonly sockets: Sockets;
  readonly keys: SecretKeys;
  readonly maxFrameBytes: number;
  readonly encoder = new FrameEncoder();
  /** Set when the node listens. */
  handler: TransportHandler | undefined;

  private readonly links = new Map<NodeId, TcpLink>();
  private readonly events: EventQueue;
  private readonly counters: Record<string, number> = {};
  private readonly throttle = new WarningThrottle();
  private readonly floods = new FloodWatch();
  /** What anyone may cause who reaches the port, so that it leaves what is told of links its place in the log. */
  private readonly strangers = new WarningThrottle();

  constructor(private readonly options: LinkTableOptions) {
    this.runtime = options.runtime;
    this.limits = options.limits;
    this.sockets = options.sockets;
    this.keys = options.keys;
    this.maxFrameBytes = options.maxFrameBytes;
    this.events = new EventQueue(options.runtime, (error) => this.handlerFailed(error));
  }

  linkOf(peer: NodeId): TcpLink | undefined {
    return this.links.get(peer);
  }

  /** Closes a link at the kernel's wish. */
  disconnect(peer: NodeId, reason: string, flush: boolean): void {
    const link = this.links.get(peer);
    if (link === undefined) return;
    link.finish(reason, flush, flush ? this.limits.flushTimeoutMs : this.limits.closeTimeoutMs);
    this.broken(link, 'disconnected', reason);
  }

  /** Closes every link after what is queued, and tells the kernel nothing any more. */
  close(): void {
    this.events.close();
    for (const link of this.links.values())
      link.finish('the node is shutting down', true, this.limits.flushTimeoutMs);
    this.links.clear();
  }

  inspect(): TransportSnapshot {
    return { links: [...this.links.values()].map((link) => link.inspect()), counters: { ...this.counters } };
  }

  counted(counter: string): void {
    this.counters[counter] = (this.counters[counter] ?? 0) + 1;
  }

  settle(): void {
    this.events.settle();
  }

  hello(): Hello {
    return this.asked((handler) => handler.hello());
  }

  admit(peer: Hello): Refusal | undefined {
    return this.asked((handler) => handler.admit(peer));
  }

  openLink(peer: Hello, connection: { readonly socket: Socket; readonly splitter: UnitSplitter }): void {
    const { id } = peer.node;
    const older = this.links.get(id);
    if (older !== undefined) {
      older.finish('replaced by a newer connection', false, this.limits.closeTimeoutMs);
      this.broken(older, 'replaced');
    }
    this.links.set(id, new TcpLink(peer, connection.socket, connection.splitter, this));
    this.counted('linksOpened');
    this.events.later(() => this.handler?.linkOpened(peer));
    // Frames may stand right behind the confirmation.
    this.events.settle();
  }

  dialed(address: Address, outcome: DialOutcome): void {
    this.events.later(() => this.handler?.dialed(address, outcome));
  }

  /** A dial of the node's own address needs no connection. */
  dialedSelf(address: Address): void {
    this.events.later(() => this.handler?.dialed(address, { kind: 'self', peer: this.hello().node }));
  }

  nudged(peer: Hello): void {
    this.counted('nudges');
    const { host, port, id, incarnation } = peer.node;
    if (this.links.get(id)?.peer.node.incarnation === incarnation) return;
    this.dialed({ host, port }, { kind: 'nudged', peer: peer.node });
    this.events.later(() => this.options.dial({ host, port }));
  }

  refused(peer: Hello, refusal: Refusal): void {
    this.counted(`refused-${refusal.code}`);
    const line = `refused ${peer.node.id}: ${refusal.message}`;
    const level = TOLD.get(refusal.code);
    if (level === undefined) this.options.logger.debug(printable(line));
    else this.tell(level, this.strangers, `${refusal.code} ${peer.node.id}`, line);
  }

  refusedBy({ node: peer }: Hello, refusal: Refusal): void {
    this.counted('refusedByPeer');
    const { host, port } = peer;
    this.dialed({ host, port }, { kind: 'rejected', message: refusal.message, refusal, peer });
  }

  stranger(from: string, reason: string): void {
    this.tell(
      'warn',
      this.strangers,
      from,
      `no link with ${from}: ${reason}; give all nodes of this swarm the same secret, and no other program its port`,
    );
  }

  /** More connect than can be looked at: one of them was turned away. */
  crowded(most: number, from: string): void {
    this.counted('connectionsTurnedAway');
    this.tell(
      'warn',
      this.strangers,
      'crowded',
      `more than ${most} connections have proved nothing yet, some are turned away (one from ${from}): let only nodes of this swarm reach its port`,
    );
  }

  garbage(from: string, reason: string): void {
    this.tell('warn', this.strangers, from, `closed a connection from ${from}: ${reason}`);
  }

  frame(link: TcpLink, frame: Frame): void {
    this.events.run(() => this.handler?.frame(link.peer.node.id, frame));
  }

  drained(link: TcpLink): void {
    this.events.later(() => {
      if (this.links.get(link.peer.node.id) === link) this.handler?.drained(link.peer.node.id);
    });
  }

  congested({ peer: { node } }: TcpLink, waitingBytes: number, isNew: boolean): void {
    if (isNew) this.counted('linksFull');
    this.tell(
      'warn',
      this.throttle,
      `full ${node.id}`,
      `the link to ${node.id} takes no more messages, ${Math.round(waitingBytes / 1_048_576)} MiB wait: it reads more slowly than this node writes; check whether it is busy or blocked, and the network to it`,
    );
  }

  held(link: TcpLink): void {
    if (!this.floods.turnOver(link, this.runtime.now())) return;
    this.counted('linksFlooding');
    const { id } = link.peer.node;
    this.tell(
      'warn',
      this.throttle,
      `flood ${id}`,
      `${id} sends more than this node handles: it is read in turns, so that the others are heard; check what it sends, and how long the handlers here take`,
    );
  }

  broken(link: TcpLink, reason: LinkCloseReason, detail?: string): void {
    const { id } = link.peer.node;
    if (this.links.get(id) === link) this.links.delete(id);
    this.counted(`closed-${reason}`);
    if (reason === 'malformed' || reason === 'overflow') {
      this.tell(
        'warn',
        this.throttle,
        addressKey(link.peer.node),
        `closed the link to ${id}: ${reason}${detail === undefined ? '' : `, ${detail}`}`,
      );
    }
    this.events.later(() => this.handler?.linkClosed(id, reason, detail));
  }

  /** A fault of the kernel ends the handshake in which it was asked, and nothing else. */
  private asked<T>(question: (handler: TransportHandler) => T): T {
    if (this.handler === undefined) throw new Error('the transport is not open');
    try {
      return question(this.handler);
    } catch (error) {
      this.handlerFailed(error);
      throw error;
    }
  }

  /** Once a minute at most. */
  private tell(level: 'warn' | 'log', throttle: WarningThrottle, peer: string, line: string): void {
    if (throttle.allows(peer, this.runtime.now())) this.options.logger[level](printable(line));
  }

  private handlerFailed(error: unknown): void {
    this.counted('handlerErrors');
    this.options.logger.error(`the kernel failed: ${stackOf(error)}`);
  }
}
