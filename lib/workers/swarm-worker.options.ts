import type { DistributionStrategy } from '../distribution/strategy.interface.js';
import type { RestartPolicy } from './restart-policy.js';

/** Options of one worker type. They are to be the same on every node that provides it. */
export interface SwarmWorkerOptions {
  /**
   * What the type is called in the swarm. Give it when class names are mangled by a bundler, or when two classes of
   * two applications stand for the same worker.
   *
   * @default the name of the class
   */
  readonly type?: string | undefined;
  /**
   * Which node runs which name of this type: `ring()`, `staticQuorumRing({ size })`, or your own.
   *
   * @default the module's `strategy`
   */
  readonly strategy?: DistributionStrategy | undefined;
  /**
   * Only nodes that carry all of these labels (`node.labels` of the module) host this type, as `{ gpu: 'yes' }`. The
   * others know it all the same and reach its workers. With no such node up, `register` fails with
   * `UnknownWorkerTypeError`.
   *
   * @default none: every node that has the class in its providers hosts it
   */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /**
   * What becomes of a worker that fails (calls `ctx.fail`, or cannot be started anew), and of one whose node dies.
   *
   * - `'transient'`: started anew, after a pause that doubles with each failure; ended for good after more than
   *   `maxRestarts` failures within `withinMs`, with a `worker-stopped` event.
   * - `'permanent'`: the same without an end.
   * - `'temporary'`: never started anew; ended by its first failure, and gone with its node. It still moves, with its
   *   state, when nodes come or leave.
   *
   * An error that a handler throws is no failure. `ctx.stop()` and `unregister` end a worker under every policy. After
   * the restart types of Erlang/OTP's supervisors.
   *
   * @default 'transient'
   */
  readonly restart?: RestartPolicy | undefined;
  /**
   * How many failures within `withinMs` a `'transient'` worker survives; 0: none.
   *
   * @default 5
   */
  readonly maxRestarts?: number | undefined;
  /**
   * The time in which `maxRestarts` is counted, in milliseconds.
   *
   * @default 60_000
   */
  readonly withinMs?: number | undefined;
  /**
   * How many messages one worker handles at the same time. More than one gives up the order of messages.
   *
   * @default 1
   */
  readonly concurrency?: number | undefined;
  /**
   * Most messages that wait for one worker of this type; a further one fails with `MailboxFullError`.
   *
   * @default the module's `mailboxLimit`
   */
  readonly mailboxLimit?: number | undefined;
}
