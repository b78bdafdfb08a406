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
import { messageOf } from '../errors/thrown.js';
import type { OwedTurns } from '../runtime/owed-turns.js';
import { type Actor, callChain, CallScope } from './call-chain.js';
import type { GateVisitor } from './gate.js';
import { handlerFailure } from './handler-failure.js';
import { readDecision } from './handoff-decision.js';
import { Hold, type HoldOwner } from './hold.js';
import type { HostedType } from './hosted-type.js';
import { isThenable } from './is-thenable.js';
import { Mailbox, type MailboxOwner } from './mailbox.js';
import { OwnSwarmContext } from './own-swarm.context.js';
import { type ContextSource, OwnWorkerContext } from './own-worker.context.js';
import { type Act, type Standing, whyVoid } from './standing.js';
import type { WorkerContext } from './worker-context.js';
import type { DieReason } from './worker-definition.interface.js';
import type {
  ActivationSpec,
  Body,
  Delivery,
  HandoffAnswer,
  WorkerServices,
} from './worker-host.interface.js';

const NO_CALLERS: readonly string[] = [];

export class Activation implements MailboxOwner, HoldOwner, ContextSource, GateVisitor, Actor, Standing {
  readonly mailbox: Mailbox;
  endReason: DieReason | undefined;
  /** Set from the return of `onWorkerStart` until `die` is done. */
  private instance: object | undefined;
  private started = false;
  private endsName = false;
  private ownContext: OwnWorkerContext | undefined;
  private hold: Hold | undefined;

