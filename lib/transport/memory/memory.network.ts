// How frames travel between nodes of one process: as the TCP transport does, links, handshake, order and loss
// included, without bytes. What TCP would retransmit is held back while a connection is cut.
import type { Runtime } from '../../runtime/runtime.interface.js';
import type { Frame } from '../frame.js';
import { addressKey, type Address, type NodeId } from '../node-info.js';
import type { Transport } from '../transport.interface.js';
import { MemoryTransport } from './memory.transport.js';

/** How a `MemoryNetwork` treats frames; by default they travel at once, and none is lost. */
export interface MemoryNetworkOptions {
  /** Milliseconds that a frame travels; asked for each frame, 0 by default. Order within a link is kept. */
  readonly latencyMs?: () => number;
  /** Milliseconds for which a link is taken by a frame, so that what follows waits: its size by the bandwidth. 0 by default. */
  readonly transmitMs?: (frame: Frame) => number;
  /** For tests of lost frames: true makes this one vanish although the link stays. */
  readonly loses?: (from: Address, to: Address, frame: Frame) => boolean;
}

/** First port that is given to transports that ask for any. */
const FIRST_PORT = 10_000;

/** A network of transports that reach each other by address. */
export class MemoryNetwork {
  private readonly transports = new Map<string, MemoryTransport>();
  private readonly cuts = new Set<string>();
  private nextPort = FIRST_PORT;

  constructor(
    readonly runtime: Runtime,
    private readonly options: MemoryNetworkOptions = {},
  ) {}

  /** A transport that listens at `address` once opened; port 0 is any free one. */
  transport(address: Address, runtime: Runtime = this.runtime): Transport {
    return new MemoryTransport(this, address, runtime);
  }

  /** Nothing passes between the two any more, in both directions; what is sent meanwhile is held back. */
  cut(a: NodeId, b: NodeId): void {
    this.cutOneWay(a, b);
    this.cutOneWay(b, a);
  }

  /** Nothing passes from `a` to `b`. Both are node ids or `host:port`. */
  cutOneWay(a: NodeId, b: NodeId): void {
    this.cuts.add(`${keyOf(a)}>${keyOf(b)}`);
  }

  /** Everything passes again. */
  heal(): void {
    this.cuts.clear();
    for (const transport of this.transports.values()) transport.healed();
  }

  /** Everything passes again between these two. */
  healBetween(a: NodeId, b: NodeId): void {
    this.cuts.delete(`${keyOf(a)}>${keyOf(b)}`);
    this.cuts.delete(`${keyOf(b)}>${keyOf(a)}`);
    for (const key of [keyOf(a), keyOf(b)]) this.transports.get(key)?.healed();
  }

  /** The connection of these two breaks, what was in flight is lost; they may connect again at once. */
  breakLink(a: NodeId, b: NodeId): void {
    this.transports.get(keyOf(a))?.broken(keyOf(b));
    this.transports.get(keyOf(b))?.broken(keyOf(a));
  }

  /**
   * The process at this address dies: its links are reset, nobody listens there. What it had written arrives, unless
   * its machine dies with it (`losesInFlight`).
   */
  crash(node: NodeId, losesInFlight = false): void {
    const key = keyOf(node);
    const transport = this.transports.get(key);
    this.transports.delete(key);
    transport?.crashed(losesInFlight);
  }

  /**
   * The process at this address is stopped, as by SIGSTOP. Its machine goes on: what it had sent travels, what others
   * send waits for it, in order, and so does what became of its links. Who dials it is connected and gets no hello.
   */
  pause(node: NodeId): void {
    this.transports.get(keyOf(node))?.inbox.pause();
  }

  /** As SIGCONT: it reads what has come meanwhile. */
  resume(node: NodeId): void {
    this.transports.get(keyOf(node))?.inbox.resume();
  }

  /** @internal */
  bind(transport: MemoryTransport, { host, port }: Address): Address {
    const address = { host, port: port === 0 ? this.nextPort++ : port };
    const key = addressKey(address);
    if (this.transports.has(key)) throw new Error(`${key} is in use`);
    this.transports.set(key, transport);
    return address;
  }

  /** @internal */
  release(address: Address): void {
    this.transports.delete(addressKey(address));
  }

  /** @internal */
  at(address: Address): MemoryTransport | undefined {
    return this.transports.get(addressKey(address));
  }

  /** @internal */
  isCut(from: Address, to: Address): boolean {
    // Asked for each frame, and hardly ever so.
    return this.cuts.size > 0 && this.cuts.has(`${addressKey(from)}>${addressKey(to)}`);
  }

  /** @internal */
  isCutBetween(a: Address, b: Address): boolean {
    return this.isCut(a, b) || this.isCut(b, a);
  }

  /** @internal */
  loses(from: Address, to: Address, frame: Frame): boolean {
    return this.options.loses?.(from, to, frame) === true;
  }

  /** @internal */
  transmitMs(frame: Frame): number {
    return this.options.transmitMs?.(frame) ?? 0;
  }

  /** @internal */
  latencyMs(): number {
    return this.options.latencyMs?.() ?? 0;
  }
}

/** The address part of a node id, or an address as it is. */
function keyOf(node: NodeId): string {
  return node.slice(node.indexOf('@') + 1);
}
