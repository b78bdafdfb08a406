import { Injectable, type Type } from '@nestjs/common';
import type { Observable } from 'rxjs';
import { AlreadyRegisteredError, WorkerTypeMismatchError } from '../errors/index.js';
import type { RegistryEvent } from '../events/index.js';
import { assertMayAct } from '../workers/call-chain.js';
import { assertName } from '../workers/name-rules.js';
import { workerTypeOf } from '../workers/worker-metadata.js';
import { KernelHolder } from './kernel.holder.js';
import type { Answer, CallOptions, HandlerOf, MessageArgs, RegisterArgs } from './message-types.js';
import { checkedOptions, nameOfTarget, sendCall, sendCast } from './messages.js';
import { type RegistryFilter, rowFilterOf, typeNameOf } from './registry-filter.js';
import { watchRows } from './registry-watch.js';
import { inSubscriberScope } from './subscriber-scope.js';
import { WorkerRefs } from './worker-ref.js';
import type { WorkerRef } from './worker-ref.interface.js';

/**
 * Registers workers under names, finds them from any node and sends them messages. Inject it anywhere; use it from
 * `onApplicationBootstrap` on.
 *
 * Everything throws (or rejects with) `NotStartedError` before the node is started, `ShuttingDownError` after it began
 * to stop, and `InvalidNameError` for a name, type or pattern that is no string of 1 to 1024 bytes without control
 * characters. A `timeoutMs` that no timer can keep is a `RangeError`.
 *
 * What a worker sends, registers or unregisters is refused with `NodeUnavailableError` when another activation of its name
 * may be at work; see there. Its timers and streams are the worker's too, so clear them in `@OnHandoff('die')`. What a
 * service of the application does on its own account it does better to begin in a hook of its own than when a worker first
 * uses it.
 */
@Injectable()
export class SwarmRegistry {
  constructor(
    private readonly nodes: KernelHolder,
    private readonly refs: WorkerRefs,
  ) {}

  /**
   * Starts a worker under a name, on the node that the strategy names, and resolves when its `onWorkerStart` is done
   * and the registration would survive the crash of a node. The class need not be provided here, only somewhere.
   *
   * After Elixir's swarm (`register_name/5`).
   *
   * @param worker class, or its type as a string
   * @param args start arguments, for `onWorkerStart`; kept by every node, so at most `maxArgsBytes`
   * @param options `timeoutMs`, by default `registerTimeoutMs` of the module
   * @throws AlreadyRegisteredError (its `ref` reaches the holder), WorkerStartError, UnknownWorkerTypeError,
   *   NoNodeAvailableError, OperationTimeoutError, PayloadTooLargeError, UnserializableError,
   *   SwarmConfigurationError (the class is no worker), NodeUnavailableError (the answer was lost with a link, and by now
   *   the worker has been unregistered by somebody else, or its node was fenced)
   */
  register<W>(name: string, worker: Type<W>, ...args: RegisterArgs<W>): Promise<WorkerRef<W>>;
  register(name: string, workerType: string, args?: unknown, options?: CallOptions): Promise<WorkerRef>;
  register(
    name: string,
    worker: Type<unknown> | string,
    args?: unknown,
    options?: CallOptions,
  ): Promise<WorkerRef> {
    return this.nodes.ask(async (kernel) => {
      assertMayAct('change');
      assertName('the name', name);
      return this.refs.of(await kernel.register(name, typeNameOf(worker), args, checkedOptions(options)));
    });
  }

  /**
   * As `register`, but the holder of a taken name is as good: its ref is returned and `args` are not used.
   *
   * After Elixir's swarm (`whereis_or_register_name/5`).
   *
   * @throws WorkerTypeMismatchError if the name is held by a worker of another type; else as `register`, but not
   *   AlreadyRegisteredError
   */
  registerOrGet<W>(name: string, worker: Type<W>, ...args: RegisterArgs<W>): Promise<WorkerRef<W>>;
  registerOrGet(name: string, workerType: string, args?: unknown, options?: CallOptions): Promise<WorkerRef>;
  registerOrGet(
    name: string,
    worker: Type<unknown> | string,
    args?: unknown,
    options?: CallOptions,
  ): Promise<WorkerRef> {
    return this.nodes.ask(async (kernel) => {
      assertMayAct('change');
      assertName('the name', name);
      const type = typeNameOf(worker);
      const timeout = checkedOptions(options);
      const found = kernel.lookup(name);
      if (found) return this.refOfType(found, type);
      try {
        return this.refs.of(await kernel.register(name, type, args, timeout));
      } catch (error) {
        if (!(error instanceof AlreadyRegisteredError)) throw error;
        return this.refOfType(error.ref, type);
      }
    });
  }

