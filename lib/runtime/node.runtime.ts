import { LoopSlice } from './loop-slice.js';
import type { Runtime, Timer } from './runtime.interface.js';

/** Time as the process has it. */
export class NodeRuntime implements Runtime {
  /** Deferred tasks that this turn of the event loop still has to run, and those that are for the next. */
  private ofThisTurn = 0;
  private ofNextTurn = 0;
  private last: Array<() => void> = [];
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

  defer(task: () => void): void {
    this.ofNextTurn += 1;
    setImmediate(this.run, task);
  }

  deferLast(task: () => void): void {
    if (this.last.push(task) > 1) return;
    if (this.ofThisTurn + this.ofNextTurn > 0) return;
    const now = performance.now();
    if (this.slice.isOver(now)) {
      this.slice.begin(now);
      setImmediate(this.runLast);
    } else {
      // A turn of the event loop only for this would cost as much as what it is for.
      process.nextTick(this.runLast);
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
    try {
      for (let task = last.shift(); task; task = last.shift()) task();
    } finally {
      // A fault of one costs no other its turn.
      for (const task of last) this.deferLast(task);
    }
  };
}
