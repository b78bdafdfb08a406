import type { Type } from '@nestjs/common';
import { SwarmConfigurationError } from '../errors/index.js';
import type { RowFilter } from '../node/kernel.interface.js';
import { assertName } from '../workers/name-rules.js';
import { workerOptionsOf, workerTypeOf } from '../workers/worker-metadata.js';

/** Which workers to list or watch; every field given must match. */
export interface RegistryFilter<W = unknown> {
  /** What the name begins with. */
  readonly prefix?: string | undefined;
  /** Worker class, or its type as a string. */
  readonly type?: Type<W> | string | undefined;
  /** Id of the node that hosts the worker, `name@host:port`. */
  readonly node?: string | undefined;
  /** A group that the worker is a member of. */
  readonly group?: string | undefined;
}

/** The filter as the kernel takes it. */
export function rowFilterOf({ prefix, type, node, group }: RegistryFilter): RowFilter {
  return {
    ...(prefix !== undefined && { prefix }),
    ...(type !== undefined && { type: typeof type === 'string' ? type : workerTypeOf(type) }),
    ...(node !== undefined && { node }),
    ...(group !== undefined && { group }),
  };
}

/**
 * The type that the swarm builds for a worker class, or the type itself.
 *
 * @throws SwarmConfigurationError if the class does not carry `@SwarmWorker`, InvalidNameError
 */
export function typeNameOf(worker: Type<unknown> | string): string {
  if (typeof worker === 'function' && !workerOptionsOf(worker)) {
    throw new SwarmConfigurationError(
      [`${worker.name} is no worker; decorate it with @SwarmWorker()`],
      'it cannot be registered',
    );
  }
  const type: unknown = typeof worker === 'function' ? workerTypeOf(worker) : worker;
  assertName('the worker type', type);
  return type;
}