  /**
   * Registers an object of this node under a name. It stays on this node and is gone with it; the other nodes reach it
   * like any worker. Its class has methods with `@MessagePattern` or `@EventPattern`. The object is yours: `onWorkerStart`
   * and `@OnHandoff('die')` are not called on it.
   *
   * After Elixir's swarm (`register_name/2`). Use it for what cannot be built anew elsewhere, as an open connection.
   *
   * @throws AlreadyRegisteredError, WorkerStartError, OperationTimeoutError, SwarmConfigurationError (the class
   *   handles nothing, or has guards, pipes, interceptors or filters and is in no module's providers)
   */
  registerLocal<T extends object>(name: string, instance: T): Promise<WorkerRef<T>> {
    return this.nodes.ask(async (kernel) => {
      assertMayAct('change');
      assertName('the name', name);
      return this.refs.of<T>(await kernel.registerLocal(name, this.nodes.definitionFor(instance), instance));
    });
  }

  /**
   * Ends the worker and frees the name, on whichever node it runs. An object of `registerLocal` is only forgotten.
   *
   * @returns whether the name was registered
   * @throws OperationTimeoutError, NoNodeAvailableError (below a quorum), NodeUnavailableError (the registration has ended,
   *   but the answer was lost with a link, so that whether this has ended it or something else is not known)
   */
  unregister(name: string): Promise<boolean> {
    return this.nodes.ask((kernel) => {
      assertMayAct('change');
      assertName('the name', name);
      return kernel.unregister(name);
    });
  }

  /**
   * The worker that runs under a name, as this node's replica knows it: at once, and up to the time a message takes
   * behind the other nodes. `locate` asks the owner.
   *
   * @param worker types the ref. A name that is held by another type is a mistake of the program, not an absence.
   * @throws WorkerTypeMismatchError if `worker` is given and the name is held by another type
   */
  whereis(name: string): WorkerRef | undefined;
  whereis<W>(name: string, worker: Type<W>): WorkerRef<W> | undefined;
  whereis(name: string, worker?: Type<unknown>): WorkerRef | undefined {
    const row = this.nodes.kernel.lookup(name);
    if (!row) {
      // What is registered has a name that is one.
      assertName('the name', name);
      return undefined;
    }
    return worker === undefined ? this.refs.of(row) : this.refOfType(row, workerTypeOf(worker));
  }

  /**
   * As `whereis`, and asks the node that owns the name if the replica here does not know it.
   *
   * @param options `timeoutMs`, by default `callTimeoutMs` of the module
   * @throws OperationTimeoutError
   */
  locate<W = unknown>(name: string, options?: CallOptions): Promise<WorkerRef<W> | undefined> {
    return this.nodes.ask(async (kernel) => {
      assertName('the name', name);
      const row = await kernel.locate(name, checkedOptions(options));
      return row && this.refs.of<W>(row);
    });
  }

  /**
   * The workers that run, of the whole swarm, as this node's replica knows them. The order is not defined, and changes
   * while it is read may or may not be seen.
   */
  registered<W = unknown>(filter: RegistryFilter<W> = {}): IterableIterator<WorkerRef<W>> {
    const { kernel } = this.nodes;
    // A generator throws at its first step; this says at the call that the node is not started or is stopping.
    kernel.count();
    const rows = kernel.rows(rowFilterOf(filter));
    const refs = this.refs;
    return (function* () {
      for (const row of rows) yield refs.of<W>(row);
    })();
  }

  /** How many workers run in the whole swarm. */
  count(): number {
    return this.nodes.kernel.count();
  }

  /**
   * Sends a message to a worker and waits for its answer. See `WorkerRef.call` for what it throws.
   *
   * @param target a ref (then pattern, data and answer are typed by its class) or a name
   * @param pattern the handler's pattern or method name
   */
  call<W, K extends HandlerOf<W>>(
    target: WorkerRef<W>,
    pattern: K,
    ...message: [...MessageArgs<W, K>, options?: CallOptions]
  ): Promise<Answer<W, K>>;
  call<R = unknown>(target: string, pattern: string, data?: unknown, options?: CallOptions): Promise<R>;
  call(target: string | WorkerRef, pattern: string, data?: unknown, options?: CallOptions): Promise<unknown> {
    return sendCall(this.nodes, target, pattern, data, options);
  }

  /**
   * Sends a message and does not wait; reaches handlers of both kinds. Throws at once what this node can know; what is
   * lost later is a `message-dropped` event.
   *
   * After Elixir's swarm (`send/2`).
   *
   * @throws WorkerNotFoundError, LinkOverloadedError, PayloadTooLargeError, UnserializableError
   */
  cast(target: string | WorkerRef, pattern: string, data?: unknown): void {
    sendCast(this.nodes.kernel, nameOfTarget(target), pattern, data);
  }

  /**
   * Changes of the registry as this node's replica learns of them, from the subscription on. Hot;
   * completes when the node stops. Who subscribes before the node is started is told first what it found at its start.
   *
   * With a filter, a worker that comes to match it is `registered`, and one that ceases to is `unregistered`.
   */
  watch(filter: RegistryFilter = {}): Observable<RegistryEvent> {
    const rows = rowFilterOf(filter);
    const changes = watchRows(this.nodes.registryChanges, rows, () => this.nodes.rowsIfStarted(rows));
    return inSubscriberScope(changes);
  }

  private refOfType(held: { readonly name: string; readonly type: string }, type: string): WorkerRef {
    if (held.type !== type) throw new WorkerTypeMismatchError(held.name, type, held.type);
    return this.refs.of(held);
  }
}
