import type { Type } from '@nestjs/common';
import type { SwarmWorkerOptions } from './swarm-worker.options.js';

/** On the class: the options of `@SwarmWorker`. */
export const WORKER_OPTIONS_METADATA = 'nestjs-swarm:worker';
/** On the method: the phases of its `@OnHandoff`s. */
export const HANDOFF_METADATA = 'nestjs-swarm:handoff';

/** The options of a class that carries `@SwarmWorker` itself; a subclass of a worker is a worker only if it does too. */
export function workerOptionsOf(cls: unknown): SwarmWorkerOptions | undefined {
  if (typeof cls !== 'function') return undefined;
  return Reflect.getOwnMetadata(WORKER_OPTIONS_METADATA, cls) as SwarmWorkerOptions | undefined;
}

/** What the worker type of a class is called in the swarm; undecorated classes have their class name. */
export function workerTypeOf(cls: Type<unknown>): string {
  return workerOptionsOf(cls)?.type ?? cls.name;
}
