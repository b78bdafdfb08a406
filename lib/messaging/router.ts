// Decides which way a message takes: to a worker of this node, to the node that hosts it, or to wait until somebody
// does. At most once; the caller learns one outcome by its deadline (promises P5, P7).
import {
  CallTimeoutError,
  LinkOverloadedError,
  NodeUnavailableError,
  type ShuttingDownError,
  SwarmError,
  WorkerNotFoundError,
} from '../errors/index.js';
import type { OutgoingCall } from './outgoing-call.js';
import type { Runtime } from '../runtime/runtime.interface.js';
import type { RegistryIndex } from '../tracker/registry-index.js';
import type { Row } from '../tracker/row.js';
import { FrameKind, type AnswerFrame, type CallFrame, type CastFrame } from '../transport/frame.js';
import type { NodeId } from '../transport/node-info.js';
import type { PayloadCodec, PayloadRules, RefFactory } from '../transport/payload.interface.js';
import type { Transport } from '../transport/transport.interface.js';
import type { Body, WorkerHost } from '../workers/worker-host.interface.js';
import type { Message } from './message.js';
import { ParkedMessages } from './parked-messages.js';
import { PendingReplies } from './pending-replies.js';
import { asSwarmError, fromWireError, toWireError } from './wire-error.js';

/** How often a message is forwarded; more means that the nodes disagree about where the worker is. */
const MAX_HOPS = 3;
const NO_BODY: Uint8Array = new Uint8Array(0);

export interface RouterParts {
  readonly self: NodeId;
  readonly runtime: Runtime;
  readonly transport: Transport;
  readonly index: RegistryIndex;
  readonly host: WorkerHost;
  readonly codec: PayloadCodec;
  readonly refs: RefFactory;
  readonly callTimeoutMs: number;
  readonly maxPayloadBytes: number;
  isLinked(node: NodeId): boolean;
  /** Whether this node may not have read the others' rows yet, so that a name it does not know may exist. */
  isJoining(): boolean;
  /** A cast or publish was lost after it was accepted. */
  dropped(name: string, pattern: string, reason: string): void;
}

export class Router {
  readonly parked: ParkedMessages;
  readonly pending: PendingReplies<AnswerFrame>;
  private readonly dataRules: PayloadRules;
  private readonly answerRules: PayloadRules;
  /** Ends calls to workers of this node before they are answered. */
  private readonly delivered = new Set<(error: SwarmError) => void>();

  constructor(private readonly parts: RouterParts) {
    const { runtime, maxPayloadBytes } = parts;
    this.pending = new PendingReplies(runtime);
    this.parked = new ParkedMessages(runtime, lateError, (message) => this.route(message));
    this.dataRules = { root: 'data', instances: 'flatten', maxBytes: maxPayloadBytes };
    this.answerRules = { root: 'answer', instances: 'flatten', maxBytes: maxPayloadBytes };
  }

  call(
    name: string,
    { pattern, data, timeoutMs = this.parts.callTimeoutMs, chain }: OutgoingCall,
  ): Promise<unknown> {
    const { runtime, self, codec } = this.parts;
    return new Promise((resolve, reject) => {
      const row = this.parts.index.get(name);
      const local = row?.node === self && row.isRunning;
      const message: Message = {
        kind: 'call',
        name,
        pattern,
        body: local
          ? { value: codec.copy(data, this.dataRules) }
          : { bytes: codec.encode(data, this.dataRules) },
        from: self,
        chain,
        hops: 0,
        deadline: runtime.now() + timeoutMs,
        timeoutMs,
        reply: (error, answer) => (error ? reject(error) : this.receive(answer, resolve, reject)),
      };
      this.route(message);
    });
  }

  /** What a later call would send, whatever becomes of `data` meanwhile. */
  snapshot(data: unknown): unknown {
    return this.parts.codec.copy(data, this.dataRules);
  }

  cast(name: string, pattern: string, data: unknown): void {
    const { index, self, codec, runtime, callTimeoutMs } = this.parts;
    const local = index.get(name)?.node === self;
    let refused: SwarmError | undefined;
    let returned = false;
    this.route({
      kind: 'cast',
      name,
      pattern,
      body: local
        ? { value: codec.copy(data, this.dataRules) }
        : { bytes: codec.encode(data, this.dataRules) },
      from: self,
      chain: [],
      hops: 0,
      deadline: runtime.now() + callTimeoutMs,
      timeoutMs: callTimeoutMs,
      reply: (error) => {
        if (error && !returned) refused = error;
        else if (error) this.parts.dropped(name, pattern, error.message);
      },
    });
    returned = true;
    if (refused) throw refused;
  }

  onCall(from: NodeId, frame: CallFrame): void {
    const { name, pattern, body, chain, hops, id, timeoutMs } = frame;
    this.route({
      kind: 'call',
      name,
      pattern,
      body: { bytes: body },
      from: frame.from || from,
      chain,
      hops: hops + 1,
      deadline: this.parts.runtime.now() + timeoutMs,
      timeoutMs,
      reply: (error, answer) => this.answer(from, id, error, answer),
    });
  }

  onCast(from: NodeId, { name, pattern, body, hops, from: origin }: CastFrame): void {
    const { runtime, callTimeoutMs, dropped } = this.parts;
    this.route({
      kind: 'cast',
      name,
      pattern,
      body: { bytes: body },
      from: origin || from,
      chain: [],
      hops: hops + 1,
      deadline: runtime.now() + callTimeoutMs,
      timeoutMs: callTimeoutMs,
      reply: (error) => error && dropped(name, pattern, error.message),
    });
  }

