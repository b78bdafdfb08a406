import { MailboxFullError } from '../errors/index.js';
import { bodyBytes } from './body-bytes.js';
import type { Delivery } from './worker-host.interface.js';

/** Most bytes that wait in all mailboxes of one node. */
const MOST_BYTES = 256 * 1024 * 1024;

/**
 * What waits in the mailboxes of a node, in bytes. Their limits count messages, and thousands of the largest would be gigabytes.
 * Messages that workers of this node send each other have no bytes, and are not counted.
 */
export class MailboxMemory {
  private bytes = 0;

  /** False if there is no room for the message. One alone always has room. */
  take({ body }: Delivery): boolean {
    const bytes = bodyBytes(body);
    if (this.bytes > 0 && this.bytes + bytes > MOST_BYTES) return false;
    this.bytes += bytes;
    return true;
  }

  /** The message waits no more. */
  giveBack({ body }: Delivery): void {
    this.bytes -= bodyBytes(body);
  }

  /** For a message for which there is no room. */
  refusal(name: string): MailboxFullError {
    const reason = `no room for a message to "${name}": ${this.bytes} bytes wait in the mailboxes of its node`;
    return new MailboxFullError(name, MOST_BYTES, reason);
  }
}
