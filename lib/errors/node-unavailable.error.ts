import { SwarmError } from './swarm.error.js';

/** The link to the node was lost after the message was sent: it may or may not have been handled. */
export class NodeUnavailableError extends SwarmError {
  readonly code = 'ERR_SWARM_NODE_UNAVAILABLE';

  constructor(
    readonly node: string,
    reason = 'the link was lost before it answered',
  ) {
    super(`${node}: ${reason}`, 503);
  }
}
