import type { KernelLogger, Runtime } from './runtime/runtime.interface.js';
import type { KernelOptions } from './node/kernel-options.js';
import type { KernelParts } from './node/kernel-parts.js';
import type { Kernel } from './node/kernel.interface.js';
import type { Transport } from './transport/transport.interface.js';

/**
 * Key of the options under which tests put parts of their own. A symbol, so that it survives `{ ...options }`, is no
 * option by name, and nobody meets it by accident.
 */
export const SWARM_PARTS = Symbol('nestjs-swarm:parts');

/** What a node is built on in place of sockets, real time and Nest's logger. */
export interface SwarmParts {
  readonly transport?: Transport;
  readonly runtime?: Runtime;
  readonly logger?: KernelLogger;
  readonly createKernel?: (options: KernelOptions, parts: KernelParts) => Kernel;
}

/** The parts that came with the options; none in production. */
export function partsOf(options: unknown): SwarmParts {
  if (typeof options !== 'object' || options === null) return {};
  return (options as { readonly [SWARM_PARTS]?: SwarmParts })[SWARM_PARTS] ?? {};
}