  onAnswer(from: NodeId, frame: AnswerFrame): void {
    this.pending.answer(from, frame.id, frame);
  }

  unlinked(node: NodeId): void {
    this.pending.unlinked(node);
  }

  /** Nothing waits any more: this node shuts down. */
  close(error: () => ShuttingDownError): void {
    this.parked.close(error);
    this.pending.close(error);
    for (const end of [...this.delivered]) end(error());
  }

  /** A worker's value, or its bytes, as the bytes of an answer. */
  encodeAnswer(answer: Body | undefined): Uint8Array {
    if (!answer) return NO_BODY;
    return 'bytes' in answer ? answer.bytes : this.parts.codec.encode(answer.value, this.answerRules);
  }

  private route(message: Message): void {
    const { index, self, isLinked } = this.parts;
    if (this.parked.has(message.name)) return this.parked.park(message);
    const row = index.get(message.name);
    if (!row && !this.parts.isJoining())
      return message.reply(new WorkerNotFoundError(message.name), undefined);
    if (!row?.isRunning) return this.parked.park(message);
    if (row.node === self) return this.deliver(message);
    if (message.hops > MAX_HOPS) {
      const reason = 'the message was forwarded too often: the nodes disagree about where the worker is';
      return message.reply(new NodeUnavailableError(row.node, reason), undefined);
    }
    return isLinked(row.node) ? this.forward(row, message) : this.parked.park(message);
  }

  private deliver(message: Message): void {
    const { runtime, host } = this.parts;
    const { name, kind, pattern, body, from, chain, deadline, reply } = message;
    if (kind === 'cast') {
      return host.deliver(name, {
        kind,
        pattern,
        body,
        from,
        chain,
        deadline: Infinity,
        reply: (error) => reply(error, undefined),
      });
    }
    const end = (error: SwarmError | undefined, answer?: Body): void => {
      if (!this.delivered.delete(end)) return;
      timer.cancel();
      reply(error, answer);
    };
    this.delivered.add(end);
    const timer = runtime.after(deadline - runtime.now(), () => end(lateError(message)));
    return host.deliver(name, {
      kind,
      pattern,
      body,
      from,
      chain,
      deadline,
      reply: (error, value) => end(error, error ? undefined : { value }),
    });
  }

  private forward(row: Row, message: Message): void {
    const { transport, runtime, codec } = this.parts;
    const { name, pattern, chain, hops, from, kind } = message;
    let body: Uint8Array;
    try {
      body = 'bytes' in message.body ? message.body.bytes : codec.encode(message.body.value, this.dataRules);
    } catch (error) {
      // It was meant for a worker of this node, where no bytes are counted.
      return message.reply(asSwarmError(error, 'answer'), undefined);
    }
    const origin = from === this.parts.self ? '' : from;
    if (kind === 'cast') {
      const sent = transport.send(row.node, {
        kind: FrameKind.Cast,
        name,
        pattern,
        body,
        from: origin,
        hops,
      });
      if (sent === 'unlinked') return this.parked.park(message);
      return message.reply(sent === 'full' ? new LinkOverloadedError(row.node) : undefined, undefined);
    }
    const timeoutMs = Math.max(1, message.deadline - runtime.now());
    const id = this.pending.add(
      row.node,
      timeoutMs,
      () => lateError(message),
      (error, answer) => {
        if (error ?? answer?.error) {
          message.reply(error ?? fromWireError(answer!.error!, this.parts.refs), undefined);
        } else if (answer) {
          message.reply(undefined, { bytes: answer.body });
        }
      },
    );
    const frame: CallFrame = {
      kind: FrameKind.Call,
      id,
      timeoutMs,
      name,
      hops,
      pattern,
      from: origin,
      chain,
      body,
    };
    const sent = transport.send(row.node, frame);
    if (sent === 'queued') return undefined;
    this.pending.withdraw(id);
    if (sent === 'unlinked') return this.parked.park(message);
    return message.reply(new LinkOverloadedError(row.node), undefined);
  }

  private answer(to: NodeId, id: number, error: SwarmError | undefined, answer: Body | undefined): void {
    let refusal = error;
    let body = NO_BODY;
    if (!refusal) {
      try {
        body = this.encodeAnswer(answer);
      } catch (failure) {
        refusal = asSwarmError(failure, 'answer');
      }
    }
    const wire = refusal ? toWireError(refusal) : null;
    this.parts.transport.send(to, { kind: FrameKind.Answer, id, body, error: wire });
  }

  private receive(
    answer: Body | undefined,
    resolve: (value: unknown) => void,
    reject: (error: unknown) => void,
  ): void {
    const { codec } = this.parts;
    try {
      if (!answer) resolve(undefined);
      else if ('bytes' in answer) resolve(codec.decode(answer.bytes));
      else resolve(codec.copy(answer.value, this.answerRules));
    } catch (error) {
      reject(error);
    }
  }
}

/** What a caller gets when its deadline has passed; says so if the workers wait for each other in a circle. */
function lateError({ name, pattern, chain, timeoutMs }: Message): CallTimeoutError {
  const circle = chain.includes(name) ? `it waits for itself: ${[...chain, name].join(' -> ')}` : '';
  return new CallTimeoutError(`the call "${pattern}" to "${name}"`, timeoutMs, circle);
}
