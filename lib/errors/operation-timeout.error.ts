import { SwarmError } from './swarm.error.js';

/** The operation did not end within its deadline. Whether it took effect is not known. */
export class OperationTimeoutError extends SwarmError {
  readonly code: string = 'ERR_SWARM_OPERATION_TIMEOUT';

  constructor(
    readonly operation: string,
    readonly timeoutMs: number,
    detail = '',
  ) {
    super(`${operation} did not end within ${Math.round(timeoutMs)} ms${detail && `: ${detail}`}`, 504);
  }
}
