import { SwarmError } from './swarm.error.js';

/** The swarm was used after its node had drained, or the message still waited then. */
export class ShuttingDownError extends SwarmError {
  readonly code = 'ERR_SWARM_SHUTTING_DOWN';

  constructor() {
    super('this node of the swarm is shutting down', 503);
  }
}
