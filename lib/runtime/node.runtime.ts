import type { Runtime, Timer } from './runtime.interface.js';

/** Time as the process has it. */
export class NodeRuntime implements Runtime {
  now(): number {
    return performance.now();
  }

  wallClock(): number {
    return Date.now();
  }

  random(): number {
    return Math.random();
  }

  after(ms: number, task: () => void): Timer {
    const handle = setTimeout(task, ms);
    return { cancel: () => clearTimeout(handle) };
  }

  defer(task: () => void): void {
    setImmediate(task);
  }
}
