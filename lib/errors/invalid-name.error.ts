import { SwarmError } from './swarm.error.js';

/** A name, type, pattern or group is no string of 1 to 1024 bytes, well-formed and without control characters. */
export class InvalidNameError extends SwarmError {
  readonly code = 'ERR_SWARM_INVALID_NAME';

  constructor(
    readonly what: string,
    reason: string,
  ) {
    super(`${what} ${reason}`, 400);
  }
}
