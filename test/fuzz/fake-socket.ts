import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';

/** One end of a connection without a network: keeps what is written, and is given what the other side writes. */
export class FakeSocket extends EventEmitter {
  readonly remoteAddress = '192.0.2.1';
  readonly written: Buffer[] = [];
  isClosed = false;

  get asSocket(): Socket {
    return this as unknown as Socket;
  }

  write(bytes: Buffer): boolean {
    if (!this.isClosed) this.written.push(Buffer.from(bytes));
    return true;
  }

  end(): this {
    return this;
  }

  resume(): this {
    return this;
  }

  destroy(): this {
    if (this.isClosed) return this;
    this.isClosed = true;
    this.emit('close');
    return this;
  }

  /** Takes what was written since the last time. */
  take(): Buffer {
    return Buffer.concat(this.written.splice(0));
  }
}
