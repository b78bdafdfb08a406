// One worker that runs on this node: its instance, its mailbox, its context, its end.
import {
  CallTimeoutError,
  MailboxFullError,
  NodeUnavailableError,
  RemoteError,
  type SwarmError,
  UnknownPatternError,
  WorkerNotFoundError,
} from '../errors/index.js';
import type { PayloadCodec } from '../transport/payload.interface.js';
import type { KernelLogger, Runtime } from '../runtime/runtime.interface.js';
import { callChain } from './call-chain.js';
import { Mailbox, type MailboxOwner } from './mailbox.js';
import { toRemoteFailure } from './remote-failure.js';
import { SwarmContext } from './swarm-context.js';
import { WorkerContext } from './worker-context.js';
import type { DieReason, WorkerDefinition } from './worker-definition.interface.js';
import type { ActivationSpec, Delivery, WorkerServices } from './worker-host.interface.js';

/** Most bytes of what an exception carries for the caller; the details of an error may have twice as many on a link. */
const ERROR_PAYLOAD_BYTES = 512 * 1024;

/** What all activations of a node share. */
export interface ActivationParts {
  readonly runtime: Runtime;
  readonly codec: PayloadCodec;
  readonly logger: KernelLogger;
  readonly services: WorkerServices;
  readonly mailboxLimit: number;
  readonly maxPayloadBytes: number;
  /** Whether stacks travel to callers. */
  readonly debug: boolean;
  /** A handler threw something that was not meant for its caller. */
  handlerFailed(type: string, name: string, pattern: string, error: unknown): void;
}

export class Activation implements MailboxOwner {
  readonly mailbox: Mailbox;
  private instance: object | undefined;
  private ownContext: OwnWorkerContext | undefined;
  private endReason: DieReason | undefined;

  constructor(
    private readonly spec: ActivationSpec,
    readonly definition: WorkerDefinition,
    private readonly parts: ActivationParts,
  ) {
    this.mailbox = new Mailbox(this, parts.runtime);
  }

  get concurrency(): number {
    return this.definition.concurrency;
  }

  get limit(): number {
    return this.definition.mailboxLimit ?? this.parts.mailboxLimit;
  }

  get isStarted(): boolean {
    return this.instance !== undefined;
  }

  /** Made when first asked for: most workers never look at it. */
  get context(): WorkerContext {
    if (this.ownContext === undefined) {
      this.ownContext = new OwnWorkerContext(this.spec, this.parts.services);
      // A handler that outlives the activation may be the first to ask.
      if (this.endReason !== undefined) this.ownContext.abort();
    }
    return this.ownContext;
  }

  /** Builds the instance and runs `onWorkerStart`; rejects with what either throws. */
  async start(): Promise<void> {
    const { spec, definition } = this;
    const instance = spec.pinned?.instance ?? (await definition.create());
    if (!spec.pinned && definition.start) {
      const args: unknown = spec.args === null ? undefined : this.parts.codec.decode(spec.args);
      await callChain.run([spec.name], () => definition.start?.(instance, this.context, args));
    }
    this.instance = instance;
  }

  deliver(delivery: Delivery): void {
    if (this.endReason !== undefined) return delivery.reply(this.refusal(), undefined);
    if (this.mailbox.push(delivery)) return undefined;
    return delivery.reply(new MailboxFullError(this.spec.name, this.limit), undefined);
  }

  handle(delivery: Delivery): Promise<void> | void {
    const { definition, instance } = this;
    const handler = definition.handler(delivery.pattern);
    if (!instance || !handler || (delivery.kind === 'call' && handler.accepts === 'event')) {
      const hint = handler ? 'it is an event handler, which answers no call; use cast' : undefined;
      return delivery.reply(new UnknownPatternError(definition.type, delivery.pattern, hint), undefined);
    }
    try {
      const { body, chain } = delivery;
      const payload = 'bytes' in body ? this.parts.codec.decode(body.bytes) : body.value;
      const context = new OwnSwarmContext(delivery, this, this.parts.runtime);
      const answer = callChain.run([...chain, this.spec.name], () =>
        handler.invoke(instance, payload, context),
      );
      if (!isThenable(answer)) return delivery.reply(undefined, answer);
      return Promise.resolve(answer).then(
        (value) => delivery.reply(undefined, value),
        (error: unknown) => this.failed(delivery, error),
      );
    } catch (error) {
      return this.failed(delivery, error);
    }
  }

