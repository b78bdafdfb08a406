import { SwarmError } from './swarm.error.js';

/** The name is registered with another worker type than the one asked for. */
export class WorkerTypeMismatchError extends SwarmError {
  readonly code = 'ERR_SWARM_WORKER_TYPE_MISMATCH';

  constructor(
    readonly workerName: string,
    readonly expected: string,
    readonly actual: string,
  ) {
    super(`"${workerName}" is a ${actual}, not a ${expected}`, 409);
  }
}
