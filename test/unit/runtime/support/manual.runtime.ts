import type { Runtime, Timer } from '../../../../lib/runtime/runtime.interface.js';

interface Task {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/**
 * Time that a test moves by hand, also while a task runs: what takes long says so by `spend`. Runs tasks without
 * waiting for promises.
 */
export class ManualRuntime implements Runtime {
  epoch = 1_600_000_000_000;
  /** What the longest task has spent. */
  longestTaskMs = 0;
  randomValue = 0.5;
  private time = 0;
  private order = 0;
  private readonly tasks = new Set<Task>();

  get pending(): number {
    return this.tasks.size;
  }

  now(): number {
    return this.time;
  }

  wallClock(): number {
    return this.epoch + this.time;
  }

  random(): number {
    return this.randomValue;
  }

  after(ms: number, run: () => void): Timer {
    const task: Task = { at: this.time + ms, order: this.order++, run };
    this.tasks.add(task);
    return { cancel: () => void this.tasks.delete(task) };
  }

  defer(run: () => void): void {
    this.after(0, run);
  }

  soon(run: () => void): void {
    queueMicrotask(run);
  }

  event(work: () => void): void {
    work();
  }

  deferLast(run: () => void): void {
    this.defer(() => this.defer(run));
  }

  /** The running task takes as long. */
  spend(ms: number): void {
    this.time += ms;
  }

  /** Lets time pass, and what is due meanwhile happen. */
  pass(ms: number): void {
    const until = this.time + ms;
    for (let next = this.next(until); next; next = this.next(until)) {
      this.tasks.delete(next);
      this.time = Math.max(this.time, next.at);
      this.measured(next.run);
    }
    this.time = Math.max(this.time, until);
  }

  /** Runs a task now and notes what it has spent. */
  measured(run: () => void): void {
    const began = this.time;
    run();
    this.longestTaskMs = Math.max(this.longestTaskMs, this.time - began);
  }

  private next(until: number): Task | undefined {
    let first: Task | undefined;
    for (const task of this.tasks) {
      if (task.at > until && task.at > this.time) continue;
      if (!first || task.at < first.at || (task.at === first.at && task.order < first.order)) first = task;
    }
    return first;
  }
}
