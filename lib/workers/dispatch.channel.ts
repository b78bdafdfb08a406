import { channel } from 'node:diagnostics_channel';
import type { DispatchObserver } from './hosted-type.js';

/** What subscribers of `DISPATCH_CHANNEL` get. */
export interface DispatchMessage {
  /** Id of the node, `name@host:port`. */
  readonly node: string;
  /** Name of the worker. */
  readonly name: string;
  /** Type of the worker. */
  readonly type: string;
  /** Of its activation; rises with every one of the name. */
  readonly fence: number;
  /**
   * When the node's right to run it was checked, in milliseconds of this process's `performance.now()`. That clock and
   * `process.hrtime.bigint()` differ by a constant, and the latter is one clock for all processes of a machine.
   */
  readonly checkedAt: number;
}

/**
 * Name of the channel of Node's `diagnostics_channel` on which each message of a worker of this process is told just
 * before its handler begins, as a `DispatchMessage`. For who counts or traces an application; without a subscriber it
 * costs a look at a flag.
 *
 * ```ts
 * import { subscribe } from 'node:diagnostics_channel';
 * subscribe('nestjs-swarm:dispatch', (message) => counter.add(1, message as DispatchMessage));
 * ```
 *
 * A subscriber runs before the handler and on its time, so it should do little. What it throws is an uncaught exception
 * of the process, as Node has it for all channels, and does not reach the worker.
 */
export const DISPATCH_CHANNEL = 'nestjs-swarm:dispatch';

const dispatches = channel(DISPATCH_CHANNEL);

/** Tells the channel of the messages of one node. */
export class DispatchChannel implements DispatchObserver {
  private node = '';

  attached(node: string): void {
    this.node = node;
  }

  dispatching(name: string, type: string, fence: number, checkedAt: number): void {
    if (!dispatches.hasSubscribers) return;
    const message: DispatchMessage = { node: this.node, name, type, fence, checkedAt };
    dispatches.publish(message);
  }
}
