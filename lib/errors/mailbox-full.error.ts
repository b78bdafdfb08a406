import { SwarmError } from './swarm.error.js';

/**
 * As many messages wait for the worker as its mailbox holds, or as much waits on a node for workers that it cannot reach
 * now as it keeps; this one was not queued.
 */
export class MailboxFullError extends SwarmError {
  readonly code = 'ERR_SWARM_MAILBOX_FULL';

  constructor(
    readonly workerName: string,
    /** Messages; or bytes, if the message says so. */
    readonly limit: number,
    reason = `the mailbox of "${workerName}" is full: ${limit} messages wait`,
  ) {
    super(reason, 429);
  }
}
