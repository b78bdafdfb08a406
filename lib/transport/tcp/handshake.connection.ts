import { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';

import { messageOf } from '../../errors/thrown.js';
import type { Runtime, Timer } from '../../runtime/runtime.interface.js';
import { MalformedFrameError } from '../codec/malformed-frame.error.js';
import { HandshakeStrangerError } from './handshake-stranger.error.js';
import { decodeHandshake, encodeHandshake, type HandshakeMessage } from './handshake.message.js';
import { printable } from './printable.text.js';
import type { SecretProof } from './secret.proof.js';
import { UnitSplitter } from './unit.splitter.js';
import {
  MAX_HANDSHAKE_BYTES,
  MAX_STRANGER_BYTES,
  MAX_UNPROVED_BYTES,
  PREAMBLE,
  UnitKind,
  unitOf,
} from './wire.js';

/** How long a stranger may take to read why it is one. */
const STRANGER_CLOSE_MS = 500;

/** Why a handshake came to nothing. */
export interface HandshakeFailure {
  /**
   * `garbage`: the other side speaks something else. `stranger`: it does not have the secret, or takes this node for one
   * that has not. `fault`: this node could not answer.
   */
  readonly kind: 'garbage' | 'stranger' | 'timeout' | 'ended' | 'fault';
  /** Not one byte came. */
  readonly silent: boolean;
  readonly message: string;
}

/** What either side of a handshake does with what it hears. */
export interface HandshakeListener {
  message(message: HandshakeMessage): void;
  /** Called at most once, and not after `release` or `end`. */
  failed(failure: HandshakeFailure): void;
  /** Called first in every event of the socket. */
  settle(): void;
}

/**
 * A connection before it is a link: nothing is parsed until the other side's preamble was seen and it has proved that it
 * knows the secret, where there is one. All of it has to be done within a time.
 */
export class HandshakeConnection {
  private readonly splitter: UnitSplitter;
  /** What is said only to one who has proved that it has the secret. */
  private readonly unsent: HandshakeMessage[] = [];
  private preambleSeen = 0;
  private over = false;
  private isEnding = false;
  private timer: Timer;
  private socketError: string | undefined;

  constructor(
    readonly socket: Socket,
    private readonly listener: HandshakeListener,
    private readonly runtime: Runtime,
    timeoutMs: number,
    /** `undefined` in a swarm without a secret. */
    private readonly proof: SecretProof | undefined,
  ) {
    const maxBytes = proof ? MAX_UNPROVED_BYTES : MAX_HANDSHAKE_BYTES;
    this.splitter = new UnitSplitter(maxBytes, (kind, bytes, start, end) =>
      this.unit(kind, bytes.subarray(start, end)),
    );
    this.timer = runtime.after(timeoutMs, () => this.fail('timeout', `no handshake within ${timeoutMs} ms`));
    socket.on('data', this.onData);
    socket.on('error', this.onError);
    socket.on('end', this.onEnd);
    socket.on('close', this.onEnd);
    socket.write(PREAMBLE);
    if (proof) socket.write(unitOf(UnitKind.Challenge, proof.nonce));
  }

  send(message: HandshakeMessage): void {
    const { proof } = this;
    if (proof && !proof.isProved) return void this.unsent.push(message);
    const body = encodeHandshake(message);
    return void this.socket.write(unitOf(message.kind, proof ? proof.sign(message.kind, body) : body));
  }

  /** Writes what was sent and closes; the other side is given a moment to read it. */
  end(withinMs: number): void {
    if (this.isEnding) return;
    this.isEnding = true;
    this.stop();
    this.socket.end();
    this.timer = this.runtime.after(withinMs, () => this.socket.destroy());
    this.socket.once('end', () => this.socket.destroy());
    this.socket.once('close', () => this.timer.cancel());
    this.socket.resume();
  }

  /** Closes at once. */
  destroy(): void {
    this.stop();
    this.socket.destroy();
  }

  /** Hands the connection over to a link; what follows the last message goes there. */
  release(): { readonly socket: Socket; readonly splitter: UnitSplitter } {
    this.over = true;
    this.timer.cancel();
    this.socket.off('data', this.onData);
    this.socket.off('error', this.onError);
    this.socket.off('end', this.onEnd);
    this.socket.off('close', this.onEnd);
    return { socket: this.socket, splitter: this.splitter };
  }

  private stop(): void {
    if (!this.over) this.release();
    this.splitter.stop();
    // A socket without a listener for its errors would end the process.
    this.socket.on('error', () => undefined);
  }

  private readonly onData = (chunk: Buffer, isLent = false): void => {
    this.listener.settle();
    try {
      this.splitter.push(this.withoutPreamble(chunk), isLent);
    } catch (error) {
      const message = messageOf(error);
      if (error instanceof HandshakeStrangerError) this.turnAway(message);
      else this.fail(error instanceof MalformedFrameError ? 'garbage' : 'fault', message);
    }
    this.listener.settle();
  };

  private readonly onError = (error: Error): void => {
    this.socketError = error.message;
  };

  private readonly onEnd = (): void => {
    this.listener.settle();
    this.fail('ended', this.socketError ?? 'the connection was closed during the handshake');
    this.listener.settle();
  };

  private withoutPreamble(chunk: Buffer): Buffer {
    let at = 0;
    while (this.preambleSeen < PREAMBLE.length && at < chunk.length) {
      if (chunk[at] !== PREAMBLE[this.preambleSeen]) {
        throw new MalformedFrameError(
          'Preamble',
          'bytes',
          'this is no node of a swarm, or one of another version',
        );
      }
      at += 1;
      this.preambleSeen += 1;
    }
    return chunk.subarray(at);
  }

  private unit(kind: number, body: Buffer): void {
    if (kind === UnitKind.Stranger) {
      const reason = printable(body.subarray(0, MAX_STRANGER_BYTES).toString('utf8'));
      return this.fail('stranger', `it takes this node for a stranger: ${reason}`);
    }
    const { proof } = this;
    if (!proof) {
      if (kind === UnitKind.Challenge)
        throw new HandshakeStrangerError('one of the two has a secret, the other has none');
      return this.listener.message(decodeHandshake(kind, body));
    }
    if (kind === UnitKind.Challenge) return this.challenged(proof, body);
    if (!proof.isMet) throw new HandshakeStrangerError('one of the two has a secret, the other has none');
    if (kind === UnitKind.Proof) return this.answered(proof, body);
    const proved = proof.verify(kind, body);
    return this.listener.message(decodeHandshake(kind, proved));
  }

  private challenged(proof: SecretProof, nonce: Buffer): void {
    proof.meet(nonce);
    if (proof.role === 'dialler') this.prove(proof);
  }

  /** Only now it may cost memory. */
  private answered(proof: SecretProof, answer: Buffer): void {
    proof.check(answer);
    this.splitter.maxBytes = MAX_HANDSHAKE_BYTES;
    if (proof.role === 'acceptor') this.prove(proof);
    for (const message of this.unsent.splice(0)) this.send(message);
  }

  private prove(proof: SecretProof): void {
    this.socket.write(unitOf(UnitKind.Proof, proof.answer()));
  }

  /** Says why in a few words that prove nothing and ask for nothing. */
  private turnAway(reason: string): void {
    if (this.over) return;
    this.socket.write(unitOf(UnitKind.Stranger, Buffer.from(reason).subarray(0, MAX_STRANGER_BYTES)));
    this.fail('stranger', reason);
  }

  private fail(kind: HandshakeFailure['kind'], message: string): void {
    if (this.over) return;
    if (kind === 'stranger') this.end(STRANGER_CLOSE_MS);
    else this.destroy();
    this.listener.failed({ kind, message, silent: this.preambleSeen === 0 });
  }
}
