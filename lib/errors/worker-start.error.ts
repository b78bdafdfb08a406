import { SwarmError } from './swarm.error.js';

/** The worker could not be built, or its `onWorkerStart` threw: `cause` tells what. Nothing stays registered. */
export class WorkerStartError extends SwarmError {
  readonly code = 'ERR_SWARM_WORKER_START';

  constructor(
    readonly workerName: string,
    reason: string,
    options?: ErrorOptions,
  ) {
    super(`"${workerName}" could not be started: ${reason}`, 503, options);
  }
}
