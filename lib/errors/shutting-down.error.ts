import { SwarmError } from './swarm.error.js';

/** The swarm was used after its node began to shut down, or the message still waited when it did. */
export class ShuttingDownError extends SwarmError {
  readonly code = 'ERR_SWARM_SHUTTING_DOWN';

  constructor() {
    super('this node of the swarm is shutting down', 503);
  }
}
