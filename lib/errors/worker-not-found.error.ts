import { SwarmError } from './swarm.error.js';

/** No worker is registered under the name. */
export class WorkerNotFoundError extends SwarmError {
  readonly code = 'ERR_SWARM_WORKER_NOT_FOUND';

  constructor(readonly workerName: string) {
    super(`no worker is registered as "${workerName}"`, 404);
  }
}
