/** A pending task; cancelling one that has run or was cancelled does nothing. */
export interface Timer {
  cancel(): void;
}

/**
 * The only source of time, randomness and deferral that the kernel has: real in production, virtual in the
 * simulation, so that a whole swarm can be replayed from a seed.
 */
export interface Runtime {
  /** Monotonic milliseconds (fractions allowed) since an arbitrary origin. Leases and timeouts use this. */
  now(): number;
  /** Milliseconds since the Unix epoch. Read by the hybrid logical clock and for display, never for timeouts. */
  wallClock(): number;
  /** A number in [0, 1). */
  random(): number;
  /** Runs `task` once after `ms` milliseconds. */
  after(ms: number, task: () => void): Timer;
  /** Runs `task` when what is running now has finished, before time moves on. Keeps the order of the calls. */
  defer(task: () => void): void;
  /** As `defer`, behind all tasks that are deferred by then: for what is done once for what all of them have left. */
  deferLast(task: () => void): void;
  /** Runs `task` when its caller has gone on, before anything else that is deferred. */
  soon(task: () => void): void;
  /**
   * Runs `work` now, which something from outside has brought about, as what a peer has sent. Where that is cheaper, what it
   * asks to be done `soon`, or to be deferred to the last, comes at its end.
   */
  event(work: () => void): void;
}

/** Where the kernel writes its lines; Nest's `Logger` is one. */
export interface KernelLogger {
  error(message: string): void;
  log(message: string): void;
  warn(message: string): void;
  debug(message: string): void;
  verbose(message: string): void;
}

/** Longest delay in milliseconds that a timer of Node.js takes; with a longer one it would run at once. */
export const MAX_TIMER_MS = 2_147_483_647;
