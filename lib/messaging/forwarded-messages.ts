// Messages that are with other nodes: each call ends by its answer, by the loss of the link, or by its deadline
// (promise P7). Of those that this node has only passed on it knows how many are not answered: it must not leave before
// (promise P5).
import type { ShuttingDownError, SwarmError } from '../errors/index.js';
import type { Runtime } from '../runtime/runtime.interface.js';
import { FrameKind, type AnswerFrame } from '../transport/frame.js';
import type { NodeId } from '../transport/node-info.js';
import type { PayloadCodec, PayloadRules, RefFactory } from '../transport/payload.interface.js';
import type { SendResult, Transport } from '../transport/transport.interface.js';
import { expiredError, untilHere } from './answer-validity.js';
import { lateError, type Message } from './message.js';
import { type Asker, PendingReplies } from './pending-replies.js';
import { asSwarmError, fromWireError } from './wire-error.js';

export interface ForwardedMessagesParts {
  readonly self: NodeId;
  readonly runtime: Runtime;
  readonly transport: Transport;
  readonly codec: PayloadCodec;
  readonly refs: RefFactory;
  /** Told when the last call that this node has passed on for others was answered, or was given up. */
  passedOnDone?(): void;
}

export class ForwardedMessages {
  readonly pending: PendingReplies<AnswerFrame>;
  private passed = 0;

  constructor(
    private readonly parts: ForwardedMessagesParts,
    private readonly dataRules: PayloadRules,
  ) {
    this.pending = new PendingReplies(parts.runtime);
  }

  /** Calls of other nodes, or that had waited here for a worker which has moved, that are with another node now. */
  get passedOn(): number {
    return this.passed;
  }

  /** If it was not sent nobody is told: what becomes of it is up to whoever asked. `now`: if it was just looked at. */
  forward(to: NodeId, message: Message, now?: number): SendResult {
    let body: Uint8Array;
    try {
      body = this.bytesOf(message);
    } catch (error) {
      // It was meant for a worker of this node, where no bytes are counted.
      message.reply(asSwarmError(error, 'data'), undefined);
      return 'queued';
    }
    const { kind, name, pattern, hops } = message;
    const from = message.from === this.parts.self ? '' : message.from;
    if (kind === 'call') return this.forwardCall(to, message, from, body, now);
    const sent = this.parts.transport.send(to, { kind: FrameKind.Cast, name, pattern, body, from, hops });
    if (sent === 'queued') message.reply(undefined, undefined);
    return sent;
  }

  onAnswer(from: NodeId, frame: AnswerFrame): void {
    this.pending.answer(from, frame.id, frame);
  }

  unlinked(node: NodeId): void {
    this.pending.unlinked(node);
  }

  close(error: () => ShuttingDownError): void {
    this.pending.close(error);
  }

  private forwardCall(
    to: NodeId,
    message: Message,
    from: NodeId,
    body: Uint8Array,
    sentAt = this.parts.runtime.now(),
  ): SendResult {
    const { transport, self } = this.parts;
    const { name, pattern, chain, hops } = message;
    const isPassedOn = message.rerouted || message.from !== self;
    const timeoutMs = Math.max(1, message.deadline - sentAt);
    const call = new ForwardedCall(to, message, sentAt, this.parts, isPassedOn ? this.answered : undefined);
    const id = this.pending.add(to, timeoutMs, call, sentAt);
    const kind = FrameKind.Call;
    const sent = transport.send(to, { kind, id, timeoutMs, name, pattern, chain, hops, from, body });
    if (sent !== 'queued') this.pending.withdraw(id);
    else if (isPassedOn) this.passed++;
    return sent;
  }

  private readonly answered = (): void => {
    this.passed--;
    if (this.passed === 0) this.parts.passedOnDone?.();
  };

  private bytesOf({ body }: Message): Uint8Array {
    return 'bytes' in body ? body.bytes : this.parts.codec.encode(body.value, this.dataRules, true);
  }
}

/** A call that another node is to answer. */
class ForwardedCall implements Asker<AnswerFrame> {
  constructor(
    private readonly to: NodeId,
    private readonly message: Message,
    private readonly sentAt: number,
    private readonly parts: Pick<ForwardedMessagesParts, 'runtime' | 'refs'>,
    private readonly answered: (() => void) | undefined,
  ) {}

  late(): SwarmError {
    return lateError(this.message);
  }

  settle(error: SwarmError | undefined, answer: AnswerFrame | undefined): void {
    const { to, message, parts } = this;
    const goodUntil = untilHere(answer?.goodForMs, this.sentAt);
    const failure = error ?? (answer?.error ? fromWireError(answer.error, parts.refs) : undefined);
    if (goodUntil !== undefined && parts.runtime.now() > goodUntil) {
      message.reply(expiredError(to, message.name), undefined);
    } else {
      message.reply(failure, failure || !answer ? undefined : { bytes: answer.body, isOwn: true }, goodUntil);
    }
    this.answered?.();
  }
}
