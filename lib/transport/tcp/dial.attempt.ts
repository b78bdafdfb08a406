import { isIP, type Socket } from 'node:net';

import type { Timer } from '../../runtime/runtime.interface.js';
import { addressKey, type Address, type Hello, type Refusal } from '../node-info.js';
import type { DialOutcome } from '../transport.interface.js';
import { HandshakeConnection, type HandshakeFailure } from './handshake.connection.js';
import type { HandshakeMessage } from './handshake.message.js';
import { dials, judge } from '../handshake.rules.js';
import type { LinkBroker } from './link.broker.js';
import { printable } from './printable.text.js';
import { isTlsFault } from './sockets.js';
import { UnitKind } from './wire.js';

/** Who started an attempt. */
export interface DialOwner {
  /** A socket was made, which must be gone before the transport is closed. */
  made(socket: Socket): void;
  done(): void;
}

/** The system repeats what opens a connection after a second; where a network flaps another connection is through sooner. */
const CONNECT_AGAIN_MS = 250;

/** The dialler's side of a connection until it is a link or has ended. Ends in exactly one outcome. */
export class DialAttempt {
  /** Those that are not connected yet; the first that is goes on. */
  private readonly connecting = new Set<Socket>();
  private againTimer: Timer | undefined;
  private connectTimer: Timer;
  private connection: HandshakeConnection | undefined;
  private repeated = false;
  private done = false;

  /** @throws for an address that no socket takes */
  constructor(
    private readonly address: Address,
    private readonly broker: LinkBroker,
    private readonly owner: DialOwner,
  ) {
    this.connect();
    this.connectTimer = this.connectTimeout();
  }

  /** Ends without an outcome. */
  abort(): void {
    this.done = true;
    this.connectTimer.cancel();
    this.leave();
    this.connection?.destroy();
  }

  private connect(): void {
    const { sockets } = this.broker;
    const socket = sockets.dial(this.address);
    this.owner.made(socket);
    this.connecting.add(socket);
    socket.once(sockets.connected, () => this.connected(socket));
    socket.on('error', this.onConnectError);
    // While its name is looked up another connection would wait for the same answer.
    if (isIP(this.address.host) === 0) socket.once('lookup', () => this.connectAgainLater(socket));
    else this.connectAgainLater(socket);
  }

  private connectAgainLater(after: Socket): void {
    // The answer may come when nobody waits for it any more.
    if (!this.connecting.has(after)) return;
    this.againTimer?.cancel();
    this.againTimer = this.broker.runtime.after(CONNECT_AGAIN_MS, () => {
      // Under TLS one that has reached the other side may take longer.
      if ([...this.connecting].every(({ connecting }) => connecting)) this.connect();
    });
  }

  /** No socket is waited for any more. */
  private leave(): void {
    this.againTimer?.cancel();
    for (const socket of this.connecting) {
      socket.off('error', this.onConnectError);
      socket.on('error', () => undefined);
      socket.destroy();
    }
    this.connecting.clear();
  }

  private connectTimeout(): Timer {
    const { connectTimeoutMs } = this.broker.limits;
    return this.broker.runtime.after(connectTimeoutMs, () => {
      this.end({ kind: 'unreachable', message: `no connection within ${connectTimeoutMs} ms` });
    });
  }

  private connected(socket: Socket): void {
    this.broker.settle();
    if (this.done || !this.connecting.delete(socket)) return;
    this.connectTimer.cancel();
    socket.off('error', this.onConnectError);
    this.leave();
    const { runtime, limits, keys } = this.broker;
    const listener = {
      message: (message: HandshakeMessage) => this.heard(message),
      failed: (failure: HandshakeFailure) => this.failed(failure),
      settle: () => this.broker.settle(),
    };
    const proof = keys.isEmpty ? undefined : keys.proof('dialler');
    const { handshakeTimeoutMs } = limits;
    this.connection = new HandshakeConnection(socket, listener, runtime, handshakeTimeoutMs, proof);
    try {
      this.connection.send({ kind: UnitKind.Hello, hello: this.broker.hello() });
    } catch (error) {
      this.end({ kind: 'unreachable', message: `no hello could be said: ${(error as Error).message}` });
    }
  }

