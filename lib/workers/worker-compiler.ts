import type { Type } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { messageOf } from '../errors/thrown.js';
import { type HandoffPhase, methodsOf, type WorkerMethods } from './handler-methods.js';
import { compileHandler, type EnhancerSource } from './handler-pipeline.js';
import { type EnhancerHost, NestEnhancers } from './nest-enhancers.js';
import type { WorkerContext } from './worker-context.js';
import {
  DEFAULT_SUPERVISION,
  type HandlerEntry,
  type WorkerDefinition,
} from './worker-definition.interface.js';
import { workerFactory } from './worker-factory.js';
import { workerOptionsOf, workerTypeOf } from './worker-metadata.js';
import { workerOptionFaults } from './worker-options.faults.js';

/** A worker class as one module provides it. */
export interface ProvidedWorker {
  /** The class that is built. */
  readonly cls: Type<object>;
  /** The class that carries `@SwarmWorker`: another one only where a test overrides the provider by a stand-in. */
  readonly declared: Type<object>;
  readonly host: EnhancerHost;
}

/** A compiled class, or why it could not be compiled. */
export interface CompiledWorker {
  readonly definition?: WorkerDefinition;
  readonly faults: readonly string[];
}

type Methods = Readonly<Record<string, (...args: unknown[]) => unknown>>;

/** Turns worker classes into what the worker host runs: handlers compiled once per class, a factory probed once. */
export class WorkerCompiler {
  constructor(private readonly enhancers: NestEnhancers) {}

  /** Compiles a class that a module provides; the swarm builds its instances. */
  async compileProvided({ cls, declared, host }: ProvidedWorker): Promise<CompiledWorker> {
    const methods = methodsOf(cls);
    const faults = [
      ...workerOptionFaults(declared.name, workerOptionsOf(declared)!),
      ...methods.faults,
      ...scopeFaults(cls, host),
      ...unknownFaults(cls, host, methods),
    ];
    const moduleRef = host.host?.getProviderByKey<ModuleRef>(ModuleRef)?.instance;
    if (!moduleRef) return { faults: [...faults, `${cls.name}: Nest has no ModuleRef for its module`] };
    try {
      const create = await workerFactory(cls, moduleRef);
      if (faults.length > 0) return { faults };
      return { definition: this.assemble(cls, declared, methods, create, host), faults };
    } catch (error) {
      // A request-scoped enhancer makes the whole class request-scoped; then that fault says it all.
      return { faults: faults.length > 0 ? faults : [dependencyFault(cls, error)] };
    }
  }

  /** Compiles the class of an object that the user built. `host` is given if a module provides the class. */
  compileInstance(cls: Type<object>, host: EnhancerHost | undefined): CompiledWorker {
    const options = workerOptionsOf(cls);
    const methods = methodsOf(cls);
    const faults = [...(options ? workerOptionFaults(cls.name, options) : []), ...methods.faults];
    if (methods.handlers.length === 0) {
      faults.push(`${cls.name} handles no message; decorate a method with @MessagePattern or @EventPattern`);
    }
    if (host) faults.push(...scopeFaults(cls, host), ...unknownFaults(cls, host, methods));
    else if (
      NestEnhancers.areOn(
        cls,
        methods.handlers.map(({ name }) => name),
      )
    ) {
      faults.push(
        `${cls.name} has guards, pipes, interceptors or filters; list it in the providers of a module`,
      );
    }
    if (faults.length > 0) return { faults };
    const create = (): never => {
      throw new Error(`${cls.name} was registered as an object; the swarm does not build it`);
    };
    return { definition: this.assemble(cls, cls, methods, create, host ?? homeless(cls)), faults };
  }

  private assemble(
    cls: Type<object>,
    declared: Type<object>,
    methods: WorkerMethods,
    create: WorkerDefinition['create'],
    host: EnhancerHost,
  ): WorkerDefinition {
    const source: EnhancerSource = { enhancers: this.enhancers, host };
    const table = new Map<string, HandlerEntry>();
    for (const { name, accepts, keys } of methods.handlers) {
      const entry: HandlerEntry = { accepts, invoke: compileHandler(cls, name, source) };
      for (const key of keys) table.set(key, entry);
    }
    const { concurrency = 1, mailboxLimit, strategy, labels, ...options } = workerOptionsOf(declared) ?? {};
    const {
      restart = DEFAULT_SUPERVISION.restart,
      maxRestarts = DEFAULT_SUPERVISION.maxRestarts,
      withinMs = DEFAULT_SUPERVISION.withinMs,
    } = options;
    return {
      type: workerTypeOf(declared),
      concurrency,
      mailboxLimit,
      strategy,
      labels,
      supervision: { restart, maxRestarts, withinMs },
      create,
      handler: (pattern) => table.get(pattern),
      ...(methods.hasStart && {
        start: (instance: object, context: WorkerContext, args: unknown) =>
          (instance as Methods)['onWorkerStart']!(context, args),
      }),
      ...handoffOf(methods),
    };
  }
}

/** The methods that `@OnHandoff` stands on; what they give is checked by who asks them. */
function handoffOf({ phases }: WorkerMethods): Pick<WorkerDefinition, HandoffPhase> {
  const called: Partial<Record<HandoffPhase, (instance: object, argument?: unknown) => unknown>> = {};
  for (const [phase, name] of Object.entries(phases)) {
    if (name === undefined) continue;
    called[phase as HandoffPhase] = (instance, argument) => (instance as Methods)[name]!(argument);
  }
  return called as Pick<WorkerDefinition, HandoffPhase>;
}

/** A class that no module provides has no enhancers of its own; those of the application apply to it all the same. */
function homeless(cls: Type<object>): EnhancerHost {
  return { instance: Object.create(cls.prototype as object) as object } as EnhancerHost;
}

/** A guard that is built per request would be called on an object whose constructor never ran (nest.md 3.3). */
function scopeFaults(cls: Type<object>, host: EnhancerHost): string[] {
  const scoped = (host.getEnhancersMetadata() ?? []).filter(
    (enhancer) => enhancer.isTransient || !enhancer.isDependencyTreeStatic(),
  );
  return [...new Set(scoped.map((enhancer) => enhancer.name as string))].map(
    (name) =>
      `${cls.name}: ${name} is ${scoped.find((item) => item.name === name)?.isTransient ? 'transient' : 'request-scoped'}, and messages have no request; give it and what it injects the default scope`,
  );
}

/** A guard that Nest does not find would be skipped. */
function unknownFaults(cls: Type<object>, host: EnhancerHost, { handlers }: WorkerMethods): string[] {
  const names = NestEnhancers.unknownTo(
    host,
    cls,
    handlers.map(({ name }) => name),
  );
  return names.map(
    (name) =>
      `${cls.name}: Nest does not know its ${name} and would leave it out; give an instance of it, or list ${cls.name} itself in the providers`,
  );
}

function dependencyFault(cls: Type<object>, error: unknown): string {
  if (error instanceof Error && error.constructor.name === 'RequestScopedCreateException') {
    return `${cls.name} depends on something request-scoped, and workers have no request; give that the default scope`;
  }
  return `${cls.name} cannot be built: ${messageOf(error)}`;
}
