import { RemoteError } from '../errors/index.js';
import type { ActivationParts } from './hosted-type.js';
import { toRemoteFailure } from './remote-failure.js';

/** Most bytes of what an exception carries for the caller; the details of an error may have twice as many on a link. */
const ERROR_PAYLOAD_BYTES = 512 * 1024;

/** What a handler threw, for its caller. */
export interface HandlerFailure {
  /** An exception that carries a status or a payload for the caller is an answer, not an accident. */
  readonly isMeant: boolean;
  readonly error: RemoteError;
}

export function handlerFailure(thrown: unknown, parts: ActivationParts): HandlerFailure {
  const failure = toRemoteFailure(thrown, parts.debug);
  const { statusCode, payload } = failure;
  const isMeant = statusCode !== undefined ? statusCode < 500 : payload !== undefined;
  return { isMeant, error: new RemoteError(sendable(failure, parts)) };
}

/** Without a payload that cannot travel: all details of an error would stay behind with it. */
function sendable(
  failure: RemoteError['remote'],
  { codec, maxPayloadBytes }: ActivationParts,
): RemoteError['remote'] {
  if (failure.payload === undefined) return failure;
  try {
    const maxBytes = Math.min(maxPayloadBytes, ERROR_PAYLOAD_BYTES);
    const bytes = codec.encode(failure.payload, { root: 'payload', instances: 'flatten', maxBytes });
    return { ...failure, payload: codec.decode(bytes) };
  } catch {
    const { payload: _, ...rest } = failure;
    return rest;
  }
}
