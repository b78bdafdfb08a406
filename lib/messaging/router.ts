// Decides which way a message takes: to a worker of this node, to the node that hosts it, or to wait until somebody
// does. At most once; the caller learns one outcome by its deadline, and none because a worker moves (promises P5, P7).
import {
  LinkOverloadedError,
  NoNodeAvailableError,
  type ShuttingDownError,
  type SwarmError,
  WorkerNotFoundError,
} from '../errors/index.js';
import { settleable } from '../runtime/settleable.js';
import type { OutgoingCall } from './outgoing-call.js';
import type { RegistryIndex } from '../tracker/registry-index.js';
import type { Row } from '../tracker/row.js';
import { FrameKind, type AnswerFrame, type CallFrame, type CastFrame } from '../transport/frame.js';
import type { NodeId } from '../transport/node-info.js';
import type { PayloadRules } from '../transport/payload.interface.js';
import type { Body, Delivery, WorkerHost } from '../workers/worker-host.interface.js';
import { Answers, NO_BODY, unsentAnswer } from './answers.js';
import { spanOf } from './answer-validity.js';
import { DeliveredMessages } from './delivered-messages.js';
import { ForwardedMessages, type ForwardedMessagesParts } from './forwarded-messages.js';
import { earlyBy, lateError, MAX_HOPS, type Message } from './message.js';
import { ParkedMessages } from './parked-messages.js';
import type { PendingReplies } from './pending-replies.js';
import { asSwarmError, toWireError } from './wire-error.js';

/**
 * A message that was forwarded `MAX_HOPS` times waits until this node's view of the worker changes, or for so long: it may
 * be another node whose view is old, and two that take each other for the host must not send it to and fro without a pause.
 */
const DISPUTE_PAUSE_MS = 250;
/** Pause before a full link is tried again with what has waited; the time in which it writes a megabyte or two. */
const FULL_PAUSE_MS = 20;

export interface RouterParts extends ForwardedMessagesParts {
  readonly index: RegistryIndex;
  readonly host: Pick<WorkerHost, 'deliver'>;
  readonly callTimeoutMs: number;
  readonly maxPayloadBytes: number;
  isLinked(node: NodeId): boolean;
  /** Whether this node may not have read the others' rows yet, so that a name it does not know may exist. */
  mayLackRows(): boolean;
  /** Whether a worker of that name is prepared to go on here, and handles nothing yet. */
  isArriving?(name: string): boolean;
  /** Whether a node may host the worker now, so that one that does not run may be waited for. */
  isPlaceable(row: Row): boolean;
  /** A cast or publish was lost after it was accepted. */
  dropped(name: string, pattern: string, reason: string): void;
}

export class Router {
  readonly parked: ParkedMessages;
  private readonly delivered: DeliveredMessages;
  private readonly forwarded: ForwardedMessages;
  private readonly answers: Answers;
  private readonly dataRules: PayloadRules;

  constructor(private readonly parts: RouterParts) {
    const { runtime, host, codec, maxPayloadBytes } = parts;
    this.dataRules = { root: 'data', instances: 'flatten', maxBytes: maxPayloadBytes };
    this.parked = new ParkedMessages(runtime, lateError, (message) => this.route(message, true));
    this.delivered = new DeliveredMessages(runtime, host);
    this.forwarded = new ForwardedMessages(parts, this.dataRules);
    this.answers = new Answers(codec, maxPayloadBytes);
  }

  /** Calls that are with other nodes. */
  get pending(): PendingReplies<AnswerFrame> {
    return this.forwarded.pending;
  }

  /**
   * How many messages this node is not done with, for tests that look for leaks: calls at workers, here or elsewhere, and
   * what waits.
   */
  get open(): number {
    return this.delivered.size + this.pending.size + this.parked.size;
  }

  /**
   * How many calls that this node has passed on, for other nodes or because their worker has moved away, are not
   * answered yet: their answers come back through it.
   */
  get passedOn(): number {
    return this.forwarded.passedOn;
  }

  /** `row`: that of the name, if it was just looked up. */
  call(
    name: string,
    { pattern, data, timeoutMs = this.parts.callTimeoutMs, chain }: OutgoingCall,
    row = this.parts.index.get(name),
  ): Promise<unknown> {
    const { runtime, self, codec } = this.parts;
    let body: Body;
    try {
      const isHere = row?.node === self && row.isRunning;
      body = isHere
        ? { value: codec.copy(data, this.dataRules) }
        : { bytes: codec.encode(data, this.dataRules, true) };
    } catch (error) {
      return Promise.reject(error as Error);
    }
    const now = runtime.now();
    const { promise, resolve, reject } = settleable<unknown>();
    const { answers } = this;
    this.route(
      new OwnCall(name, pattern, body, self, chain, now + timeoutMs, timeoutMs, answers, resolve, reject),
      false,
      now,
      row,
    );
    return promise;
  }

