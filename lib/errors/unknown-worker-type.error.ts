import { SwarmError } from './swarm.error.js';

/**
 * No node that is up provides this worker type. Usually the class is missing from a module's `providers`, or it has
 * `labels` that no node carries.
 */
export class UnknownWorkerTypeError extends SwarmError {
  readonly code = 'ERR_SWARM_UNKNOWN_WORKER_TYPE';

  constructor(readonly workerType: string) {
    super(
      `no node that is up provides the worker type "${workerType}": list the class in the providers of a module, and if it has labels, give them to a node (node.labels)`,
      503,
    );
  }
}
