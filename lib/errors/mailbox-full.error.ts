import { SwarmError } from './swarm.error.js';

/**
 * The message was not queued: the worker's mailbox is full (`mailboxLimit`), or too many bytes wait in all mailboxes of its node,
 * or too many messages, or too many bytes, wait on one node for workers that it cannot reach now.
 */
export class MailboxFullError extends SwarmError {
  readonly code = 'ERR_SWARM_MAILBOX_FULL';

  constructor(
    readonly workerName: string,
    /** In messages, or in bytes if the error's message says so. */
    readonly limit: number,
    reason = `the mailbox of "${workerName}" is full: ${limit} messages wait`,
  ) {
    super(reason, 429);
  }
}