  /** A copy of `data` for a call to be made later, so that changes to it meanwhile do not matter. */
  snapshot(data: unknown): unknown {
    return this.parts.codec.copy(data, this.dataRules);
  }

  cast(name: string, pattern: string, data: unknown): void {
    const { index, self, codec } = this.parts;
    const local = index.get(name)?.node === self;
    let refused: SwarmError | undefined;
    let returned = false;
    const body = local
      ? { value: codec.copy(data, this.dataRules) }
      : { bytes: codec.encode(data, this.dataRules, true) };
    const reply: Message['reply'] = (error) => {
      if (error && !returned) refused = error;
      else if (error) this.parts.dropped(name, pattern, error.message);
    };
    this.route(this.castOf({ name, pattern, body, from: self, hops: 0, reply }));
    returned = true;
    if (refused) throw refused;
  }

  /**
   * A message that found its way to this node by the worker's row, as those of groups do: handed over at once if the
   * worker runs here, and routed like any other if it has moved, or is just moving. It keeps its deadline and its reply.
   */
  accept(name: string, delivery: Delivery): void {
    const row = this.parts.index.get(name);
    if (row?.node === this.parts.self && row.isRunning && !this.parked.has(name)) {
      this.parts.host.deliver(name, delivery);
    } else {
      this.route(this.messageOf(name, delivery, false));
    }
  }

  /**
   * Messages that waited in the mailbox of a worker of this node which has moved, has given way to another, or is being
   * started anew: each is routed anew, in order, and before what came later. It keeps its deadline and its reply. Those
   * that nobody waits for any more, behind a handler that took too long, are not handled elsewhere either.
   */
  reroute(name: string, deliveries: readonly Delivery[]): void {
    if (deliveries.length === 0) return this.parked.retry(name);
    const now = this.parts.runtime.now();
    const messages: Message[] = [];
    for (const delivery of deliveries) {
      const message = this.messageOf(name, delivery, true);
      if (now > message.deadline) message.reply(lateError(message), undefined);
      else messages.push(message);
    }
    if (this.parked.has(name)) {
      this.parked.parkFirst(name, messages);
      this.parked.retry(name);
    } else {
      for (const message of messages) this.route(message);
    }
  }

  onCall(from: NodeId, frame: CallFrame): void {
    const { name, pattern, body, chain, hops, id, timeoutMs } = frame;
    const receivedAt = this.parts.runtime.now();
    const message: Message = {
      kind: 'call',
      name,
      pattern,
      body: { bytes: body, isOwn: true },
      from: frame.from || from,
      chain,
      hops: hops + 1,
      deadline: receivedAt + timeoutMs,
      timeoutMs,
      rerouted: false,
      rested: false,
      reply: (error, answer, goodUntil) =>
        this.answer(from, id, error, answer, spanOf(goodUntil, receivedAt)),
    };
    this.route(message, false, receivedAt);
  }

  onCast(from: NodeId, { name, pattern, body, hops, from: origin }: CastFrame): void {
    this.route(
      this.castOf({
        name,
        pattern,
        body: { bytes: body },
        from: origin || from,
        hops: hops + 1,
        reply: (error) => error && this.parts.dropped(name, pattern, error.message),
      }),
    );
  }

  onAnswer(from: NodeId, frame: AnswerFrame): void {
    this.forwarded.onAnswer(from, frame);
  }

  unlinked(node: NodeId): void {
    this.forwarded.unlinked(node);
  }

  /** Nothing waits any more: this node shuts down. */
  close(error: () => ShuttingDownError): void {
    this.parked.close(error);
    this.forwarded.close(error);
    this.delivered.close(error);
  }

  /**
   * `hasWaited`: the message was accepted before, so that it waits at a full link instead of failing. `now`, `row`: the time,
   * and the row of its name, if the caller has just looked at them.
   */
  private route(
    message: Message,
    hasWaited = message.rerouted,
    now?: number,
    row = this.parts.index.get(message.name),
  ): void {
    const { self, isLinked, isPlaceable } = this.parts;
    const { name } = message;
    if (this.parked.has(name)) return this.parked.park(message);
    // While this node joins, or meets nodes again, a name that it does not know may exist: the message waits.
    const isSure = !this.parts.mayLackRows();
    if (!row && isSure) return message.reply(new WorkerNotFoundError(name), undefined);
    if (row?.isParked && isSure && !isPlaceable(row)) {
      const why = `no node may host "${name}" now: ask SwarmCluster.explain() for the reason`;
      return message.reply(new NoNodeAvailableError(why), undefined);
    }
    // A worker that is moving here is waited for here: its source would only send the message back.
    const isComing = this.parts.isArriving?.(name) === true || (row?.isArriving && row.node === self);
    if (!row?.isShown || isComing) return this.parked.park(message);
    if (row.node === self) return this.delivered.deliver(message, now);
    if (!isLinked(row.node)) return this.parked.park(message);
    if (isRestDue(message)) return this.rest(message);
    return this.forward(row.node, message, hasWaited, now);
  }