  constructor(
    readonly name: string,
    public fence: number,
    readonly hosted: HostedType,
  ) {
    const { runtime, turns, mailboxMemory } = hosted.parts;
    this.mailbox = new Mailbox(this, runtime, turns, mailboxMemory);
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

  get owedTurns(): OwedTurns {
    return this.hosted.parts.owedTurns;
  }

  /** Whether `onWorkerStart` has returned, so that there is something to close. */
  get hasBegun(): boolean {
    return this.instance !== undefined;
  }

  get isEnded(): boolean {
    return this.endReason !== undefined;
  }

  get isOver(): boolean {
    return this.isEnded && this.instance === undefined;
  }

  get isHandling(): boolean {
    return this.mailbox.isBusy;
  }

  /** Made when first asked for: most workers never look at it. */
  get context(): WorkerContext {
    this.ownContext ??= new OwnWorkerContext(this);
    return this.ownContext;
  }

  /**
   * Builds the instance, runs `onWorkerStart` and, for a worker that brings state along, `@OnHandoff('end')`. Has started
   * already when it returns nothing. Throws, or rejects, as `WorkerHost.start`.
   */
  start(spec: ActivationSpec): Promise<void> | void {
    this.assertWanted();
    if (spec.pinned) return this.begun(spec.pinned.instance, spec);
    const made = this.run(() => this.hosted.definition.create());
    if (!isThenable(made)) return this.startOf(made, spec);
    return Promise.resolve(made as PromiseLike<object>).then((instance) => this.startOf(instance, spec));
  }

  deliver(delivery: Delivery): void {
    if (this.isEnded) return delivery.reply(this.refusal(), undefined);
    if (this.mailbox.push(delivery)) return undefined;
    const { mailboxMemory } = this.hosted.parts;
    const full = this.mailbox.isFull
      ? new MailboxFullError(this.name, this.limit)
      : mailboxMemory.refusal(this.name);
    return delivery.reply(full, undefined);
  }

  mayDispatch(now: number): boolean {
    if (!this.started || this.hold?.isHolding) return false;
    return this.hosted.gate.admits(now, this);
  }

  mayWork(): boolean {
    return this.started && this.hosted.gate.admits(this.now(), this);
  }

  mayWish(): boolean {
    const { gate } = this.hosted;
    return !gate.underLease || gate.admits(this.now(), this);
  }

  handle(delivery: Delivery, now: number): Promise<void> | void {
    const { instance, name } = this;
    const { definition, parts } = this.hosted;
    const handler = definition.handler(delivery.pattern);
    if (!instance || !handler || (delivery.kind === 'call' && handler.accepts === 'event')) {
      const hint = handler ? 'it is an event handler, which answers no call; use cast' : undefined;
      return delivery.reply(new UnknownPatternError(definition.type, delivery.pattern, hint), undefined);
    }
    try {
      parts.observer?.dispatching(name, definition.type, this.fence, now);
      const { body, chain } = delivery;
      const payload = 'bytes' in body ? parts.codec.decode(body.bytes, body.isOwn) : body.value;
      const context = new OwnSwarmContext(delivery, this, parts.runtime);
      const scope = new CallScope(chain, this);
      const answer: unknown = callChain.run(scope, handler.invoke, instance, payload, context);
      if (!isThenable(answer)) return this.answer(delivery, undefined, { value: answer });
      return Promise.resolve(answer).then(
        (value) => this.answer(delivery, undefined, { value }),
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

  assertMayAct(act: Act, isDying: boolean): void {
    const why = whyVoid(this, this.now(), act, isDying);
    if (why === undefined) return;
    const reason = `"${this.name}" ${why}: another activation may be at work, so what this one does is refused`;
    throw new NodeUnavailableError(this.services.node, reason);
  }

  /** What kept it from working may be over. `atOnce`: messages may be handled before the caller goes on. */
  goOn(atOnce = false): void {
    this.ownContext?.goOn();
    this.hold?.giveTurn();
    if (this.hold?.isEmpty) this.hold = undefined;
    if (atOnce) this.mailbox.run();
    else this.mailbox.kick();
  }

  /** False also if it is resumed or ends before it has come to rest. */
  pause(timeoutMs: number): boolean | Promise<boolean> {
    return !this.isEnded && this.held().pause(timeoutMs);
  }

  resume(fence = this.fence): void {
    this.fence = fence;
    this.hold?.resume();
  }

  /** Throws, or rejects, as `WorkerHost.begin`. */
  begin(timeoutMs: number): HandoffAnswer | Promise<HandoffAnswer> {
    const { instance } = this;
    const { definition, isPinned } = this.hosted;
    if (this.isEnded || !instance || !this.started) throw this.refusal();
    if (isPinned) return { kind: 'ignore' };
    if (!definition.begin) return { kind: 'restart' };
    const given: unknown = this.held().ask('begin', timeoutMs, () =>
      this.run(() => definition.begin?.(instance)),
    );
    return given instanceof Promise ? given.then((decision) => this.packed(decision)) : this.packed(given);
  }

  private packed(given: unknown): HandoffAnswer {
    const { definition, parts } = this.hosted;
    const decision = readDecision(given);
    if (!decision) throw new TypeError(noDecision(definition.type, given));
    if (decision.kind !== 'resume') return { kind: decision.kind };
    const rules = { root: 'state', instances: 'refuse', maxBytes: parts.maxPayloadBytes } as const;
    return { kind: 'resume', state: parts.codec.encode(decision.state, rules) };
  }

  async merge(bytes: Uint8Array, timeoutMs: number): Promise<void> {
    const { instance } = this;
    const { definition, isPinned, parts } = this.hosted;
    if (this.isEnded || !instance || !this.started) throw this.refusal();
    if (isPinned || !definition.conflict) return;
    const state = parts.codec.decode(bytes);
    const give = async (): Promise<void> => {
      await this.run(() => definition.conflict?.(instance, state));
    };
    await this.held().turn(timeoutMs, async (leftMs) => this.held().ask('conflict', leftMs, give));
  }

  /** Nothing more is begun. `endsName`: nor elsewhere. Gives back the messages that waited. */
  end(reason: DieReason, endsName: boolean): Delivery[] {
    this.endReason = reason;
    this.endsName = endsName;
    this.hosted.gate.forget(this);
    const waiting = this.mailbox.close();
    this.ownContext?.abort();
    this.hold?.end();
    return waiting;
  }

  /**
   * Called after it has ended with its node or its registration, while its last handler may still run: now its name has gone to
   * another activation (`conflict`), or its lease is lost for good (`no-quorum`). A later lease of the node is not its own.
   */
  becomesVoid(reason: DieReason): void {
    const hasMoved = this.endReason === 'moved' || this.endReason === 'drained';
    if (!hasMoved && (reason === 'conflict' || reason === 'no-quorum')) this.endReason = reason;
  }

  /**
   * After `end`: runs `die` when the last handler has ended; waits for either no longer than `patienceMs`. Is done already
   * when it returns nothing.
   */
  die(patienceMs: number): Promise<void> | void {
    const isAtRest = !this.isHandling && !this.hold?.isBusy;
    if (isAtRest && !this.hosted.definition.die) this.instance = undefined;
    else return this.dieLast(patienceMs);
  }

  private async dieLast(patienceMs: number): Promise<void> {
    const { instance, endReason: reason } = this;
    const { definition, isPinned } = this.hosted;
    if (this.isHandling || this.hold?.isBusy) await this.held().rest(patienceMs);
    try {
      if (!instance || !reason || isPinned || !definition.die) return;
      await this.held().ask('die', patienceMs, () =>
        this.run(() => definition.die?.(instance, reason), true),
      );
    } catch (error) {
      this.failedLate('die', error);
    } finally {
      // Code that it has started may go on for long and keep this object alive, but should not keep the instance.
      this.instance = undefined;
    }
  }

  failedLate(phase: string, error: unknown): void {
    const { definition, parts } = this.hosted;
    parts.handlerFailed(definition.type, this.name, `@OnHandoff('${phase}')`, error);
  }

  refusal(): SwarmError {
    const { name, endReason } = this;
    if (endReason === undefined || this.endsName) return new WorkerNotFoundError(name);
    return new NodeUnavailableError(this.services.node, `"${name}" has ended there (${endReason})`);
  }

  private startOf(instance: object, spec: ActivationSpec): Promise<void> | void {
    const { definition, parts } = this.hosted;
    if (!definition.start) return this.begun(instance, spec);
    const args: unknown = spec.args === null ? undefined : parts.codec.decode(spec.args);
    const starting: unknown = this.run(() => definition.start?.(instance, this.context, args));
    if (!isThenable(starting)) return this.begun(instance, spec);
    return Promise.resolve(starting).then(() => this.begun(instance, spec));
  }

  private begun(instance: object, { pinned, state }: ActivationSpec): Promise<void> | void {
    this.instance = instance;
    this.assertWanted();
    if (pinned || !state) return this.open();
    const unpacking = this.unpack(instance, state);
    if (!isThenable(unpacking)) return this.unpacked();
    return Promise.resolve(unpacking).then(() => this.unpacked());
  }

  private unpacked(): void {
    this.assertWanted();
    this.open();
  }

  private open(): void {
    this.started = true;
    this.goOn();
  }

  private unpack(instance: object, state: Uint8Array): unknown {
    const { definition, parts } = this.hosted;
    if (!definition.end) {
      const reason = `${definition.type} has no @OnHandoff('end') that takes the state it brings along; add one`;
      throw new WorkerStartError(this.name, reason);
    }
    return this.run(() => definition.end?.(instance, parts.codec.decode(state)));
  }

  private assertWanted(): void {
    if (this.isEnded) throw new WorkerStartError(this.name, 'it was ended while it started');
  }

  private run<T>(method: () => T, isDying = false): T {
    return callChain.run(new CallScope(NO_CALLERS, this, isDying), method);
  }

  private now(): number {
    return this.hosted.parts.runtime.now();
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
    return isCall ? this.answer(delivery, failure.error, undefined) : delivery.reply(undefined, undefined);
  }

  /** A handler has ended. The lease that counts is the present one: it may have been renewed meanwhile. */
  private answer(delivery: Delivery, error: SwarmError | undefined, answer: Body | undefined): void {
    const { gate, held } = this.hosted;
    if (!gate.underLease || delivery.kind !== 'call') return delivery.reply(error, answer);
    const now = this.now();
    const why = whyVoid(this, now, 'message', false);
    if (why === undefined) {
      const { openUntil } = gate;
      if (openUntil === Infinity) return delivery.reply(error, answer);
      // A caller on this node does not ask for how long.
      if (delivery.from === this.services.node || !held.isBrief(now))
        return delivery.reply(error, answer, openUntil);
      return held.hold(delivery.deadline, now, () =>
        delivery.reply(error, answer, this.stillGoodUntil(openUntil)),
      );
    }
    const reason = `"${this.name}" ${why}: the message may or may not have been handled`;
    return delivery.reply(new NodeUnavailableError(this.services.node, reason), undefined);
  }

  /** Of what was answered when the lease was to end at `until`. One that has ended since has no later lease. */
  private stillGoodUntil(until: number): number | undefined {
    const { openUntil } = this.hosted.gate;
    if (whyVoid(this, this.now(), 'message', false) !== undefined) return until;
    return openUntil === Infinity ? undefined : Math.max(until, openUntil);
  }
}

function noDecision(type: string, given: unknown): string {
  const what = given === undefined ? 'nothing' : `"${messageOf(given)}"`;
  return `${type}: its @OnHandoff('begin') returned ${what}; return resume(state), restart() or ignore()`;
}
