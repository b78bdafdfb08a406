import type { Socket } from 'node:net';

import type { Runtime, Timer } from '../../runtime/runtime.interface.js';
import { MalformedFrameError } from '../codec/malformed-frame.error.js';
import { decodeHandshake, encodeHandshake, type HandshakeMessage } from './handshake.message.js';
import { UnitSplitter } from './unit.splitter.js';
import { MAX_HANDSHAKE_BYTES, PREAMBLE, unitOf } from './wire.js';

/** Why a handshake came to nothing. */
export interface HandshakeFailure {
  /** `garbage`: the other side speaks something else. `fault`: this node could not answer. */
  readonly kind: 'garbage' | 'timeout' | 'ended' | 'fault';
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

/** A connection before it is a link: nothing is parsed until the other side's preamble was seen, and all of it takes its time. */
export class HandshakeConnection {
  private readonly splitter = new UnitSplitter(MAX_HANDSHAKE_BYTES, (kind, body) => this.unit(kind, body));
  private preambleSeen = 0;
  private over = false;
  private timer: Timer;
  private socketError: string | undefined;

  constructor(
    readonly socket: Socket,
    private readonly listener: HandshakeListener,
    private readonly runtime: Runtime,
    timeoutMs: number,
  ) {
    this.timer = runtime.after(timeoutMs, () => this.fail('timeout', `no handshake within ${timeoutMs} ms`));
    socket.on('data', this.onData);
    socket.on('error', this.onError);
    socket.on('end', this.onEnd);
    socket.on('close', this.onEnd);
    socket.write(PREAMBLE);
  }

  send(message: HandshakeMessage): void {
    this.socket.write(unitOf(message.kind, encodeHandshake(message)));
  }

  /** Writes what was sent and closes; the other side is given a moment to read it. */
  end(withinMs: number): void {
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

  private readonly onData = (chunk: Buffer): void => {
    this.listener.settle();
    try {
      this.splitter.push(this.withoutPreamble(chunk));
    } catch (error) {
      const malformed = error instanceof MalformedFrameError;
      this.fail(malformed ? 'garbage' : 'fault', error instanceof Error ? error.message : String(error));
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
    this.listener.message(decodeHandshake(kind, body));
  }

  private fail(kind: HandshakeFailure['kind'], message: string): void {
    if (this.over) return;
    this.destroy();
    this.listener.failed({ kind, message, silent: this.preambleSeen === 0 });
  }
}
