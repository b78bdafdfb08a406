import { OperationTimeoutError } from '../errors/index.js';

/**
 * A worker did not come to rest in time, or was paused, so that its `@OnHandoff('conflict')` was not called: it has nothing
 * of the state, which may be offered again. An `OperationTimeoutError` of another kind means that the method has it.
 */
export class NoTurnError extends OperationTimeoutError {
  constructor(name: string, timeoutMs: number) {
    super(`the wait for a turn of "${name}"`, timeoutMs, 'a handler still ran, or it was paused');
  }
}
