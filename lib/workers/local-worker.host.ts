// What runs on this node: starts workers, hands them their messages, lets them be moved, ends them.
import {
  NodeUnavailableError,
  UnknownWorkerTypeError,
  WorkerNotFoundError,
  WorkerStartError,
} from '../errors/index.js';
import { soundThrown } from '../errors/thrown.js';
import { OwedTurns } from '../runtime/owed-turns.js';
import type { KernelLogger, Runtime } from '../runtime/runtime.interface.js';
import { runSliced } from '../runtime/slices.js';
import type { PayloadCodec } from '../transport/payload.interface.js';
import { Activation } from './activation.js';
import { FailureLog } from './failure-log.js';
import { Gate } from './gate.js';
import { HeldAnswers } from './held-answers.js';
import type { ActivationParts, DispatchObserver, HostedType } from './hosted-type.js';
import { MailboxMemory } from './mailbox-memory.js';
import { MailboxTurns } from './mailbox-turns.js';
import type { DieReason, WorkerDefinition } from './worker-definition.interface.js';
import type {
  ActivationSpec,
  Delivery,
  EndedWorker,
  HandoffAnswer,
  WorkerHost,
  WorkerServices,
} from './worker-host.interface.js';

/** How long the end of a worker waits for the running handler, and then for `die`. */
const STOP_PATIENCE_MS = 5_000;

export interface LocalWorkerHostParts {
  readonly definitions: ReadonlyMap<string, WorkerDefinition>;
  /** Of this node; without them it hosts no type that asks for any. */
  readonly nodeLabels?: Readonly<Record<string, string>>;
  readonly runtime: Runtime;
  readonly codec: PayloadCodec;
  /** Most messages that wait for one worker, unless its class says otherwise. */
  readonly mailboxLimit: number;
  readonly maxPayloadBytes: number;
  /** Whether stacks of handlers' errors travel to their callers. */
  readonly debug: boolean;
  readonly logger: KernelLogger;
  /** Told of each message before it begins. */
  readonly observer?: DispatchObserver;
}

export class LocalWorkerHost implements WorkerHost {
  readonly types: readonly string[];
  private readonly activations = new Map<string, Activation>();
  /** Workers that have ended and are not done with it; the next one of the name waits for them. */
  private readonly endings = new Map<string, Promise<void>>();
  private readonly gates: ReadonlyMap<string, Gate>;
  /** Objects of the user are bound to this process, whatever becomes of the nodes around it. */
  private readonly alwaysOpen = new Gate();
  private readonly hosted = new Map<string, HostedType>();
  private readonly pinned = new WeakMap<WorkerDefinition, HostedType>();
  private shared: ActivationParts | undefined;

  constructor(private readonly parts: LocalWorkerHostParts) {
    const { definitions, nodeLabels = {} } = parts;
    const hosted = [...definitions].filter(([, { labels }]) => carries(nodeLabels, labels));
    this.types = hosted.map(([type]) => type).sort();
    this.gates = new Map(this.types.map((type) => [type, new Gate()]));
  }

  attach(services: WorkerServices): void {
    const { runtime, codec, logger, mailboxLimit, maxPayloadBytes, debug, definitions, observer } =
      this.parts;
    const failures = new FailureLog(runtime, logger);
    const handlerFailed: ActivationParts['handlerFailed'] = (type, name, pattern, error) =>
      failures.note(`${type} "${name}" threw in "${pattern}"`, error);
    const turns = { turns: new MailboxTurns(runtime), owedTurns: new OwedTurns(runtime) };
    const limits = { mailboxLimit, mailboxMemory: new MailboxMemory(), maxPayloadBytes, debug };
    const parts = { runtime, codec, logger, ...limits, services, ...turns, observer, handlerFailed };
    this.shared = parts;
    for (const [type, gate] of this.gates) {
      const held = new HeldAnswers(gate, runtime, services);
      this.hosted.set(type, { definition: definitions.get(type)!, isPinned: false, gate, held, parts });
    }
    observer?.attached?.(services.node);
  }

  definition(type: string): WorkerDefinition | undefined {
    return this.parts.definitions.get(type);
  }

  start(spec: ActivationSpec): Promise<void> | void {
    const { name } = spec;
    let activation: Activation;
    try {
      const hosted = this.hostedFor(spec);
      const before = this.activations.get(name);
      if (before && !before.isEnded) throw new WorkerStartError(name, 'it is on this node already');
      activation = new Activation(name, spec.fence, hosted);
    } catch (error) {
      return Promise.reject(error as Error);
    }
    this.activations.set(name, activation);
    try {
      const ending = this.endings.size > 0 ? this.endings.get(name) : undefined;
      const starting = ending ? ending.then(() => activation.start(spec)) : activation.start(spec);
      return starting && starting.catch((error: unknown) => this.startFailed(activation, spec, error));
    } catch (error) {
      return this.startFailed(activation, spec, error);
    }
  }

