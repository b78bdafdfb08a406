import type { Runtime, Timer } from './runtime.interface.js';

/**
 * Something that is to be run. One object for all that anybody knows of it: of a large swarm millions wait at a time, and
 * are what its memory is full of.
 */
class Task implements Timer {
  constructor(
    private work: (() => void) | undefined,
    /** The node that it belongs to, if any, which decides whether and when it runs. */
    private readonly owner: VirtualRuntime | undefined,
  ) {}

  get isCancelled(): boolean {
    return this.work === undefined;
  }

  /** It keeps its place until its time has come, and nothing of what it would have needed. */
  cancel(): void {
    this.work = undefined;
  }

  /** To be called when its time has come. */
  due(): void {
    if (this.owner?.takes(this) !== false) this.run();
  }

  run(): void {
    this.work?.();
  }
}

/**
 * Node settles all promises between two of the callbacks that it runs in one go (since Node 11): so many tasks cost one
 * look at the sockets and timers of the process.
 */
const TURNS_PER_LOOP = 128;
/** Somebody for whom time passes. */
interface Driver {
  /** Whether more is to be run. */
  goesOn(): boolean;
  ended(): void;
  failed(error: Error): void;
}

/** 2020-01-01, an arbitrary beginning for virtual wall clocks. */
const VIRTUAL_EPOCH_MS = 1_577_836_800_000;

/**
 * Time that moves only when it is told to: the next task is run at once, however far away it is. One scheduler serves
 * a whole simulated swarm; each node has its own `VirtualRuntime` on it, which can be killed.
 */
export class VirtualScheduler {
  private readonly tasks = new TaskHeap();
  private readonly drivers = new Set<Driver>();
  private isDriven = false;
  private order = 0;
  private time = 0;

  constructor(readonly random: () => number) {}

  get now(): number {
    return this.time;
  }

  /** @param owner asked when the time has come whether the task may run then */
  schedule(at: number, run: () => void, owner?: VirtualRuntime): Timer {
    const task = new Task(run, owner);
    this.tasks.push(Math.max(at, this.time), this.order++, task);
    return task;
  }

  /** Runs everything that is due within `ms` from now, then stands `ms` later. */
  async advance(ms: number): Promise<void> {
    const until = this.time + ms;
    await this.runWhile(() => this.tasks.nextAt <= until);
    this.time = until;
  }

  /** Runs tasks until `condition` holds; false if `timeoutMs` of virtual time passed first. */
  async runUntil(condition: () => boolean, timeoutMs: number): Promise<boolean> {
    const until = this.time + timeoutMs;
    await this.runWhile(() => !condition() && this.tasks.nextAt <= until);
    return condition();
  }

  /** Runs tasks, one per turn; the promises that it settled have run before the next. */
  private runWhile(goesOn: () => boolean): Promise<void> {
    return new Promise((ended, failed) => {
      this.drivers.add({ goesOn, ended, failed });
      if (!this.isDriven) this.drive();
    });
  }

  private drive(): void {
    this.isDriven = true;
    for (let i = 1; i < TURNS_PER_LOOP; i++) setImmediate(this.turn);
    setImmediate(() => {
      this.turn();
      this.isDriven = this.drivers.size > 0;
      if (this.isDriven) this.drive();
    });
  }

  private readonly turn = (): void => {
    const { drivers } = this;
    const before = drivers.size;
    for (const driver of drivers) {
      if (driver.goesOn()) continue;
      drivers.delete(driver);
      driver.ended();
    }
    // Who has waited for this very moment goes on in it, before time does.
    if (drivers.size === 0 || drivers.size < before) return;
    const at = this.tasks.nextAt;
    const task = this.tasks.pop();
    if (!task || task.isCancelled) return;
    this.time = at;
    try {
      task.due();
    } catch (error) {
      for (const { failed } of drivers) failed(error as Error);
      drivers.clear();
    }
  };
}

/**
 * Tasks by when they are due, those of one moment in the order in which they were scheduled. A binary heap; times and
 * orders lie in arrays of their own, because a large swarm has millions of tasks, of which each step would look at some.
 */
