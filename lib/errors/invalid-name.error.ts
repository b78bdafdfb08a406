import { SwarmError } from './swarm.error.js';

/** A name, pattern or group that is no non-empty string of at most 1 KiB without control characters. */
export class InvalidNameError extends SwarmError {
  readonly code = 'ERR_SWARM_INVALID_NAME';

  constructor(
    readonly what: string,
    reason: string,
  ) {
    super(`${what} ${reason}`, 400);
  }
}
