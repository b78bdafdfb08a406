import { AsyncResource } from 'node:async_hooks';

/** What has its turn. */
interface Turn {
  turn(): void;
}

/**
 * Gives the mailboxes of a node their turn as soon as what runs now has gone on: one microtask for all that came together,
 * because each costs as much as the handling of a message. Handlers run in the asynchronous context of the node, not in
 * that of whoever happened to send first.
 */
export class MailboxTurns {
  private readonly context = new AsyncResource('SwarmMailboxes');
  private waiting: Turn[] = [];
  private readonly run = (): void => this.context.runInAsyncScope(this.runAll, this);

  add(mailbox: Turn): void {
    if (this.waiting.push(mailbox) === 1) queueMicrotask(this.run);
  }

  private runAll(): void {
    const { waiting } = this;
    this.waiting = [];
    let next = 0;
    try {
      while (next < waiting.length) waiting[next++]?.turn();
    } finally {
      // A fault of one costs no other its turn.
      for (const mailbox of waiting.slice(next)) this.add(mailbox);
    }
  }
}
