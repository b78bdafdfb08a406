import { SwarmError } from './swarm.error.js';

/** What a handler threw, as far as it travels. `payload` is the argument of an `RpcException` or `HttpException`. */
export interface RemoteFailure {
  readonly name: string;
  readonly message: string;
  readonly code?: string | number;
  readonly statusCode?: number;
  readonly payload?: unknown;
  /** Only when the handler's node runs with `debug: true`. */
  readonly stack?: string;
}

/**
 * The worker's handler threw; `remote` says what. An uncaught one is answered by Nest with the status of the
 * `HttpException` that the handler threw, else with 500 and without its message.
 */
export class RemoteError extends SwarmError {
  readonly code = 'ERR_SWARM_REMOTE';

  constructor(readonly remote: RemoteFailure) {
    super(remote.message, remote.statusCode ?? 500);
  }
}
