/** Options of one worker type. */
export interface SwarmWorkerOptions {
  /**
   * What the type is called in the swarm. Give it when class names are mangled by a bundler, or when two classes of
   * two applications stand for the same worker.
   *
   * @default the name of the class
   */
  readonly type?: string;
  /**
   * How many messages one worker handles at the same time. More than one gives up the order of messages.
   *
   * @default 1
   */
  readonly concurrency?: number;
  /**
   * Most messages that wait for one worker of this type; a further one fails with `MailboxFullError`.
   *
   * @default the module's `mailboxLimit`
   */
  readonly mailboxLimit?: number;
}
