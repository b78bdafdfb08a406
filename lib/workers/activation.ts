// One worker that runs on this node: its instance, its mailbox, its context, how it is packed, how it ends.
import {
  CallTimeoutError,
  MailboxFullError,
  NodeUnavailableError,
  type SwarmError,
  UnknownPatternError,
  WorkerNotFoundError,
  WorkerStartError,
} from '../errors/index.js';
import { callChain } from './call-chain.js';
import { handlerFailure } from './handler-failure.js';
import { readDecision } from './handoff-decision.js';
import { Hold, type HoldOwner } from './hold.js';
import type { HostedType } from './hosted-type.js';
import { Mailbox, type MailboxOwner } from './mailbox.js';
import { OwnSwarmContext } from './own-swarm.context.js';
import { type ContextSource, OwnWorkerContext } from './own-worker.context.js';
import { reasonOf } from './remote-failure.js';
import type { WorkerContext } from './worker-context.js';
import type { DieReason } from './worker-definition.interface.js';
import type { ActivationSpec, Delivery, HandoffAnswer, WorkerServices } from './worker-host.interface.js';

export class Activation implements MailboxOwner, HoldOwner, ContextSource {
  readonly mailbox: Mailbox;
  /** There when `onWorkerStart` has returned: from then on there is something for `die` to do. */
  private instance: object | undefined;
  private started = false;
  private ownContext: OwnWorkerContext | undefined;
  private endReason: DieReason | undefined;
  private hold: Hold | undefined;

  constructor(
    readonly name: string,
    public fence: number,
    readonly hosted: HostedType,
  ) {
    this.mailbox = new Mailbox(this, hosted.parts.runtime);
  }

  get concurrency(): number {
    return this.hosted.definition.concurrency;
  }

  get limit(): number {
    return this.hosted.definition.mailboxLimit ?? this.hosted.parts.mailboxLimit;
  }

  get services(): WorkerServices {
    return this.hosted.parts.services;
  }

  get isStarted(): boolean {
    return this.started;
  }

  /** Whether `onWorkerStart` has returned, so that there is something to close. */
  get hasBegun(): boolean {
    return this.instance !== undefined;
  }

  get isEnded(): boolean {
    return this.endReason !== undefined;
  }

  get isHandling(): boolean {
    return this.mailbox.isBusy;
  }

  get isOpen(): boolean {
    return this.started && this.hosted.gate.open;
  }

  get mayDispatch(): boolean {
    return this.isOpen && (this.hold === undefined || !this.hold.isHolding);
  }

  /** Made when first asked for: most workers never look at it. */
  get context(): WorkerContext {
    this.ownContext ??= new OwnWorkerContext(this);
    return this.ownContext;
  }

  /** Builds the instance, runs `onWorkerStart` and, for a worker that brings state along, `@OnHandoff('end')`. */
  async start(spec: ActivationSpec): Promise<void> {
    this.assertWanted();
    const { definition, parts } = this.hosted;
    const instance = spec.pinned?.instance ?? (await definition.create());
    if (!spec.pinned && definition.start) {
      const args: unknown = spec.args === null ? undefined : parts.codec.decode(spec.args);
      await callChain.run([this.name], () => definition.start?.(instance, this.context, args));
    }
    this.instance = instance;
    this.assertWanted();
    if (!spec.pinned && spec.state) {
      await this.unpack(instance, spec.state);
      this.assertWanted();
    }
    this.started = true;
    this.goOn();
  }

  deliver(delivery: Delivery): void {
    if (this.isEnded) return delivery.reply(this.refusal(), undefined);
    if (this.mailbox.push(delivery)) return undefined;
    return delivery.reply(new MailboxFullError(this.name, this.limit), undefined);
  }

  handle(delivery: Delivery): Promise<void> | void {
    const { instance } = this;
    const { definition, parts } = this.hosted;
    const handler = definition.handler(delivery.pattern);
    if (!instance || !handler || (delivery.kind === 'call' && handler.accepts === 'event')) {
      const hint = handler ? 'it is an event handler, which answers no call; use cast' : undefined;
      return delivery.reply(new UnknownPatternError(definition.type, delivery.pattern, hint), undefined);
    }
    try {
      const { body, chain } = delivery;
      const payload = 'bytes' in body ? parts.codec.decode(body.bytes) : body.value;
      const context = new OwnSwarmContext(delivery, this, parts.runtime);
      const answer = callChain.run([...chain, this.name], () => handler.invoke(instance, payload, context));
      if (!isThenable(answer)) return delivery.reply(undefined, { value: answer });
      return Promise.resolve(answer).then(
        (value) => delivery.reply(undefined, { value }),
        (error: unknown) => this.failed(delivery, error),
      );
    } catch (error) {
      return this.failed(delivery, error);
    }
  }

