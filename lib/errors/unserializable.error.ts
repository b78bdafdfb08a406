import { SwarmError } from './swarm.error.js';

/** The value holds something that cannot travel; `path` says where, as `data.items[3].done`. */
export class UnserializableError extends SwarmError {
  readonly code = 'ERR_SWARM_UNSERIALIZABLE';

  constructor(
    readonly path: string,
    readonly reason: string,
  ) {
    super(`${path}: ${reason}`, 500);
  }
}
