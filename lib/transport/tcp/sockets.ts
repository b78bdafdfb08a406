// Makes the sockets of a transport: plain ones, or under TLS those whose certificates are in order.
import { Buffer } from 'node:buffer';
import { connect, createServer, isIP, type LookupFunction, type Server, type Socket } from 'node:net';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';

import type { Address } from '../node-info.js';
import { NameLookups } from './name.lookups.js';
import type { SwarmTlsOptions } from './tls.options.js';

/** What is read at once: what Node reads too, and little enough to stay in the caches of the processor. */
const READ_BYTES = 64 * 1024;

/** What a server tells of the connections that reach it. */
export interface ServerListener {
  /** A connection from outside: false to close it at once, before anything is read. */
  reached(socket: Socket): boolean;
  /** It may be used; under TLS the other side's certificate is in order. */
  accepted(socket: Socket): void;
  /** It came to nothing before that. */
  failed(from: string, error: Error): void;
}

/** Makes the sockets that a transport dials with and listens with. */
export class Sockets {
  private readonly lookups = new NameLookups();

  constructor(
    private readonly tls: SwarmTlsOptions | undefined,
    private readonly handshakeTimeoutMs: number,
  ) {}

  /** The event of a dialled socket after which it may be used. */
  get connected(): 'connect' | 'secureConnect' {
    return this.tls ? 'secureConnect' : 'connect';
  }

  dial({ host, port }: Address): Socket {
    const { lookup } = this.lookups;
    if (!this.tls) return dialPlain(host, port, lookup);
    const { requestCert: _, servername, ...options } = this.tls;
    // A name may be sent ahead of the handshake, an address may not.
    const name = servername ?? (isIP(host) ? undefined : host);
    const asked = name === undefined ? {} : { servername: name };
    // Said, since an environment with NODE_TLS_REJECT_UNAUTHORIZED=0 would otherwise take any certificate.
    const socket = connectTls({ ...options, host, port, lookup, rejectUnauthorized: true, ...asked });
    return socket.setNoDelay(true);
  }

  server(listener: ServerListener): Server {
    const server = this.tls ? this.tlsServer(this.tls, listener) : createServer({ noDelay: true });
    server.on('connection', (socket: Socket) => {
      if (!listener.reached(socket)) socket.destroy();
      else if (!this.tls) listener.accepted(socket);
    });
    return server;
  }

  private tlsServer(tls: SwarmTlsOptions, listener: ServerListener): Server {
    const { servername: _, checkServerIdentity: __, requestCert = true, ...options } = tls;
    const server = createTlsServer({
      ...options,
      requestCert,
      rejectUnauthorized: requestCert,
      handshakeTimeout: this.handshakeTimeoutMs,
    });
    server.on('secureConnection', (socket) => listener.accepted(socket.setNoDelay(true)));
    server.on('tlsClientError', (error, socket) => {
      listener.failed(socket.remoteAddress ?? 'unknown', error);
      socket.destroy();
    });
    return server;
  }
}

/**
 * Reads into one piece of memory, again and again, where Node would take 64 KiB anew for each read. `data` is emitted all
 * the same, with a second argument: the chunk is lent, and may be looked at only until its listeners return. Node has this
 * for sockets that are dialled, not for those that a server accepts, nor under TLS.
 */
function dialPlain(host: string, port: number, lookup: LookupFunction): Socket {
  const memory = Buffer.allocUnsafeSlow(READ_BYTES);
  const callback = (bytes: number): boolean => {
    socket.emit('data', memory.subarray(0, bytes), true);
    return true;
  };
  const socket: Socket = connect({ host, port, lookup, noDelay: true, onread: { buffer: memory, callback } });
  return socket;
}

/** Why a connection from outside came to nothing before its certificate was seen to be in order. */
export function failureOf({ code }: Error & { code?: string }): 'timeout' | 'ended' | 'tls' {
  if (code === 'ERR_TLS_HANDSHAKE_TIMEOUT') return 'timeout';
  return code === 'ECONNRESET' ? 'ended' : 'tls';
}

/** Whether a connection came to nothing because of a certificate, or because only one of the two speaks TLS. */
export function isTlsFault({ code = '' }: Error & { code?: string }): boolean {
  return /^(ERR_SSL|ERR_TLS|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|HOSTNAME_MISMATCH|INVALID_CA|EPROTO)/.test(
    code,
  );
}