  private readonly onConnectError = (error: Error & { code?: string }): void => {
    this.broker.settle();
    const kind = error.code === 'ECONNREFUSED' ? 'refused' : 'unreachable';
    if (isTlsFault(error)) this.broker.stranger(addressKey(this.address), error.message);
    this.end({ kind, message: error.message || `${error.code} ${addressKey(this.address)}` });
    this.broker.settle();
  };

  private heard(message: HandshakeMessage): void {
    switch (message.kind) {
      case UnitKind.Welcome:
        return this.welcomed(message.hello);
      case UnitKind.Nudge: {
        const known =
          this.broker.linkOf(message.hello.node.id)?.peer.node.incarnation === message.hello.node.incarnation;
        return this.end({ kind: known ? 'known' : 'nudged', peer: message.hello.node });
      }
      case UnitKind.Self:
        return this.end({ kind: 'self', peer: message.hello.node });
      case UnitKind.Refuse: {
        const { refusal, peer } = message;
        return this.end({
          kind: 'rejected',
          message: printable(refusal.message),
          refusal,
          ...(peer === undefined ? {} : { peer }),
        });
      }
      default:
        return this.end({ kind: 'rejected', message: 'answered out of turn' });
    }
  }

  private welcomed(peer: Hello): void {
    const own = this.broker.hello();
    const verdict = judge(own, peer) ?? this.broker.admit(peer);
    if (verdict === 'self') return this.end({ kind: 'self', peer: peer.node });
    if (verdict !== undefined) return this.refuse(own, peer, verdict);
    if (!dials(own, peer))
      return this.end({ kind: 'rejected', message: 'welcomed a nudge', peer: peer.node });
    const current = this.broker.linkOf(peer.node.id)?.peer.node.incarnation;
    if (current === peer.node.incarnation) return this.end({ kind: 'known', peer: peer.node });
    if (current !== undefined && current > peer.node.incarnation) {
      const message = `${own.node.id} knows a newer incarnation of ${peer.node.id}`;
      return this.refuse(own, peer, {
        code: 'stale-incarnation',
        message,
        about: peer.node.id,
        incarnation: current,
      });
    }
    const { connection } = this;
    if (connection === undefined || !this.finish()) return;
    connection.send({ kind: UnitKind.Confirm });
    this.broker.openLink(peer, connection.release());
    this.broker.dialed(this.address, { kind: 'linked', peer: peer.node });
  }

  private refuse(own: Hello, peer: Hello, refusal: Refusal): void {
    this.connection?.send({ kind: UnitKind.Refuse, refusal, peer: own.node });
    this.end({ kind: 'rejected', message: refusal.message, refusal, peer: peer.node });
  }

  private failed({ kind, message, silent }: HandshakeFailure): void {
    if (kind === 'ended' && silent && !this.repeated && !this.done) {
      // A process that is being killed loses its links before it stops listening: only the next dial is refused.
      this.repeated = true;
      this.connection = undefined;
      this.connect();
      this.connectTimer = this.connectTimeout();
      return;
    }
    if (kind === 'stranger') this.broker.stranger(addressKey(this.address), message);
    this.end({ kind: kind === 'garbage' || kind === 'stranger' ? 'rejected' : 'unreachable', message });
  }

  private end(outcome: DialOutcome): void {
    if (!this.finish()) return;
    this.leave();
    this.connection?.end(this.broker.limits.closeTimeoutMs);
    this.broker.dialed(this.address, outcome);
  }

  private finish(): boolean {
    if (this.done) return false;
    this.done = true;
    this.connectTimer.cancel();
    this.owner.done();
    return true;
  }
}
