// What runs on this node: starts workers, hands them their messages, stops them.
import { UnknownWorkerTypeError, WorkerNotFoundError, WorkerStartError } from '../errors/index.js';
import type { KernelLogger, Runtime } from '../runtime/runtime.interface.js';
import type { PayloadCodec } from '../transport/payload.interface.js';
import { Activation, type ActivationParts } from './activation.js';
import { reasonOf } from './remote-failure.js';
import type { DieReason, WorkerDefinition } from './worker-definition.interface.js';
import type { ActivationSpec, Delivery, WorkerHost, WorkerServices } from './worker-host.interface.js';

/** How long a stop waits for the running handler, and then for `die`. */
const STOP_PATIENCE_MS = 5_000;
/** Errors of handlers that are logged one by one within `LOG_WINDOW_MS`; the rest is counted. */
const LOGGED_FAILURES = 100;
const LOG_WINDOW_MS = 60_000;

export interface LocalWorkerHostParts {
  readonly definitions: ReadonlyMap<string, WorkerDefinition>;
  readonly runtime: Runtime;
  readonly codec: PayloadCodec;
  /** Most messages that wait for one worker, unless its class says otherwise. */
  readonly mailboxLimit: number;
  readonly maxPayloadBytes: number;
  /** Whether stacks of handlers' errors travel to their callers. */
  readonly debug: boolean;
  readonly logger: KernelLogger;
}

export class LocalWorkerHost implements WorkerHost {
  readonly types: readonly string[];
  private readonly activations = new Map<string, Activation>();
  private readonly endings = new Map<string, Promise<void>>();
  private shared: ActivationParts | undefined;
  private failures = 0;
  private failuresSince = -Infinity;

  constructor(private readonly parts: LocalWorkerHostParts) {
    this.types = [...parts.definitions.keys()].sort();
  }

  attach(services: WorkerServices): void {
    const { runtime, codec, logger, mailboxLimit, maxPayloadBytes, debug } = this.parts;
    this.shared = {
      runtime,
      codec,
      logger,
      mailboxLimit,
      maxPayloadBytes,
      debug,
      services,
      handlerFailed: (type, name, pattern, error) => this.logFailure(type, name, pattern, error),
    };
  }

  async start(spec: ActivationSpec): Promise<void> {
    const definition = spec.pinned?.definition ?? this.parts.definitions.get(spec.type);
    if (!definition) throw new UnknownWorkerTypeError(spec.type);
    if (!this.shared) throw new WorkerStartError(spec.name, 'the host is not attached to a node');
    const ending = this.endings.get(spec.name);
    if (ending) await ending;
    const activation = new Activation(spec, definition, this.shared);
    this.activations.set(spec.name, activation);
    try {
      await activation.start();
    } catch (error) {
      if (this.activations.get(spec.name) === activation) this.activations.delete(spec.name);
      activation.abandon();
      throw error;
    }
    if (this.activations.get(spec.name) === activation) return;
    // It was stopped while it started: whatever it opened must be closed again.
    await activation.end('stopped', STOP_PATIENCE_MS);
    throw new WorkerStartError(spec.name, 'it was stopped while it started');
  }

  deliver(name: string, delivery: Delivery): void {
    const activation = this.activations.get(name);
    if (activation) activation.deliver(delivery);
    else delivery.reply(new WorkerNotFoundError(name), undefined);
  }

  stop(name: string, reason: DieReason): Promise<void> {
    const known = this.endings.get(name);
    if (known) return known;
    const activation = this.activations.get(name);
    if (!activation) return Promise.resolve();
    if (!activation.isStarted) {
      // Its `start` notices when `onWorkerStart` has returned.
      this.activations.delete(name);
      activation.abandon();
      return Promise.resolve();
    }
    const ending = activation.end(reason, STOP_PATIENCE_MS).finally(() => {
      this.endings.delete(name);
      if (this.activations.get(name) === activation) this.activations.delete(name);
    });
    this.endings.set(name, ending);
    return ending;
  }

  inspect(): { readonly workers: number; readonly waiting: number } {
    let waiting = 0;
    for (const { mailbox } of this.activations.values()) waiting += mailbox.size;
    return { workers: this.activations.size, waiting };
  }

  private logFailure(type: string, name: string, pattern: string, error: unknown): void {
    const { logger, runtime } = this.parts;
    const now = runtime.now();
    if (now - this.failuresSince > LOG_WINDOW_MS) {
      if (this.failures > LOGGED_FAILURES)
        logger.error(`${this.failures - LOGGED_FAILURES} more handlers have thrown`);
      this.failures = 0;
      this.failuresSince = now;
    }
    this.failures++;
    if (this.failures > LOGGED_FAILURES) return;
    const text = error instanceof Error ? (error.stack ?? error.message) : reasonOf(error);
    logger.error(`${type} "${name}" threw in "${pattern}": ${text}`);
  }
}
