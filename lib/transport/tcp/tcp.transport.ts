import { Buffer } from 'node:buffer';
import type { Server, Socket } from 'node:net';

import type { KernelLogger, Runtime } from '../../runtime/runtime.interface.js';
import type { EncodedFrame } from '../codec/frame.codec.js';
import type { Frame } from '../frame.js';
import { addressKey, type Address, type NodeId } from '../node-info.js';
import type { SendResult, Transport, TransportHandler, TransportSnapshot } from '../transport.interface.js';
import { AcceptedConnection } from './accepted.connection.js';
import { DialAttempt } from './dial.attempt.js';
import { LinkTable } from './link.table.js';
import { listenError } from './listen.error.js';
import { SecretKeys } from './secret.proof.js';
import { failureOf, Sockets } from './sockets.js';
import type { SwarmTlsOptions } from './tls.options.js';
import { DEFAULT_TCP_LIMITS, type TcpLimits } from './tcp.limits.js';
import { keyOf, UnprovedConnections } from './unproved.connections.js';
import { maxFrameBytes } from './wire.js';

/** What a `TcpTransport` is made from. */
export interface TcpTransportOptions {
  /** What other nodes dial. */
  readonly host: string;
  /** What the socket binds. */
  readonly listen: string;
  /** 0 for any free port. */
  readonly port: number;
  /** Largest body of a message. The same on every node: a larger frame closes the link. */
  readonly maxPayloadBytes: number;
  readonly logger: KernelLogger;
  readonly runtime: Runtime;
  readonly limits?: Partial<TcpLimits>;
  /** Plain connections where it is left out. */
  readonly tls?: SwarmTlsOptions;
  /** The first proves, all are accepted; none by default: then whoever reaches the port may link. */
  readonly secrets?: readonly string[];
}

/**
 * Links over sockets of `node:net`, or `node:tls`. Nest's `ClientProxy`, `JsonSocket` and `ServerTCP` are not used between nodes:
 * 2.5 times slower, two of them can block each other for ever, and `listen` may never call back.
 *
 * The cluster and the protocol range that a peer must have are those of the handler's own hello. Once `close` was
 * called, the handler is told nothing any more.
 */
export class TcpTransport implements Transport {
  private readonly table: LinkTable;
  private readonly limits: TcpLimits;
  private readonly attempts = new Map<string, DialAttempt>();
  private readonly accepted = new Set<AcceptedConnection>();
  /** Every socket that is not closed yet, to know when `close` is done. */
  private readonly unclosed = new Set<Socket>();
  private readonly unproved: UnprovedConnections;
  private readonly sockets: Sockets;
  private server: Server | undefined;
  private bound: Address | undefined;
  private closed: Promise<void> | undefined;

  constructor(private readonly options: TcpTransportOptions) {
    const limits = { ...DEFAULT_TCP_LIMITS, ...options.limits };
    const largestFrame = maxFrameBytes(options.maxPayloadBytes);
    this.limits = { ...limits, hardQueueBytes: Math.max(limits.hardQueueBytes, 2 * largestFrame) };
    this.unproved = new UnprovedConnections(this.limits.pendingHandshakes, () => options.runtime.random());
    this.sockets = new Sockets(options.tls, this.limits.handshakeTimeoutMs);
    this.table = new LinkTable({
      runtime: options.runtime,
      limits: this.limits,
      sockets: this.sockets,
      keys: new SecretKeys(options.secrets ?? []),
      maxFrameBytes: largestFrame,
      logger: options.logger,
      dial: (address) => this.dial(address),
    });
  }

  /** @throws SwarmConfigurationError when the address cannot be bound */
  open(handlerFor: (bound: Address) => TransportHandler): Promise<void> {
    const { host, listen, port, logger } = this.options;
    if (this.server !== undefined) return Promise.reject(new Error('the transport was opened before'));
    const server = this.makeServer();
    this.server = server;
    return new Promise((resolve, reject) => {
      server.once('error', (error) => reject(listenError({ host: listen, port }, error)));
      // `exclusive`: the workers of a node:cluster are nodes of their own and must not share a port.
      server.listen({ host: listen, port, exclusive: true }, () => {
        server.removeAllListeners('error');
        server.on('error', (error) => logger.warn(`the listening socket failed: ${error.message}`));
        const address = server.address();
        this.bound = { host, port: typeof address === 'object' && address !== null ? address.port : port };
        try {
          this.table.handler = handlerFor(this.bound);
          resolve();
        } catch (error) {
          server.close();
          reject(error);
        }
      });
    });
  }

