import { SwarmError } from './swarm.error.js';

/** No node may host the worker now: the strategy names none. */
export class NoNodeAvailableError extends SwarmError {
  readonly code = 'ERR_SWARM_NO_NODE_AVAILABLE';

  constructor(message: string) {
    super(message, 503);
  }
}
