import { SwarmError } from './swarm.error.js';

/** The worker has no handler for the pattern; an event handler is not reached by `call`. */
export class UnknownPatternError extends SwarmError {
  readonly code = 'ERR_SWARM_UNKNOWN_PATTERN';

  constructor(
    readonly workerType: string,
    readonly pattern: string,
    hint = 'decorate a method with @MessagePattern or @EventPattern',
  ) {
    super(`${workerType} does not handle "${pattern}": ${hint}`, 404);
  }
}