  dial(address: Address): void {
    const key = addressKey(address);
    if (this.closed !== undefined || this.bound === undefined || this.attempts.has(key)) return;
    if (key === addressKey(this.bound)) {
      this.table.dialedSelf(address);
      return;
    }
    try {
      const owner = {
        made: (socket: Socket) => this.track(socket),
        done: () => void this.attempts.delete(key),
      };
      this.attempts.set(key, new DialAttempt(address, this.table, owner));
    } catch (error) {
      this.table.dialed(address, { kind: 'unreachable', message: (error as Error).message });
    }
  }

  send(to: NodeId, frame: Frame): SendResult {
    return this.table.linkOf(to)?.send(frame) ?? 'unlinked';
  }

  broadcast(to: Iterable<NodeId>, frame: Frame): NodeId[] {
    const missed: NodeId[] = [];
    let encoded: EncodedFrame | undefined;
    for (const node of to) {
      const link = this.table.linkOf(node);
      if (link !== undefined) encoded ??= this.encodedForAll(frame);
      if (encoded === undefined || link?.sendEncoded(encoded) !== 'queued') missed.push(node);
    }
    return missed;
  }

  disconnect(peer: NodeId, reason: string, flush = false): void {
    this.table.disconnect(peer, reason, flush);
  }

  close(): Promise<void> {
    this.closed ??= this.shutDown();
    return this.closed;
  }

  inspect(): TransportSnapshot {
    return this.table.inspect();
  }

  private encodedForAll(frame: Frame): EncodedFrame {
    const { kind, head, tail } = this.table.encoder.encode(frame);
    return { kind, head: Buffer.from(head), tail };
  }

  private makeServer(): Server {
    return this.sockets.server({
      reached: (socket) => this.reached(socket),
      accepted: (socket) => this.accept(socket),
      failed: (from, error) => {
        const kind = failureOf(error);
        this.table.counted(`handshake-${kind}`);
        if (kind === 'tls') this.table.stranger(from, error.message);
      },
    });
  }

  private reached(socket: Socket): boolean {
    if (this.closed !== undefined || this.table.handler === undefined) return false;
    this.track(socket);
    const surplus = this.unproved.add(socket);
    if (surplus !== undefined) {
      this.table.crowded(this.limits.pendingHandshakes, surplus.remoteAddress ?? 'unknown');
      surplus.destroy();
    }
    return true;
  }

  private accept(socket: Socket): void {
    if (this.closed !== undefined) return void socket.destroy();
    // A socket knows where it comes from only while it is open.
    const key = keyOf(socket);
    this.track(socket);
    const accepted: AcceptedConnection = new AcceptedConnection(socket, this.table, (isLinked) => {
      if (isLinked) this.unproved.delete(key);
      this.accepted.delete(accepted);
    });
    this.accepted.add(accepted);
  }

  private track(socket: Socket): void {
    if (this.unclosed.has(socket)) return;
    this.unclosed.add(socket);
    socket.once('close', () => this.unclosed.delete(socket));
  }

  private async shutDown(): Promise<void> {
    this.table.close();
    for (const attempt of this.attempts.values()) attempt.abort();
    for (const accepted of this.accepted) accepted.abort();
    this.unproved.destroy();
    this.attempts.clear();
    this.accepted.clear();
    const { server } = this;
    await Promise.all([
      ...Array.from(
        this.unclosed,
        (socket) => new Promise<void>((resolve) => socket.once('close', () => resolve())),
      ),
      server?.listening === true ? new Promise<void>((resolve) => server.close(() => resolve())) : undefined,
    ]);
  }
}
