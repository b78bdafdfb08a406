// Decides which message of one worker is handled when: in the order of arrival, one at a time (or as many as the class
// allows), none while the worker may not handle any, at most `limit` waiting and what the node has room for, none whose
// caller has given up (promises P2, P7).
import type { Runtime } from '../runtime/runtime.interface.js';
import type { MailboxMemory } from './mailbox-memory.js';
import type { MailboxTurns } from './mailbox-turns.js';
import type { Delivery } from './worker-host.interface.js';

/** How many places of handled messages the queue keeps before it is copied without them. */
const HANDLED_PLACES = 256;

/** What a mailbox asks of the worker it belongs to. */
export interface MailboxOwner {
  readonly concurrency: number;
  readonly limit: number;
  /**
   * Whether the next message may be handled. Asked before each one, with the time of the runtime. When the answer becomes true
   * the owner calls `kick` or `run`.
   */
  mayDispatch(now: number): boolean;
  /** Runs the handler. A promise keeps the place taken until it has settled; it never rejects. */
  handle(delivery: Delivery, now: number): Promise<void> | void;
  expired(delivery: Delivery): void;
  /** No handler runs any more. */
  rested(): void;
}

export class Mailbox {
  /** Made when the first message has to wait. */
  private waiting: Delivery[] | undefined;
  /** Index of the next message in `waiting`. */
  private head = 0;
  private active = 0;
  private draining = false;
  private closed = false;

  constructor(
    private readonly owner: MailboxOwner,
    private readonly runtime: Runtime,
    private readonly turns: MailboxTurns,
    private readonly memory: MailboxMemory,
  ) {}

  /** How many messages wait. */
  get size(): number {
    return this.waiting ? this.waiting.length - this.head : 0;
  }

  /** Whether as many messages wait as may. */
  get isFull(): boolean {
    return this.size >= this.owner.limit;
  }

  /** Whether a handler runs. */
  get isBusy(): boolean {
    return this.active > 0;
  }

  /** False if the mailbox is full or closed, or the node has no room; the message was not taken. */
  push(delivery: Delivery): boolean {
    if (this.closed || this.isFull || !this.memory.take(delivery)) return false;
    this.waiting ??= [];
    this.waiting.push(delivery);
    this.kick();
    return true;
  }

  /** Begins soon, but not before the caller has gone on, with what may be handled. */
  kick(): void {
    if (this.draining || !this.isWaiting) return;
    this.draining = true;
    this.turns.add(this);
  }

  /** Begins now with what may be handled. */
  run(): void {
    if (this.draining || !this.isWaiting) return;
    this.draining = true;
    this.turn();
  }

  /** Its turn has come: handles what may be handled. To be called by `turns` only. */
  turn(): void {
    while (this.isWaiting) {
      const now = this.runtime.now();
      if (!this.owner.mayDispatch(now)) break;
      if (this.turns.isOver(now)) return this.turns.interrupt(this);
      const delivery = this.waiting?.[this.head];
      this.head++;
      if (delivery) this.dispatch(delivery, now);
    }
    this.compact();
    this.draining = false;
  }

  /** Takes no more messages and gives back those that wait. */
  close(): Delivery[] {
    this.closed = true;
    const left = this.waiting?.slice(this.head) ?? [];
    for (const delivery of left) this.memory.giveBack(delivery);
    this.waiting = undefined;
    this.head = 0;
    return left;
  }

  /** Whether there is a message, and a place for it. */
  private get isWaiting(): boolean {
    return this.size > 0 && this.active < this.owner.concurrency;
  }

  private dispatch(delivery: Delivery, now: number): void {
    this.memory.giveBack(delivery);
    if (now > delivery.deadline) return this.owner.expired(delivery);
    this.active++;
    const work = this.owner.handle(delivery, now);
    if (!(work instanceof Promise)) return this.finished();
    const goOn = (): void => {
      this.finished();
      this.run();
    };
    void work.then(goOn, goOn);
    return undefined;
  }

  private finished(): void {
    this.active--;
    if (this.active === 0) this.owner.rested();
  }

  /** Gives the handled part of the queue back; the array itself when it is empty, as most are. */
  private compact(): void {
    if (this.size === 0) this.waiting = undefined;
    else if (this.head > HANDLED_PLACES) this.waiting = this.waiting?.slice(this.head);
    else return;
    this.head = 0;
  }
}
