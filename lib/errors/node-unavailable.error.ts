import { SwarmError } from './swarm.error.js';

/**
 * What was asked of the node may or may not have been done. For a message: the link was lost after it was sent, its worker
 * has ended, or, under a strategy with a quorum, the worker's node had no lease when the handler ended or when the answer
 * came, so that another activation may have been at work.
 *
 * In the code of a worker, with its own node as `node`, it means that nothing was done: another activation of the name may be
 * at work, so what this one sends, registers or joins is refused. That holds for everything that its code has started
 * (handlers, timers, streams, `@OnHandoff('die')`) once it was stopped for want of a quorum or has lost a conflict. Under a
 * strategy with a quorum it also holds while there is no lease, and after a move, where `die` may still send messages.
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
