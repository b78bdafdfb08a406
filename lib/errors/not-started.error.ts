import { SwarmError } from './swarm.error.js';

/** The swarm was used before its node was started. */
export class NotStartedError extends SwarmError {
  readonly code = 'ERR_SWARM_NOT_STARTED';

  constructor() {
    super(
      'the swarm is not started yet: use it from onApplicationBootstrap on (or after app.listen / app.init), not from a constructor or onModuleInit',
      503,
    );
  }
}
