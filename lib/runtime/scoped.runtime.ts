import { enter, type InRing, leave, Ring } from './ring.js';
import type { Runtime, Timer } from './runtime.interface.js';

/** Is in the ring of its runtime until it is due or cancelled. */
class ScopedTimer implements Timer, InRing {
  previous: InRing | undefined;
  next: InRing | undefined;
  private readonly inner: Timer;

  constructor(inner: Runtime, ms: number, task: () => void) {
    this.inner = inner.after(ms, () => {
      leave(this);
      task();
    });
  }

  cancel(): void {
    if (leave(this)) this.inner.cancel();
  }
}

/** A runtime whose pending tasks all end with `close`, so that nothing of a node outlives it. */
export class ScopedRuntime implements Runtime {
  private readonly timers = new Ring<ScopedTimer>();
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
    const timer = new ScopedTimer(this.inner, ms, task);
    enter(this.timers, timer);
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
    for (const timer of this.timers.members()) timer.cancel();
  }
}
