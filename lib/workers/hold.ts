// Decides when one worker is kept from its messages: paused from outside (a move), or for a turn of its own between two
// messages (a merge); and how long anybody waits for it (promises P5, P7). Made only while there is something of the
// kind, because idle workers may be many.
import { OperationTimeoutError, type SwarmError } from '../errors/index.js';
import type { Runtime, Timer } from '../runtime/runtime.interface.js';
import { isThenable } from './is-thenable.js';
import { NoTurnError } from './no-turn.error.js';

/** What a hold asks of the worker it belongs to. */
export interface HoldOwner {
  readonly name: string;
  /** Whether a message handler runs. */
  readonly isHandling: boolean;
  readonly isEnded: boolean;
  /** Whether it may work now, as far as this hold has no say in it; if not, it is told to go on when it may. */
  mayWork(): boolean;
  /** The error for those that waited for the worker when it ended. */
  refusal(): SwarmError;
  /** A method threw after everybody had stopped waiting for it. */
  failedLate(phase: string, error: unknown): void;
  /** The hold has become weaker: the next turn, or messages, may have their time, and it may be forgotten. */
  goOn(): void;
}

/** `rest`: nothing of the worker runs; `turn`: nothing runs, and the waiter has its turn now; `end`: it has ended. */
type Event = 'rest' | 'turn' | 'end';
type Outcome = 'come' | 'late' | 'ended' | 'resumed' | 'paused';

interface Waiter {
  readonly event: Event;
  readonly timer: Timer;
  told(outcome: Outcome): void;
}

export class Hold {
  private paused = false;
  private turnTaken = false;
  /** Methods of the class, other than message handlers, that run and have time left. */
  private methods = 0;
  /** In the order in which they came. */
  private readonly waiters = new Set<Waiter>();

  constructor(
    private readonly owner: HoldOwner,
    private readonly runtime: Runtime,
  ) {}

  /** Whether messages must wait. */
  get isHolding(): boolean {
    return this.paused || this.turnTaken || this.nextTurn() !== undefined;
  }

  get isEmpty(): boolean {
    return !this.paused && !this.turnTaken && this.methods === 0 && this.waiters.size === 0;
  }

  /** Whether a handler or another method runs. */
  get isBusy(): boolean {
    return this.methods > 0 || this.owner.isHandling;
  }

  /**
   * Pausing twice is the same as once. Returns what `rest` returns. Those that wait for a turn are refused: the one that pauses
   * may wait for the very node that waits for the turn, and neither would ever go on.
   */
  pause(timeoutMs: number): boolean | Promise<boolean> {
    this.paused = true;
    this.tell('turn', 'paused');
    return this.rest(timeoutMs);
  }

  /** Those that still wait for the worker to come to rest are told that it does not. */
  resume(): void {
    this.paused = false;
    this.tell('rest', 'resumed');
    this.owner.goOn();
  }

  /** True when nothing of the worker runs any more, false when that was waited for in vain. */
  rest(timeoutMs: number): boolean | Promise<boolean> {
    if (!this.isBusy) return true;
    return new Promise((resolve) => {
      this.wait('rest', timeoutMs, (outcome) => resolve(outcome === 'come'));
    });
  }

  /**
   * Runs `work` while nothing else of the worker runs; messages wait for it. `work` is told how much of `timeoutMs` is
   * left. Rejects as `work` does, or with `NoTurnError`: at once if the worker is paused, or when it is.
   */
  turn(timeoutMs: number, work: (leftMs: number) => Promise<void>): Promise<void> {
    if (this.paused) return Promise.reject(new NoTurnError(this.owner.name, timeoutMs));
    const until = this.runtime.now() + timeoutMs;
    return new Promise((resolve, reject) => {
      this.wait('turn', timeoutMs, (outcome) => {
        if (outcome === 'come') {
          const over = (): void => {
            this.turnTaken = false;
            this.owner.goOn();
          };
          work(until - this.runtime.now())
            .finally(over)
            .then(resolve, reject);
        } else {
          reject(outcome === 'ended' ? this.owner.refusal() : new NoTurnError(this.owner.name, timeoutMs));
          this.owner.goOn();
        }
      });
      this.giveTurn();
    });
  }

