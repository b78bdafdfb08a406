// What is under way and is found by its number. Why not a Map: see `ring.ts`.

/** Has a number, by which it is found while it is in the table. */
export interface HasNumber {
  readonly id: number;
}

/** Numbers are below this: the engine makes no objects of them, as it does of larger ones. */
export const NUMBERS = 2 ** 31;

/** A power of two, as all lengths of the table. */
const LEAST_PLACES = 64;

/**
 * A table, never more than half full, in which number `id` stands at `id` modulo its length. Numbers are given out one after
 * the other and such are passed over whose place is taken, so that nothing is searched for and no place is shared.
 */
export class Numbered<T extends HasNumber> {
  private places: Array<T | undefined> = empty(LEAST_PLACES);
  private count = 0;

  /** @param last the number before the first that is given out */
  constructor(private last: number) {}

  get size(): number {
    return this.count;
  }

  /** The next free number, from 0 to 2^31 - 1. */
  nextId(): number {
    if (this.count * 2 >= this.places.length) this.resize(this.places.length * 2);
    do this.last = (this.last + 1) & (NUMBERS - 1);
    while (this.places[this.placeOf(this.last)] !== undefined);
    return this.last;
  }

  /** It must have the number that was given out last. */
  add(one: T): void {
    this.places[this.placeOf(one.id)] = one;
    this.count += 1;
  }

  get(id: number): T | undefined {
    const one = this.places[this.placeOf(id)];
    return one?.id === id ? one : undefined;
  }

  /** False if it is not in the table. */
  delete(one: T): boolean {
    const at = this.placeOf(one.id);
    if (this.places[at] !== one) return false;
    this.places[at] = undefined;
    this.count -= 1;
    if (this.count === 0 && this.places.length > LEAST_PLACES) this.places = empty(LEAST_PLACES);
    return true;
  }

  /** All, in the order of their numbers. */
  values(): T[] {
    const all = this.places.filter((one) => one !== undefined);
    // They may have begun again at 0, and are never as far apart as half of all numbers.
    return all.sort((a, b) => (a.id - b.id) << 1);
  }

  /** Modulo the length. */
  private placeOf(id: number): number {
    return id & (this.places.length - 1);
  }

  /** Those that stood apart stand apart in a table of twice the length as well. */
  private resize(length: number): void {
    const { places } = this;
    this.places = empty(length);
    for (const one of places) if (one) this.places[this.placeOf(one.id)] = one;
  }
}

function empty(length: number): undefined[] {
  return Array.from({ length }, () => undefined);
}
