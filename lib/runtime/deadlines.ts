// Ends what has a deadline, at its deadline. Nearly all of it ends before: a call has seconds and is answered within a
// millisecond, so what counts is what a deadline costs that never comes. A timer of the runtime for each would cost more
// than all else that a call on the same node takes.
//
// A hashed timing wheel (Varghese, Lauck: "Hashed and Hierarchical Timing Wheels", SOSP 1987): what is due in the same
// slot of time is in one list, which has one timer, and is entered and left without a search. What is still there when
// the slot begins gets a timer of its own, so that nothing ends early or late.
import { enter, type InRing, leave, Ring } from './ring.js';
import type { Runtime, Timer } from './runtime.interface.js';

/** Long enough that thousands of calls share one, short enough that few are left when it begins. */
const SLOT_MS = 32;

/**
 * Something that ends at its deadline, unless that is cleared before. What it is made of is changed by `Deadlines` only. No
 * class to be derived from: each call makes one or two, and a constructor above theirs costs more than the rest of them.
 */
export interface Deadline extends InRing {
  timer: Timer | undefined;
  /** Infinity at first. */
  at: number;

  /** The time has come; it is cleared already. */
  due(): void;
}

/** Runs a task when its time has come. */
export class DueTask implements Deadline {
  previous: InRing | undefined;
  next: InRing | undefined;
  timer: Timer | undefined;
  at = Infinity;

  constructor(readonly due: () => void) {}
}

type Slot = Ring<Deadline>;

export class Deadlines {
  private readonly slots = new Map<number, Slot>();
  /** Those with a timer of their own. */
  private readonly soon: Slot = new Ring();
  /** The slot that was entered last: most of what follows is due in the same. */
  private latest: Slot = new Ring();
  private latestNumber = NaN;

  private count = 0;

  constructor(private readonly runtime: Runtime) {}

  /** How many are set. */
  get size(): number {
    return this.count;
  }

  /** `due()` is called once at `at`, monotonic; `now` is the time of the runtime. It must not be set already. */
  set(deadline: Deadline, at: number, now: number): void {
    deadline.at = at;
    const slot = Math.floor(at / SLOT_MS);
    if (slot * SLOT_MS - now < SLOT_MS) this.await(deadline, now);
    else this.enter(slot === this.latestNumber ? this.latest : this.slotOf(slot, now), deadline);
  }

  /** It ends no more; does nothing if it is not set. */
  clear(deadline: Deadline): void {
    if (!leave(deadline)) return;
    this.count -= 1;
    if (deadline.timer === undefined) return;
    deadline.timer.cancel();
    deadline.timer = undefined;
  }

  /** Those that are set now. */
  all(): Deadline[] {
    return [this.soon, ...this.slots.values()].flatMap((slot) => slot.members());
  }

  private slotOf(number: number, now: number): Slot {
    let slot = this.slots.get(number);
    if (slot === undefined) {
      slot = new Ring();
      this.slots.set(number, slot);
      this.runtime.after(number * SLOT_MS - now, () => this.begin(number));
    }
    this.latest = slot;
    this.latestNumber = number;
    return slot;
  }

  private begin(number: number): void {
    const slot = this.slots.get(number);
    this.slots.delete(number);
    if (number === this.latestNumber) this.latestNumber = NaN;
    const now = this.runtime.now();
    for (const deadline of slot?.members() ?? []) {
      this.clear(deadline);
      this.await(deadline, now);
    }
  }

  private enter(slot: Slot, deadline: Deadline): void {
    this.count += 1;
    enter(slot, deadline);
  }

  private await(deadline: Deadline, now: number): void {
    this.enter(this.soon, deadline);
    deadline.timer = this.runtime.after(Math.max(0, deadline.at - now), () => {
      this.clear(deadline);
      deadline.due();
    });
  }
}
