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
import { watchRows } from './watched-rows.js';
import { inSubscriberScope } from './subscriber-scope.js';
import { WorkerRefs } from './worker-ref.js';
import type { WorkerRef } from './worker-ref.interface.js';

/**
 * Registers workers under names, finds them from any node and sends them messages. Inject it anywhere; use it from
 * `onApplicationBootstrap` on.
 *
 * Besides what a method lists, each throws (or rejects with):
 *
 * - `NotStartedError` before the node is started, `ShuttingDownError` once it has drained;
 * - `InvalidNameError` for a name, type or pattern that is no string of 1 to 1024 bytes, well-formed and without control
 *   characters;
 * - `RangeError` for a `timeoutMs` that is not above 0, or longer than a timer of Node.js can wait (24.8 days);
 * - `NodeUnavailableError` in the code of a worker that sends or changes something while another activation of its name may
 *   be at work.
 *
 * Timers and streams that the code of a worker has started count as that worker's: clear them in `@OnHandoff('die')`. A
 * service that does something on its own account should therefore start it in a lifecycle hook of its own, not when a worker
 * first calls it.
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
   * @throws AlreadyRegisteredError the name is taken; its `ref` reaches the holder
   * @throws WorkerStartError the constructor or `onWorkerStart` threw; nothing stays registered
   * @throws UnknownWorkerTypeError no node that is up provides the class and carries its `labels`
   * @throws NoNodeAvailableError the strategy names no node, as below a quorum
   * @throws OperationTimeoutError it may or may not be registered now
   * @throws PayloadTooLargeError, UnserializableError the start arguments cannot travel
   * @throws SwarmConfigurationError the class is no worker
   * @throws NodeUnavailableError the answer was lost with a link, and by now the worker was unregistered by somebody else, or
   *   its node was fenced
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
   * As `register`, but if the name is taken the holder's ref is returned, and `args` are not used. For names that any
   * request may be the first to need.
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
   * @throws AlreadyRegisteredError the name is taken; its `ref` reaches the holder
   * @throws SwarmConfigurationError the class handles nothing, or has guards, pipes, interceptors or filters and is in no
   *   module's providers
   * @throws NoNodeAvailableError, WorkerStartError the name could not be claimed, or was taken away meanwhile
   * @throws OperationTimeoutError it may or may not be registered now
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
   * @throws OperationTimeoutError it may or may not have ended
   * @throws NoNodeAvailableError below a quorum
   * @throws NodeUnavailableError the registration has ended, but the answer was lost with a link: whether this call has ended
   *   it is not known
   */
  unregister(name: string): Promise<boolean> {
    return this.nodes.ask((kernel) => {
      assertMayAct('change');
      assertName('the name', name);
      return kernel.unregister(name);
    });
  }

  /**
   * The worker that runs under a name, read from this node's copy of the registry: at once, but what another node
   * registered a moment ago may not be there yet. `locate` asks when the copy does not know the name.
   *
   * @param worker types the ref; a name that is held by another type is an error, not an absence
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
   * As `whereis`, and asks the node that decides about the name if the copy here does not know it.
   *
   * @param options `timeoutMs`, by default `callTimeoutMs` of the module
   * @throws OperationTimeoutError the node that was asked did not answer in time
   */
  locate<W = unknown>(name: string, options?: CallOptions): Promise<WorkerRef<W> | undefined> {
    return this.nodes.ask(async (kernel) => {
      assertName('the name', name);
      const row = await kernel.locate(name, checkedOptions(options));
      return row && this.refs.of<W>(row);
    });
  }

  /**
   * The workers that run in the whole swarm, read from this node's copy of the registry. The order is not defined, and
   * changes while it is read may or may not be seen.
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
   * Sends a message to a worker and waits for its answer. Throws as `WorkerRef.call`.
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
   * Sends a message and does not wait; reaches `@MessagePattern` and `@EventPattern` handlers. Throws, as
   * `WorkerRef.cast`, what this node knows at once; what is lost later is a `message-dropped` event.
   *
   * After Elixir's swarm (`send/2`).
   */
  cast(target: string | WorkerRef, pattern: string, data?: unknown): void {
    sendCast(this.nodes.kernel, nameOfTarget(target), pattern, data);
  }

  /**
   * Changes of the registry, from the subscription on, as they reach this node's copy. Hot; completes when the node stops.
   * A subscriber from before the start first gets a `registered` event for each name that the node found at its start.
   *
   * With a filter, a worker that comes to match it is `registered`, and one that ceases to match is `unregistered`.
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