class TaskHeap {
  private readonly ats: number[] = [];
  private readonly orders: number[] = [];
  private readonly tasks: Task[] = [];

  /** When the first is due; `Infinity` if there is none. */
  get nextAt(): number {
    return this.ats[0] ?? Infinity;
  }

  push(at: number, order: number, task: Task): void {
    const { ats, orders, tasks } = this;
    let index = tasks.length;
    ats.push(at);
    orders.push(order);
    tasks.push(task);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!this.isBefore(at, order, parent)) break;
      this.move(parent, index);
      index = parent;
    }
    this.place(at, order, task, index);
  }

  pop(): Task | undefined {
    const { ats, orders, tasks } = this;
    const first = tasks[0];
    const last = tasks.pop();
    const at = ats.pop();
    const order = orders.pop();
    const { length } = tasks;
    if (!last || at === undefined || order === undefined || length === 0) return first;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= length) break;
      if (child + 1 < length && this.isBefore(ats[child + 1]!, orders[child + 1]!, child)) child++;
      if (this.isBefore(at, order, child)) break;
      this.move(child, index);
      index = child;
    }
    this.place(at, order, last, index);
    return first;
  }

  private isBefore(at: number, order: number, index: number): boolean {
    const other = this.ats[index]!;
    return at < other || (at === other && order < this.orders[index]!);
  }

  private move(from: number, to: number): void {
    this.ats[to] = this.ats[from]!;
    this.orders[to] = this.orders[from]!;
    this.tasks[to] = this.tasks[from]!;
  }

  private place(at: number, order: number, task: Task, index: number): void {
    this.ats[index] = at;
    this.orders[index] = order;
    this.tasks[index] = task;
  }
}

/** How the clocks of a simulated machine differ from the scheduler's. */
export interface VirtualClocks {
  /** How fast its monotonic clock goes, 1 by default. Promise P2 allows for 1 % in either direction. */
  readonly rate?: number;
  /** What its wall clock is ahead, in milliseconds. */
  readonly wallAheadMs?: number;
}

/** The runtime of one simulated node. */
export class VirtualRuntime implements Runtime {
  private killed = false;
  private paused = false;
  /** What became due while the process was paused, in the order in which it did. */
  private readonly overdue: Task[] = [];

  constructor(
    private readonly scheduler: VirtualScheduler,
    private readonly clocks: VirtualClocks = {},
  ) {}

  now(): number {
    return this.scheduler.now * this.rate;
  }

  wallClock(): number {
    return VIRTUAL_EPOCH_MS + (this.clocks.wallAheadMs ?? 0) + this.now();
  }

  random(): number {
    return this.scheduler.random();
  }

  after(ms: number, task: () => void): Timer {
    return this.scheduler.schedule(this.scheduler.now + ms / this.rate, task, this);
  }

  defer(task: () => void): void {
    this.scheduler.schedule(this.scheduler.now, task, this);
  }

  soon(task: () => void): void {
    queueMicrotask(task);
  }

  event(work: () => void): void {
    work();
  }

  deferLast(task: () => void): void {
    this.defer(() => this.defer(task));
  }

  /** The node's process is gone: nothing of it runs any more. */
  kill(): void {
    this.killed = true;
    this.overdue.length = 0;
  }

  /** The node's process is stopped, as by SIGSTOP: nothing of it runs until `resume`, and its clocks go on. */
  pause(): void {
    this.paused = true;
  }

  /** As SIGCONT: what became due meanwhile runs now, in the order in which it did, then what is due from now on. */
  resume(): void {
    this.paused = false;
    for (const task of this.overdue.splice(0))
      this.scheduler.schedule(this.scheduler.now, () => task.run(), this);
  }

  private get rate(): number {
    return this.clocks.rate ?? 1;
  }

  /** @internal Whether the task may run now; what is overdue runs with `resume`. */
  takes(task: Task): boolean {
    if (this.paused && !this.killed) this.overdue.push(task);
    return !this.paused && !this.killed;
  }
}

/** Numbers in [0, 1) that a seed determines (mulberry32 by Tommy Ettinger, public domain). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}
