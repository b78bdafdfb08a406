import type { Runtime } from '../../runtime/runtime.interface.js';

/**
 * What the machine of a node has received for its process: read at once, or, if the process is paused, when it goes on,
 * in the order in which it came.
 */
export class MemoryInbox {
  private paused = false;
  private readonly unread: Array<() => void> = [];

  /** @param runtime of the network, which is never paused */
  constructor(private readonly runtime: Runtime) {}

  /** Whether something that comes now is not read at once. */
  get isBehind(): boolean {
    return this.paused || this.unread.length > 0;
  }

  take(task: () => void): void {
    if (!this.isBehind) return task();
    this.unread.push(task);
    if (!this.paused) this.runtime.defer(() => this.readNext());
    return undefined;
  }

  pause(): void {
    this.paused = true;
  }

  /** What waits is read, one after the other. */
  resume(): void {
    this.paused = false;
    for (let i = 0; i < this.unread.length; i++) this.runtime.defer(() => this.readNext());
  }

  /** The process is gone: what waits is taken by nobody, and whoever waits for an answer learns it. */
  close(): void {
    this.paused = false;
    for (const task of this.unread.splice(0)) task();
  }

  private readNext(): void {
    if (!this.paused) this.unread.shift()?.();
  }
}
