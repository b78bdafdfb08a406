import type { Socket } from 'node:net';

import type { Hello, Refusal } from '../node-info.js';
import { HandshakeConnection, type HandshakeFailure } from './handshake.connection.js';
import type { HandshakeMessage } from './handshake.message.js';
import { dials, judge } from '../handshake.rules.js';
import type { LinkBroker } from './link.broker.js';
import { UnitKind } from './wire.js';

/** The acceptor's side of a connection until the dialler has confirmed or either side has ended it. */
export class AcceptedConnection {
  private readonly connection: HandshakeConnection;
  private peer: Hello | undefined;

  constructor(
    socket: Socket,
    private readonly broker: LinkBroker,
    /** `isLinked`: it is a link from now on. */
    private readonly onDone: (isLinked: boolean) => void,
  ) {
    const listener = {
      message: (message: HandshakeMessage) => this.heard(message),
      failed: (failure: HandshakeFailure) => this.failed(failure),
      settle: () => broker.settle(),
    };
    this.connection = new HandshakeConnection(
      socket,
      listener,
      broker.runtime,
      broker.limits.handshakeTimeoutMs,
      broker.keys.isEmpty ? undefined : broker.keys.proof('acceptor'),
    );
  }

  /** Ends at once, without a word. */
  abort(): void {
    this.connection.destroy();
  }

  private heard(message: HandshakeMessage): void {
    if (message.kind === UnitKind.Hello && this.peer === undefined) {
      this.peer = message.hello;
      this.answer(message.hello);
    } else if (message.kind === UnitKind.Confirm && this.peer !== undefined) {
      this.confirmed(this.peer);
    } else if (message.kind === UnitKind.Refuse && this.peer !== undefined) {
      this.end();
      this.broker.refusedBy(this.peer, message.refusal);
    } else {
      this.failed({ kind: 'garbage', message: 'the handshake was out of order', silent: false });
      this.connection.destroy();
    }
  }

  private answer(peer: Hello): void {
    const own = this.broker.hello();
    const verdict = judge(own, peer) ?? this.broker.admit(peer) ?? this.staleness(peer);
    if (verdict === 'self') {
      this.connection.send({ kind: UnitKind.Self, hello: own });
      this.end();
    } else if (verdict !== undefined) {
      this.refuse(own, peer, verdict);
    } else if (dials(peer, own)) {
      this.connection.send({ kind: UnitKind.Welcome, hello: own });
    } else {
      this.connection.send({ kind: UnitKind.Nudge, hello: own });
      this.end();
      this.broker.nudged(peer);
    }
  }

  private confirmed(peer: Hello): void {
    // The kernel may have linked with a newer incarnation while this one made up its mind.
    const stale = this.staleness(peer);
    if (stale !== undefined) return this.refuse(this.broker.hello(), peer, stale);
    this.onDone(true);
    this.broker.openLink(peer, this.connection.release());
  }

  private staleness(peer: Hello): Refusal | undefined {
    const current = this.broker.linkOf(peer.node.id)?.peer.node.incarnation;
    if (current === undefined || current <= peer.node.incarnation) return undefined;
    return {
      code: 'stale-incarnation',
      message: `a newer incarnation of ${peer.node.id} is linked`,
      about: peer.node.id,
      incarnation: current,
    };
  }

  private refuse(own: Hello, peer: Hello, refusal: Refusal): void {
    this.connection.send({ kind: UnitKind.Refuse, refusal, peer: own.node });
    this.end();
    this.broker.refused(peer, refusal);
  }

  private end(): void {
    this.onDone(false);
    this.connection.end(this.broker.limits.closeTimeoutMs);
  }

  private failed({ kind, message, silent }: HandshakeFailure): void {
    this.onDone(false);
    this.broker.counted(`handshake-${kind}`);
    const from = this.connection.socket.remoteAddress ?? 'unknown';
    // Whoever says nothing at all may be one who looks whether the port is open, as load balancers do.
    if (kind === 'garbage' || (kind === 'timeout' && !silent)) this.broker.garbage(from, message);
    if (kind === 'stranger') this.broker.stranger(from, message);
  }
}
