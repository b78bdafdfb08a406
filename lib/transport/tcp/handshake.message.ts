import { Buffer } from 'node:buffer';
import { readHello, readRefusalOfPeer } from '../codec/hello.codec.js';
import { MalformedFrameError } from '../codec/malformed-frame.error.js';
import type { Hello, NodeInfo, Refusal } from '../node-info.js';
import { UnitKind } from './wire.js';

/** One message of the handshake. */
export type HandshakeMessage =
  | {
      readonly kind:
        typeof UnitKind.Hello | typeof UnitKind.Welcome | typeof UnitKind.Nudge | typeof UnitKind.Self;
      readonly hello: Hello;
    }
  | { readonly kind: typeof UnitKind.Refuse; readonly refusal: Refusal; readonly peer: NodeInfo | undefined }
  | { readonly kind: typeof UnitKind.Confirm };

/** A message's body. JSON, because both versions of a rolling upgrade must read it, whatever they know. */
export function encodeHandshake(message: HandshakeMessage): Buffer {
  switch (message.kind) {
    case UnitKind.Confirm:
      return Buffer.alloc(0);
    case UnitKind.Refuse:
      return Buffer.from(JSON.stringify({ ...message.refusal, peer: message.peer }));
    default:
      return Buffer.from(JSON.stringify(message.hello));
  }
}

/** Checks everything, and takes over only what it knows. @throws MalformedFrameError */
export function decodeHandshake(kind: number, body: Buffer): HandshakeMessage {
  switch (kind) {
    case UnitKind.Confirm:
      return { kind };
    case UnitKind.Refuse:
      return { kind, ...readRefusalOfPeer(body) };
    case UnitKind.Hello:
    case UnitKind.Welcome:
    case UnitKind.Nudge:
    case UnitKind.Self:
      return { kind, hello: readHello(body) };
    default:
      throw new MalformedFrameError('Handshake', 'kind', `${kind} is no part of a handshake`);
  }
}
