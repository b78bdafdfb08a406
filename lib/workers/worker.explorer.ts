import type { Type } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import { SwarmConfigurationError } from '../errors/index.js';
import type { EnhancerHost, NestEnhancers } from './nest-enhancers.js';
import { type ProvidedWorker, WorkerCompiler } from './worker-compiler.js';
import type { WorkerDefinition } from './worker-definition.interface.js';
import { workerOptionsOf, workerTypeOf } from './worker-metadata.js';

/** What an application provides to the swarm. */
export interface ExploredWorkers {
  readonly definitions: ReadonlyMap<string, WorkerDefinition>;
  readonly faults: readonly string[];
}

/**
 * Finds the workers among the providers of an application and compiles them, with all their faults at once: a worker
 * that is half right must not start, and one boot should tell everything.
 */
export class WorkerExplorer {
  private readonly compiler: WorkerCompiler;
  private readonly byClass = new WeakMap<Type<object>, WorkerDefinition>();

  constructor(
    private readonly discovery: DiscoveryService,
    private readonly enhancers: NestEnhancers,
  ) {
    this.compiler = new WorkerCompiler(enhancers);
  }

  /** All `@SwarmWorker` classes that a module lists in its `providers`. */
  async explore(): Promise<ExploredWorkers> {
    const { workers, faults } = this.provided();
    faults.push(...this.enhancers.faults(), ...this.controllerFaults());
    const definitions = new Map<string, WorkerDefinition>();
    const classes = new Map<string, Type<object>>();
    for (const worker of workers) {
      const type = workerTypeOf(worker.declared);
      const other = classes.get(type);
      if (other) {
        faults.push(
          `${worker.cls.name} and ${other.name} in ${placesOf(worker)} are both of the type "${type}"; give one another { type }`,
        );
        continue;
      }
      classes.set(type, worker.declared);
      const compiled = await this.compiler.compileProvided(worker);
      faults.push(...compiled.faults);
      if (compiled.definition) definitions.set(type, compiled.definition);
    }
    return { definitions, faults };
  }

  /**
   * The definition for an object that the user built and registers with `registerLocal`.
   *
   * @throws SwarmConfigurationError if its class handles nothing, has enhancers that no module resolves, or faults
   */
  definitionFor(instance: object): WorkerDefinition {
    const cls = classOf(instance);
    if (!cls) {
      const what = typeof instance === 'object' && instance !== null ? 'a plain object' : String(instance);
      throw new SwarmConfigurationError(
        [`${what} handles no message; register an instance of a class with @MessagePattern methods`],
        'it cannot be registered',
      );
    }
    const known = this.byClass.get(cls);
    if (known) return known;
    const hosts = this.discovery
      .getProviders()
      .filter((wrapper) => wrapper.metatype === cls) as EnhancerHost[];
    const { definition, faults } =
      hosts.length > 1
        ? { definition: undefined, faults: [severalModules(cls, hosts)] }
        : this.compiler.compileInstance(cls, hosts[0]);
    if (!definition) throw new SwarmConfigurationError(faults, `a ${cls.name} cannot be registered`);
    this.byClass.set(cls, definition);
    return definition;
  }

  private provided(): { workers: ProvidedWorker[]; faults: string[] } {
    const byClass = new Map<Type<object>, ProvidedWorker[]>();
    const faults: string[] = [];
    for (const wrapper of this.discovery.getProviders()) {
      if (wrapper.isAlias) continue;
      const built: unknown = wrapper.isNotMetatype ? undefined : wrapper.metatype;
      const declared = workerOptionsOf(built)
        ? built
        : workerOptionsOf(wrapper.token)
          ? wrapper.token
          : undefined;
      if (declared === undefined) continue;
      const cls = declared as Type<object>;
      if (built === undefined) {
        faults.push(
          `${cls.name} is provided as a value or by a factory in ${moduleOf(wrapper)}; list the class itself: the swarm builds one instance per name`,
        );
        continue;
      }
      const worker = { cls: built as Type<object>, declared: cls, host: wrapper as EnhancerHost };
      byClass.set(cls, [...(byClass.get(cls) ?? []), worker]);
    }
    for (const [cls, workers] of byClass) {
      if (workers.length > 1) {
        faults.push(
          severalModules(
            cls,
            workers.map(({ host }) => host),
          ),
        );
      }
    }
    return { workers: [...byClass.values()].map((workers) => workers[0]!), faults };
  }

  private controllerFaults(): string[] {
    return this.discovery
      .getControllers()
      .filter((wrapper) => workerOptionsOf(wrapper.metatype))
      .map(
        (wrapper) =>
          `${wrapper.name} is a worker in the controllers of ${moduleOf(wrapper)}; list it in its providers instead`,
      );
  }
}

/** The class of what is claimed to be an object of one; `undefined` if it has none of its own. */
function classOf(instance: unknown): Type<object> | undefined {
  if (typeof instance !== 'object' || instance === null) return undefined;
  const cls = (Object.getPrototypeOf(instance) as { constructor?: Type<object> } | null)?.constructor;
  return typeof cls === 'function' && cls !== (Object as unknown) ? cls : undefined;
}

function moduleOf(wrapper: { readonly host?: { readonly name: string } }): string {
  return wrapper.host?.name ?? 'a module';
}

function placesOf(worker: ProvidedWorker): string {
  return moduleOf(worker.host);
}

function severalModules(cls: Type<object>, hosts: readonly EnhancerHost[]): string {
  return `${cls.name} is in the providers of ${hosts.map(moduleOf).join(' and ')}; list it in one, the module whose services it injects`;
}