  expired(delivery: Delivery): void {
    delivery.reply(
      new CallTimeoutError(`the call "${delivery.pattern}" to "${this.spec.name}"`, 0, 'it waited too long'),
      undefined,
    );
  }

  /** The start has failed, or is not waited for any more; `ctx.signal` says so to an `onWorkerStart` that still runs. */
  abandon(): void {
    this.ownContext?.abort();
  }

  /** Nothing more is handled; what waits is answered by an error; `die` runs when the last handler has ended. */
  async end(reason: DieReason, patienceMs: number): Promise<void> {
    if (this.endReason !== undefined) return;
    this.endReason = reason;
    this.ownContext?.abort();
    for (const delivery of this.mailbox.close()) delivery.reply(this.refusal(), undefined);
    const { instance, definition, spec, parts } = this;
    if (this.mailbox.isBusy) await within(parts.runtime, patienceMs, this.mailbox.settled());
    if (!instance || spec.pinned || !definition.die) return;
    try {
      await within(parts.runtime, patienceMs, Promise.resolve(definition.die(instance, reason)));
    } catch (error) {
      parts.handlerFailed(definition.type, spec.name, "@OnHandoff('die')", error);
    }
  }

  private refusal(): SwarmError {
    const { spec, parts, endReason } = this;
    if (endReason === 'unregistered') return new WorkerNotFoundError(spec.name);
    return new NodeUnavailableError(parts.services.node, `"${spec.name}" has ended there (${endReason})`);
  }

  private failed(delivery: Delivery, error: unknown): void {
    const { definition, spec, parts } = this;
    const failure = toRemoteFailure(error, parts.debug);
    // An exception that carries a status or a payload for the caller is an answer, not an accident.
    const isMeant =
      failure.statusCode !== undefined ? failure.statusCode < 500 : failure.payload !== undefined;
    if (!isMeant || delivery.kind !== 'call') {
      parts.handlerFailed(definition.type, spec.name, delivery.pattern, error);
    }
    if (delivery.kind !== 'call') return delivery.reply(undefined, undefined);
    return delivery.reply(new RemoteError(this.sendable(failure)), undefined);
  }

  /** Without a payload that cannot travel: all details of an error would stay behind with it. */
  private sendable(failure: RemoteError['remote']): RemoteError['remote'] {
    if (failure.payload === undefined) return failure;
    const { codec, maxPayloadBytes } = this.parts;
    try {
      const maxBytes = Math.min(maxPayloadBytes, ERROR_PAYLOAD_BYTES);
      const bytes = codec.encode(failure.payload, { root: 'payload', instances: 'flatten', maxBytes });
      return { ...failure, payload: codec.decode(bytes) };
    } catch {
      const { payload: _, ...rest } = failure;
      return rest;
    }
  }
}

class OwnWorkerContext extends WorkerContext {
  readonly name: string;
  readonly node: string;
  readonly fence: number;
  /** Made when first asked for: it is the largest part of an idle worker. */
  private controller: AbortController | undefined;
  private aborted = false;

  constructor(
    spec: ActivationSpec,
    private readonly services: WorkerServices,
  ) {
    super();
    this.name = spec.name;
    this.node = services.node;
    this.fence = spec.fence;
  }

  get signal(): AbortSignal {
    this.controller ??= new AbortController();
    if (this.aborted) this.controller.abort();
    return this.controller.signal;
  }

  join(group: string): Promise<void> {
    return this.services.joinGroup(group, this.name);
  }

  leave(group: string): Promise<void> {
    return this.services.leaveGroup(group, this.name);
  }

  abort(): void {
    this.aborted = true;
    this.controller?.abort();
  }
}

class OwnSwarmContext extends SwarmContext {
  constructor(
    private readonly delivery: Delivery,
    private readonly activation: Activation,
    private readonly runtime: Runtime,
  ) {
    super();
  }

  get worker(): WorkerContext {
    return this.activation.context;
  }

  get pattern(): string {
    return this.delivery.pattern;
  }

  get from(): string {
    return this.delivery.from;
  }

  get deadline(): number | undefined {
    const { deadline } = this.delivery;
    if (deadline === Infinity) return undefined;
    return Math.round(this.runtime.wallClock() + deadline - this.runtime.now());
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}

/** Settles when `work` has, or after `ms`: what users' code does must not hold up a stop for ever. */
async function within(runtime: Runtime, ms: number, work: Promise<unknown>): Promise<void> {
  let timer: { cancel(): void } | undefined;
  const late = new Promise<void>((resolve) => {
    timer = runtime.after(ms, resolve);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    timer?.cancel();
  }
}
