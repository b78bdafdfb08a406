import { SwarmError } from './swarm.error.js';

/** As many messages wait for the worker as its mailbox holds; this one was not queued. */
export class MailboxFullError extends SwarmError {
  readonly code = 'ERR_SWARM_MAILBOX_FULL';

  constructor(
    readonly workerName: string,
    readonly limit: number,
  ) {
    super(`the mailbox of "${workerName}" is full: ${limit} messages wait`, 429);
  }
}
