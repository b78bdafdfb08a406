import { SwarmError } from './swarm.error.js';

/**
 * What was asked of the node may or may not have been done. For a message: the link was lost after it was sent, its worker
 * has ended, or, under a strategy with a quorum, the worker's node had no lease when the handler ended or when the answer
 * came, so that another activation may have been at work.
 *
 * Also what a worker gets, with its own node, for what it sends, registers or joins when another activation of its name
 * may be at work: nothing of that has been done. So it is for all that its code has begun (handlers, timers, streams) when
 * it has ended for want of a quorum or in a conflict, `@OnHandoff('die')` included; and under a strategy with a quorum
 * while there is no lease, and when it was moved, but that `die` may still send messages then.
 */
export class NodeUnavailableError extends SwarmError {
  readonly code = 'ERR_SWARM_NODE_UNAVAILABLE';

  constructor(
    readonly node: string,
    reason = 'the link was lost before it answered',
  ) {
    super(`${node}: ${reason}`, 503);
  }
}
