import { OperationTimeoutError } from './operation-timeout.error.js';

/** A call was not answered within its deadline. It may or may not have been handled. */
export class CallTimeoutError extends OperationTimeoutError {
  override readonly code = 'ERR_SWARM_CALL_TIMEOUT';
}