  /** The next in line has its turn, if nothing stands in its way. */
  giveTurn(): void {
    if (this.paused || this.turnTaken || this.isBusy) return;
    const waiter = this.nextTurn();
    if (!waiter || !this.owner.mayWork()) return;
    this.turnTaken = true;
    this.settle(waiter, 'come');
  }

  /**
   * Runs a method of the class. What it returns at once is there at once, and so is what it throws; a promise of it rejects
   * with `OperationTimeoutError` after `timeoutMs`, and at once when the worker ends.
   */
  ask<T>(phase: string, timeoutMs: number, method: () => T | PromiseLike<T>): T | Promise<T> {
    const wasEnded = this.owner.isEnded;
    this.methods++;
    let given: T | PromiseLike<T>;
    let isAwaited: boolean;
    try {
      given = method();
      isAwaited = isThenable(given);
    } catch (error) {
      this.over();
      if (this.owner.isEnded === wasEnded) throw error;
      this.owner.failedLate(phase, error);
      throw this.owner.refusal();
    }
    // The method may have ended its own worker.
    const endedItself = this.owner.isEnded !== wasEnded;
    if (isAwaited) return this.awaited(phase, timeoutMs, given as PromiseLike<T>, endedItself);
    this.over();
    if (endedItself) throw this.owner.refusal();
    return given as T;
  }

  private awaited<T>(
    phase: string,
    timeoutMs: number,
    promised: PromiseLike<T>,
    endedItself: boolean,
  ): Promise<T> {
    let isCounted = true;
    const over = (): void => {
      if (isCounted) this.over();
      isCounted = false;
    };
    return new Promise((resolve, reject) => {
      const waiter = this.wait('end', timeoutMs, (outcome) => {
        if (outcome === 'ended') return reject(this.owner.refusal());
        reject(new OperationTimeoutError(`@OnHandoff('${phase}') of "${this.owner.name}"`, timeoutMs));
        return over();
      });
      if (endedItself) this.settle(waiter, 'ended');
      Promise.resolve(promised).then(
        (value) => {
          const isWaitedFor = this.withdraw(waiter);
          over();
          if (isWaitedFor) resolve(value);
        },
        (error: unknown) => {
          const isWaitedFor = this.withdraw(waiter);
          over();
          if (isWaitedFor) reject(error as Error);
          else this.owner.failedLate(phase, error);
        },
      );
    });
  }

  private over(): void {
    this.methods--;
    this.rested();
  }

  /** A handler or another method has ended. */
  rested(): void {
    if (this.isBusy) return;
    this.tell('rest', 'come');
    this.owner.goOn();
  }

  /** The worker has ended: nobody waits for it any longer. */
  end(): void {
    for (const event of ['rest', 'turn', 'end'] as const) this.tell(event, 'ended');
  }

  private wait(event: Event, timeoutMs: number, told: Waiter['told']): Waiter {
    const timer = this.runtime.after(timeoutMs, () => this.settle(waiter, 'late'));
    const waiter: Waiter = { event, timer, told };
    this.waiters.add(waiter);
    return waiter;
  }

  private tell(event: Event, outcome: Outcome): void {
    if (this.waiters.size === 0) return;
    for (const waiter of [...this.waiters]) if (waiter.event === event) this.settle(waiter, outcome);
  }

  private settle(waiter: Waiter, outcome: Outcome): void {
    if (this.withdraw(waiter)) waiter.told(outcome);
  }

  /** False if it has been told something already. */
  private withdraw(waiter: Waiter): boolean {
    if (!this.waiters.delete(waiter)) return false;
    waiter.timer.cancel();
    return true;
  }

  private nextTurn(): Waiter | undefined {
    for (const waiter of this.waiters) if (waiter.event === 'turn') return waiter;
    return undefined;
  }
}
