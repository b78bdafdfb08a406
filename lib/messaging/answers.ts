// What a handler gave, on its way to the caller: as bytes over links, as a copy on the same node. Bytes that came over
// a link go on as they are.
import { LinkOverloadedError } from '../errors/index.js';
import type { WireError } from '../transport/frame.js';
import type { NodeId } from '../transport/node-info.js';
import type { PayloadCodec, PayloadRules } from '../transport/payload.interface.js';
import type { Body } from '../workers/worker-host.interface.js';
import { toWireError } from './wire-error.js';

export const NO_BODY: Uint8Array = new Uint8Array(0);

export class Answers {
  private readonly rules: PayloadRules;

  constructor(
    private readonly codec: PayloadCodec,
    maxPayloadBytes: number,
  ) {
    this.rules = { root: 'answer', instances: 'flatten', maxBytes: maxPayloadBytes };
  }

  /** What travels, to the one who has asked. @throws UnserializableError, PayloadTooLargeError */
  toBytes(answer: Body | undefined): Uint8Array {
    if (!answer) return NO_BODY;
    return 'bytes' in answer ? answer.bytes : this.codec.encode(answer.value, this.rules, true);
  }

  /** What a caller on this node gets. @throws UnserializableError, PayloadTooLargeError */
  toValue(answer: Body | undefined): unknown {
    if (!answer) return undefined;
    if ('bytes' in answer) return this.codec.decode(answer.bytes, answer.isOwn);
    return this.codec.copy(answer.value, this.rules);
  }
}

/** The small error that is sent when a call was handled but the link has no room for its answer. */
export function unsentAnswer(to: NodeId): WireError {
  const message = `the call was handled, but its answer was not sent: the link to ${to} is overloaded`;
  return { ...toWireError(new LinkOverloadedError(to)), message };
}
