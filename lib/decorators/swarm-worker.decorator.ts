import { applyDecorators, Injectable, Scope, SetMetadata } from '@nestjs/common';
import type { SwarmWorkerOptions } from '../workers/swarm-worker.options.js';
import { WORKER_OPTIONS_METADATA } from '../workers/worker-metadata.js';

/**
 * Makes a class a worker: the swarm builds one instance per registered name, with the dependencies of the module that
 * lists the class in its `providers`.
 *
 * Messages reach the methods that carry Nest's `@MessagePattern` (answered) or `@EventPattern` (not answered). Nest
 * itself never builds an instance, so `onModuleInit` and the other lifecycle hooks of Nest are not called: use
 * `onWorkerStart` and `@OnHandoff('die')`. Without `@OnHandoff('begin')` and `@OnHandoff('end')` a worker that moves to
 * another node starts there anew, without its state.
 *
 * What is wrong with the options is told at boot, with every other fault, in one `SwarmConfigurationError`.
 */
export function SwarmWorker(options: SwarmWorkerOptions = {}): ClassDecorator {
  return applyDecorators(
    // TRANSIENT keeps Nest from building the class, and from calling its hooks, at boot.
    Injectable({ scope: Scope.TRANSIENT }),
    SetMetadata(WORKER_OPTIONS_METADATA, options),
  );
}
