// Imported, because each look at the one in `globalThis` is a call of a getter, and because the clock and the timers there
// may be those of an application's tests, which stand still: the swarm goes on, or other nodes would take this one for dead.
import { performance } from 'node:perf_hooks';
import { nextTick } from 'node:process';
import { clearTimeout, setImmediate, setTimeout } from 'node:timers';
import { LoopSlice } from './loop-slice.js';
import type { Runtime, Timer } from './runtime.interface.js';

const SETTLED = Promise.resolve();

/** Time as the process has it. */
export class NodeRuntime implements Runtime {
  /** Deferred tasks that this turn of the event loop still has to run, and those that are for the next. */
  private ofThisTurn = 0;
  private ofNextTurn = 0;
  private readonly soonTasks: Array<() => void> = [];
  private last: Array<() => void> = [];
  private isInEvent = false;
  /** An event has ended, and what waited for it goes on: nothing was deferred to the last since. */
  private isBehindEvent = false;
  private readonly slice = new LoopSlice(performance.now());

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

  event(work: () => void): void {
    if (this.isInEvent) return work();
    this.isInEvent = true;
    try {
      work();
    } finally {
      this.endEvent();
    }
    return undefined;
  }

  soon(task: () => void): void {
    if (this.isInEvent) this.soonTasks.push(task);
    else queueMicrotask(task);
  }

  defer(task: () => void): void {
    this.ofNextTurn += 1;
    setImmediate(this.run, task);
  }

  deferLast(task: () => void): void {
    if (this.last.push(task) > 1 || this.isInEvent || this.isAnyDeferred) return;
    if (this.isBehindEvent) {
      // Behind all that goes on with what the event has brought, and half as dear as a tick. Once only: code that waits for
      // something settled between two messages would have each written alone.
      this.isBehindEvent = false;
      void SETTLED.then(this.runLast);
      return;
    }
    const now = performance.now();
    if (this.slice.isOver(now)) {
      this.slice.begin(now);
      setImmediate(this.runLast);
    } else {
      // A turn of the event loop only for this would cost as much as what it is for.
      nextTick(this.runLast);
    }
  }

  private get isAnyDeferred(): boolean {
    return this.ofThisTurn + this.ofNextTurn > 0;
  }

  private endEvent(): void {
    try {
      runAll(this.soonTasks, queueMicrotask);
    } finally {
      this.isInEvent = false;
      this.isBehindEvent = true;
      if (this.last.length > 0 && !this.isAnyDeferred) this.runLast();
    }
  }

  private readonly run = (task: () => void): void => {
    // What is deferred while these run is for the next turn.
    if (this.ofThisTurn === 0) {
      this.ofThisTurn = this.ofNextTurn;
      this.ofNextTurn = 0;
    }
    try {
      task();
    } finally {
      this.ofThisTurn -= 1;
      if (this.ofThisTurn === 0 && this.last.length > 0) this.runLast();
    }
  };

  private readonly runLast = (): void => {
    const { last } = this;
    this.last = [];
    runAll(last, this.lastAgain);
  };

  private readonly lastAgain = (task: () => void): void => this.deferLast(task);
}

/** Also those that are added meanwhile. A fault of one costs no other its turn: the rest are handed to `again`. */
function runAll(tasks: Array<() => void>, again: (task: () => void) => void): void {
  try {
    for (let task = tasks.shift(); task; task = tasks.shift()) task();
  } finally {
    for (let task = tasks.shift(); task; task = tasks.shift()) again(task);
  }
}
