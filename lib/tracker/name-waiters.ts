// Lets an operation wait until something of a name, or of the view, has changed; never longer than its deadline (P7).
import type { Runtime } from '../runtime/runtime.interface.js';

/** Most waiters that go on in one turn of the event loop: what each does next runs before anything else has its turn. */
const WOKEN_PER_TURN = 128;

interface Waiter {
  wake(changed: boolean): void;
}

export class NameWaiters {
  private readonly byName = new Map<string, Set<Waiter>>();
  private waiting = 0;

  constructor(private readonly runtime: Runtime) {}

  get size(): number {
    return this.waiting;
  }

  /** True when the name or the view has changed, false when `deadline` (monotonic) has passed. */
  changed(name: string, deadline: number): Promise<boolean> {
    return new Promise((resolve) => {
      const waiter: Waiter = {
        wake: (changed) => {
          timer.cancel();
          const waiters = this.byName.get(name);
          if (!waiters?.delete(waiter)) return;
          this.waiting--;
          if (waiters.size === 0) this.byName.delete(name);
          resolve(changed);
        },
      };
      const timer = this.runtime.after(Math.max(0, deadline - this.runtime.now()), () => waiter.wake(false));
      const waiters = this.byName.get(name);
      if (waiters) waiters.add(waiter);
      else this.byName.set(name, new Set([waiter]));
      this.waiting++;
    });
  }

  wake(name: string): void {
    if (this.waiting === 0) return;
    const waiters = this.byName.get(name);
    if (waiters) this.wakeSome([...waiters]);
  }

  wakeAll(): void {
    // Called at every change of the view: thousands of times when many nodes start at once.
    if (this.waiting === 0) return;
    const all: Waiter[] = [];
    for (const waiters of this.byName.values()) for (const waiter of waiters) all.push(waiter);
    this.wakeSome(all);
  }

  /** The first at once, the others in later turns; those whose time is up meanwhile are told that. */
  private wakeSome(waiters: readonly Waiter[], from = 0): void {
    const next = from + WOKEN_PER_TURN;
    for (const waiter of waiters.slice(from, next)) waiter.wake(true);
    if (next < waiters.length) this.runtime.defer(() => this.wakeSome(waiters, next));
  }
}