  private forward(to: NodeId, message: Message, hasWaited: boolean, now?: number): void {
    const sent = this.forwarded.forward(to, message, now);
    if (sent === 'queued') return undefined;
    // An application that sends more than the link takes is told so. Forwarded messages wait: their senders could not know.
    if (sent === 'full' && !hasWaited && message.from === this.parts.self) {
      return message.reply(new LinkOverloadedError(to), undefined);
    }
    this.parked.park(message);
    if (sent === 'full') this.parked.retryWithin(message.name, FULL_PAUSE_MS);
    return undefined;
  }

  /** A caller must hear of the dispute if it is not over in time; a cast, which has no deadline, has as long as a call. */
  private rest(message: Message): void {
    const { runtime, callTimeoutMs } = this.parts;
    const { kind, name, hops, deadline } = message;
    const rests = hops / (MAX_HOPS + 1);
    if (kind === 'cast' && rests * DISPUTE_PAUSE_MS > callTimeoutMs) {
      return message.reply(lateError(message), undefined);
    }
    const early = rests === 1 ? earlyBy(deadline - runtime.now()) : 0;
    this.parked.park(restedUntil(message, deadline - early));
    return this.parked.retryWithin(name, DISPUTE_PAUSE_MS);
  }

  private answer(
    to: NodeId,
    id: number,
    error: SwarmError | undefined,
    answer: Body | undefined,
    goodForMs: number | undefined,
  ): void {
    const { transport } = this.parts;
    let refusal = error;
    let body = NO_BODY;
    try {
      if (!refusal) body = this.answers.toBytes(answer);
    } catch (failure) {
      refusal = asSwarmError(failure, 'answer');
    }
    const wire = refusal ? toWireError(refusal) : null;
    const frame: AnswerFrame =
      goodForMs === undefined
        ? { kind: FrameKind.Answer, id, body, error: wire }
        : { kind: FrameKind.Answer, id, body, error: wire, goodForMs };
    const sent = transport.send(to, frame);
    if (sent !== 'full') return;
    transport.send(to, { kind: FrameKind.Answer, id, body: NO_BODY, error: unsentAnswer(to) });
  }

  private castOf(fields: Pick<Message, 'name' | 'pattern' | 'body' | 'from' | 'hops' | 'reply'>): Message {
    const { runtime, callTimeoutMs } = this.parts;
    const deadline = runtime.now() + callTimeoutMs;
    const own = { chain: [], deadline, timeoutMs: callTimeoutMs, rerouted: false, rested: false } as const;
    return { kind: 'cast', ...own, ...fields };
  }

  private messageOf(name: string, delivery: Delivery, rerouted: boolean): Message {
    const { runtime, callTimeoutMs } = this.parts;
    const { kind, pattern, body, from, chain, deadline, timeoutMs = callTimeoutMs } = delivery;
    return {
      kind: kind === 'call' ? 'call' : 'cast',
      name,
      pattern,
      body,
      from,
      chain,
      hops: 0,
      deadline: deadline === Infinity ? runtime.now() + callTimeoutMs : deadline,
      timeoutMs,
      rerouted,
      rested: false,
      reply: (error, answer, goodUntil) => delivery.reply(error, answer, goodUntil),
    };
  }
}

/** A call of this node's own application. */
class OwnCall implements Message {
  readonly kind = 'call';
  readonly hops = 0;
  readonly rerouted = false;
  readonly rested = false;

  constructor(
    readonly name: string,
    readonly pattern: string,
    readonly body: Body,
    readonly from: NodeId,
    readonly chain: readonly string[],
    readonly deadline: number,
    readonly timeoutMs: number,
    private readonly answers: Answers,
    private readonly resolve: (value: unknown) => void,
    private readonly reject: (error: Error) => void,
  ) {}

  reply(error: SwarmError | undefined, answer: Body | undefined): void {
    if (error) return this.reject(error);
    let value: unknown;
    try {
      value = this.answers.toValue(answer);
    } catch (failure) {
      return this.reject(failure as Error);
    }
    return this.resolve(value);
  }
}

function restedUntil(message: Message, deadline: number): Message {
  const { kind, name, pattern, body, from, chain, hops, timeoutMs, rerouted } = message;
  return {
    ...{ kind, name, pattern, body, from, chain, hops, deadline, timeoutMs, rerouted },
    rested: true,
    reply: (error, answer, goodUntil) => message.reply(error, answer, goodUntil),
  };
}

/** After every few hops. */
function isRestDue({ hops, rested }: Message): boolean {
  return hops > 0 && hops % (MAX_HOPS + 1) === 0 && !rested;
}
