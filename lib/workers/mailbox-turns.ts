import { AsyncResource } from 'node:async_hooks';
import { LoopSlice } from '../runtime/loop-slice.js';
import type { Runtime } from '../runtime/runtime.interface.js';

/** What has its turn. */
interface Turn {
  turn(): void;
}

/**
 * Gives the mailboxes of a node their turn once the code that runs now has gone on. One microtask serves all mailboxes that got
 * a message together, because it costs as much as handling one. Handlers run in the asynchronous context of the node, not in
 * that of the first sender.
 *
 * Code that calls a worker of this node again and again never leaves the microtasks. So after a slice of time the event loop
 * has its turn first; otherwise this node would not hear the others, and be taken for dead.
 */
export class MailboxTurns {
  private readonly context = new AsyncResource('SwarmMailboxes');
  private waiting: Turn[] = [];
  /** They go on when the event loop has had its turn. */
  private interrupted: Turn[] = [];
  private readonly slice: LoopSlice;
  private readonly run = (): void => this.context.runInAsyncScope(this.runAll, this);
  private readonly goOn = (): void => {
    this.slice.begin(this.runtime.now());
    this.waiting = [...this.interrupted, ...this.waiting];
    this.interrupted = [];
    this.run();
  };

  constructor(private readonly runtime: Pick<Runtime, 'now' | 'defer' | 'soon'>) {
    this.slice = new LoopSlice(runtime.now());
  }

  add(mailbox: Turn): void {
    if (this.waiting.push(mailbox) === 1) this.runtime.soon(this.run);
  }

  /** Asked before each message, with the time: whether the event loop must have its turn first, as by `interrupt`. */
  isOver(now: number): boolean {
    return this.interrupted.length > 0 || this.slice.isOver(now);
  }

  /** The mailbox has its turn again when the event loop has had one, behind those that were interrupted before. */
  interrupt(mailbox: Turn): void {
    if (this.interrupted.push(mailbox) === 1) this.runtime.defer(this.goOn);
  }

  private runAll(): void {
    const { waiting } = this;
    this.waiting = [];
    let next = 0;
    try {
      while (next < waiting.length) waiting[next++]?.turn();
    } finally {
      // If one throws the others still have their turn.
      while (next < waiting.length) this.add(waiting[next++]!);
    }
  }
}
