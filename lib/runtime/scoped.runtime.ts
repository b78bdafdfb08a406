import type { Runtime, Timer } from './runtime.interface.js';

/** A runtime whose pending tasks all end with `close`, so that nothing of a node outlives it. */
export class ScopedRuntime implements Runtime {
  private readonly timers = new Set<Timer>();
  private closed = false;

  constructor(private readonly inner: Runtime) {}

  now(): number {
    return this.inner.now();
  }

  wallClock(): number {
    return this.inner.wallClock();
  }

  random(): number {
    return this.inner.random();
  }

  after(ms: number, task: () => void): Timer {
    if (this.closed) return { cancel: () => undefined };
    const pending = this.inner.after(ms, () => {
      this.timers.delete(timer);
      task();
    });
    const timer: Timer = {
      cancel: () => {
        if (this.timers.delete(timer)) pending.cancel();
      },
    };
    this.timers.add(timer);
    return timer;
  }

  defer(task: () => void): void {
    if (this.closed) return;
    this.inner.defer(() => {
      if (!this.closed) task();
    });
  }

  deferLast(task: () => void): void {
    if (this.closed) return;
    this.inner.deferLast(() => {
      if (!this.closed) task();
    });
  }

  soon(task: () => void): void {
    this.inner.soon(task);
  }

  event(work: () => void): void {
    this.inner.event(work);
  }

  /** Cancels everything pending; later tasks are not run. */
  close(): void {
    this.closed = true;
    for (const timer of [...this.timers]) timer.cancel();
  }
}
