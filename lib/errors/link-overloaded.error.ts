import { SwarmError } from './swarm.error.js';

/** More waits to be written to the node than the link's queue holds; this message was not sent. */
export class LinkOverloadedError extends SwarmError {
  readonly code = 'ERR_SWARM_LINK_OVERLOADED';

  constructor(readonly node: string) {
    super(`the link to ${node} is overloaded: messages come faster than it takes them`, 503);
  }
}