  has(name: string): boolean {
    return this.activations.get(name)?.isEnded === false;
  }

  deliver(name: string, delivery: Delivery): void {
    const activation = this.activations.get(name);
    if (activation) return activation.deliver(delivery);
    // Messages come here only while the name is registered here: the worker goes on elsewhere when this node has left.
    const node = this.shared?.services.node ?? '';
    return delivery.reply(new NodeUnavailableError(node, `"${name}" has ended there`), undefined);
  }

  pause(name: string, timeoutMs: number): boolean | Promise<boolean> {
    return this.activations.get(name)?.pause(timeoutMs) ?? false;
  }

  resume(name: string, fence?: number): void {
    this.activations.get(name)?.resume(fence);
  }

  begin(name: string, timeoutMs: number): HandoffAnswer | Promise<HandoffAnswer> {
    try {
      return this.known(name).begin(timeoutMs);
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  async merge(name: string, state: Uint8Array, timeoutMs: number): Promise<void> {
    return this.known(name).merge(state, timeoutMs);
  }

  end(name: string, reason: DieReason, endsName = reason === 'unregistered'): EndedWorker {
    const activation = this.activations.get(name);
    if (!activation || activation.isEnded) {
      activation?.becomesVoid(reason);
      return { waiting: [], ended: this.endings.get(name) };
    }
    const waiting = activation.end(reason, endsName);
    if (activation.hasBegun) return { waiting, ended: this.close(activation) };
    // Its `start` notices that when the method that it waits for returns, and then calls `die`.
    this.forget(activation);
    return { waiting, ended: undefined };
  }

  async ended(): Promise<void> {
    await Promise.all(this.endings.values());
  }

  allowUntil(type: string, until: number, underLease: boolean): void {
    const { runtime } = this.parts;
    const gate = this.gates.get(type);
    gate?.allow(until, underLease);
    this.hosted.get(type)?.held.changed();
    if (!gate?.isWaitedAt || runtime.now() > until) return;
    // After the caller has gone on, and in slices.
    runtime.defer(() => runSliced(runtime, gate.take(), (visitor) => visitor.goOn(true)));
  }

  inspect(): { readonly workers: number; readonly waiting: number } {
    let waiting = 0;
    for (const { mailbox } of this.activations.values()) waiting += mailbox.size;
    return { workers: this.activations.size, waiting };
  }

  private hostedFor({ name, type, pinned }: ActivationSpec): HostedType {
    if (!this.shared) throw new WorkerStartError(name, 'the host is not attached to a node');
    if (!pinned) {
      const hosted = this.hosted.get(type);
      if (!hosted) throw new UnknownWorkerTypeError(type);
      return hosted;
    }
    const { definition } = pinned;
    const known = this.pinned.get(definition);
    if (known) return known;
    const gate = this.alwaysOpen;
    const held = new HeldAnswers(gate, this.parts.runtime, this.shared.services);
    const hosted = { definition, isPinned: true, gate, held, parts: this.shared };
    this.pinned.set(definition, hosted);
    return hosted;
  }

  private known(name: string): Activation {
    const activation = this.activations.get(name);
    if (!activation) throw new WorkerNotFoundError(name);
    return activation;
  }

  private startFailed(activation: Activation, spec: ActivationSpec, error: unknown): Promise<never> {
    // A worker that was on its way here goes on where it came from.
    if (!activation.isEnded) this.refuse(activation, spec.state ? 'moved' : 'stopped');
    void this.close(activation);
    this.forget(activation);
    return Promise.reject(soundThrown(error) as Error);
  }

  private refuse(activation: Activation, reason: DieReason): void {
    for (const delivery of activation.end(reason, false)) delivery.reply(activation.refusal(), undefined);
  }

  /** Lets an ended worker come to its end; the name is taken meanwhile. */
  private close(activation: Activation): Promise<void> | undefined {
    const { name } = activation;
    const before = this.endings.get(name);
    const dying = activation.die(STOP_PATIENCE_MS);
    if (!dying) {
      this.forget(activation);
      return before;
    }
    const ending: Promise<void> = (before ? Promise.all([before, dying]) : dying).then(() => {
      if (this.endings.get(name) === ending) this.endings.delete(name);
    });
    this.endings.set(name, ending);
    // Right before whoever waits for the end takes the row back: what is called in between learns how the worker has ended.
    void ending.then(() => this.forget(activation));
    return ending;
  }

  private forget(activation: Activation): void {
    if (this.activations.get(activation.name) === activation) this.activations.delete(activation.name);
  }
}

/** A node hosts a type only if it carries all labels that the type asks for. */
function carries(
  nodeLabels: Readonly<Record<string, string>>,
  labels: Readonly<Record<string, string>> | undefined,
): boolean {
  return Object.entries(labels ?? {}).every(
    ([key, value]) => Object.hasOwn(nodeLabels, key) && nodeLabels[key] === value,
  );
}