  expired(delivery: Delivery): void {
    delivery.reply(
      new CallTimeoutError(`the call "${delivery.pattern}" to "${this.name}"`, 0, 'it waited too long'),
      undefined,
    );
  }

  rested(): void {
    this.hold?.rested();
  }

  /** Something that kept it from working may be over. `now`: messages need not wait for the caller to go on. */
  goOn(now = false): void {
    this.hold?.giveTurn();
    if (this.hold?.isEmpty) this.hold = undefined;
    if (now) this.mailbox.run();
    else this.mailbox.kick();
  }

  /** False also if it is resumed or ends before it has come to rest. */
  pause(timeoutMs: number): Promise<boolean> {
    return this.isEnded ? Promise.resolve(false) : this.held().pause(timeoutMs);
  }

  resume(fence = this.fence): void {
    this.fence = fence;
    this.hold?.resume();
  }

  async begin(timeoutMs: number): Promise<HandoffAnswer> {
    const { instance, name } = this;
    const { definition, isPinned, parts } = this.hosted;
    if (this.isEnded || !instance || !this.started) throw this.refusal();
    if (isPinned) return { kind: 'ignore' };
    if (!definition.begin) return { kind: 'restart' };
    const given: unknown = await this.held().ask('begin', timeoutMs, () =>
      callChain.run([name], () => definition.begin?.(instance)),
    );
    const decision = readDecision(given);
    if (!decision) throw new TypeError(noDecision(definition.type, given));
    if (decision.kind !== 'resume') return { kind: decision.kind };
    const rules = { root: 'state', instances: 'refuse', maxBytes: parts.maxPayloadBytes } as const;
    return { kind: 'resume', state: parts.codec.encode(decision.state, rules) };
  }

  async merge(bytes: Uint8Array, timeoutMs: number): Promise<void> {
    const { instance, name } = this;
    const { definition, isPinned, parts } = this.hosted;
    if (this.isEnded || !instance || !this.started) throw this.refusal();
    if (isPinned || !definition.conflict) return;
    const state = parts.codec.decode(bytes);
    const give = async (): Promise<void> => {
      await callChain.run([name], () => definition.conflict?.(instance, state));
    };
    await this.held().turn(timeoutMs, (leftMs) => this.held().ask('conflict', leftMs, give));
  }

  /** Nothing more is begun. Gives back the messages that waited. */
  end(reason: DieReason): Delivery[] {
    this.endReason = reason;
    const waiting = this.mailbox.close();
    this.ownContext?.abort();
    this.hold?.end();
    return waiting;
  }

  /** After `end`: runs `die` when the last handler has ended; waits for either no longer than `patienceMs`. */
  async die(patienceMs: number): Promise<void> {
    const { instance, endReason: reason, hosted } = this;
    if (this.isHandling || this.hold?.isBusy) await this.held().rest(patienceMs);
    if (!instance || !reason || hosted.isPinned || !hosted.definition.die) return;
    try {
      await this.held().ask('die', patienceMs, () => hosted.definition.die?.(instance, reason));
    } catch (error) {
      this.failedLate('die', error);
    }
  }

  failedLate(phase: string, error: unknown): void {
    const { definition, parts } = this.hosted;
    parts.handlerFailed(definition.type, this.name, `@OnHandoff('${phase}')`, error);
  }

  refusal(): SwarmError {
    const { name, endReason } = this;
    if (endReason === undefined || endReason === 'unregistered') return new WorkerNotFoundError(name);
    return new NodeUnavailableError(this.services.node, `"${name}" has ended there (${endReason})`);
  }

  private async unpack(instance: object, state: Uint8Array): Promise<void> {
    const { definition, parts } = this.hosted;
    if (!definition.end) {
      const reason = `${definition.type} has no @OnHandoff('end') that takes the state it brings along; add one`;
      throw new WorkerStartError(this.name, reason);
    }
    await callChain.run([this.name], () => definition.end?.(instance, parts.codec.decode(state)));
  }

  private assertWanted(): void {
    if (this.isEnded) throw new WorkerStartError(this.name, 'it was ended while it started');
  }

  private held(): Hold {
    this.hold ??= new Hold(this, this.hosted.parts.runtime);
    return this.hold;
  }

  private failed(delivery: Delivery, error: unknown): void {
    const { definition, parts } = this.hosted;
    const isCall = delivery.kind === 'call';
    const failure = handlerFailure(error, parts);
    if (!failure.isMeant || !isCall) {
      parts.handlerFailed(definition.type, this.name, delivery.pattern, error);
    }
    return isCall ? delivery.reply(failure.error, undefined) : delivery.reply(undefined, undefined);
  }
}

function noDecision(type: string, given: unknown): string {
  const what = given === undefined ? 'nothing' : `"${reasonOf(given)}"`;
  return `${type}: its @OnHandoff('begin') returned ${what}; return resume(state), restart() or ignore()`;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}
