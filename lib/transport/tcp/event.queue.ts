import type { Runtime } from '../../runtime/runtime.interface.js';

/**
 * What the kernel has to be told, in order, and never while it is itself calling the transport: a task waits for the
 * next event of the transport or, if none comes, for the end of what is running now.
 */
export class EventQueue {
  private tasks: Array<() => void> = [];
  private scheduled = false;
  private settling = false;
  private closed = false;

  constructor(
    private readonly runtime: Runtime,
    private readonly onError: (error: unknown) => void,
  ) {}

  later(task: () => void): void {
    if (this.closed) return;
    this.tasks.push(task);
    if (this.scheduled || this.settling) return;
    this.scheduled = true;
    this.runtime.defer(() => {
      this.scheduled = false;
      this.settle();
    });
  }

  /** Runs what waits. Only to be called where an event of the system begins or ends. */
  settle(): void {
    if (this.settling || this.tasks.length === 0) return;
    this.settling = true;
    try {
      for (let task = this.tasks.shift(); task !== undefined; task = this.tasks.shift()) this.run(task);
    } finally {
      this.settling = false;
    }
  }

  /** Runs a task at once; a fault of the kernel in it is reported and ends nothing else. */
  run(task: () => void): void {
    if (this.closed) return;
    try {
      task();
    } catch (error) {
      this.onError(error);
    }
  }

  /** Tells nothing any more. */
  close(): void {
    this.closed = true;
    this.tasks = [];
  }
}
