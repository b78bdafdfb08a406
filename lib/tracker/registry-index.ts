// Decides which row a name shows when several nodes have one (promise P6: every node decides alike), and finds rows
// by name and by group without a scan.
import type { Row } from './row.js';

/** What follows the visible rows. */
export interface IndexListener {
  /**
   * The name's visible row, or a part of it, has changed; `undefined`: it has none any more. `isAnew` is false if the
   * visible row is the same, and only a row that it outranks is gone.
   */
  changed(name: string, row: Row | undefined, isAnew: boolean): void;
  /** A listed row is about to change or to be hidden; it is still as it was shown. */
  hiding?(row: Row): void;
  /** More than one row has the name now, and this one is not the best of them. */
  contested(name: string, row: Row): void;
}

/** All rows of all nodes by name. If several nodes have one, the best is visible and shadows the others. */
export class RegistryIndex {
  /** Visible rows that lookups and lists show. Apart from the others, so that a lookup need not inspect the row. */
  private readonly listed = new Map<string, Row>();
  /** Visible rows that lookups do not show, as claims and orphans. */
  private readonly hidden = new Map<string, Row>();
  /** Rows that another row of their name outranks. */
  private readonly shadowed = new Map<string, Row[]>();
  private readonly byGroup = new Map<string, Set<Row>>();

  constructor(private readonly listener: IndexListener) {}

  /** How many names are listed. */
  get count(): number {
    return this.listed.size;
  }

  /** The visible row of the name. */
  get(name: string): Row | undefined {
    return this.listed.get(name) ?? this.hidden.get(name);
  }

  /** The row of the name, if it is listed. */
  lookup(name: string): Row | undefined {
    return this.listed.get(name);
  }

  /** Every visible row. */
  *rows(): IterableIterator<Row> {
    yield* this.listed.values();
    yield* this.hidden.values();
  }

  /** Every row that is listed. */
  listedRows(): IterableIterator<Row> {
    return this.listed.values();
  }

  /** Every row of the name, the visible one first. */
  all(name: string): Row[] {
    const best = this.get(name);
    return best ? [best, ...(this.shadowed.get(name) ?? [])] : [];
  }

  group(group: string): Iterable<Row> {
    return this.byGroup.get(group) ?? [];
  }

  groups(): string[] {
    return [...this.byGroup.keys()];
  }

  add(row: Row): void {
    if (row.isArriving) row.isEarly = !this.hasPredecessor(row.name);
    this.insert(row);
  }

  remove(row: Row): void {
    const { name } = row;
    const others = this.shadowed.get(name);
    if (this.get(name) !== row) {
      const left = others?.filter((other) => other !== row) ?? [];
      if (left.length > 0) this.shadowed.set(name, left);
      else this.shadowed.delete(name);
      // Somebody who waits for the name may have waited for this row to go.
      if (others) this.listener.changed(name, this.get(name), false);
      return;
    }
    this.hide(row);
    if (!others) return this.listener.changed(name, undefined, true);
    this.shadowed.delete(name);
    // The best first, so that listeners are not told of others in between.
    others.sort((a, b) => (outranks(a, b) ? -1 : 1));
    for (const other of others) this.insert(other);
    return undefined;
  }

  /** A row takes the place of another of its node, without a moment in which the name is gone. */
  replace(previous: Row, row: Row): void {
    if (this.get(row.name) === previous && !this.shadowed.has(row.name)) {
      if (row.isArriving) row.isEarly = !previous.isListed;
      this.withdraw(previous);
      return this.show(row);
    }
    this.add(row);
    return this.remove(previous);
  }

  /** A row of the index is about to change by `change` in a way that may alter its rank or its groups. */
  alter(row: Row, change: () => void): void {
    const others = this.shadowed.get(row.name);
    if (this.get(row.name) === row && !others) {
      this.withdraw(row);
      change();
      return this.show(row);
    }
    this.remove(row);
    change();
    return this.insert(row);
  }

  /** A row of the index joins one group, or leaves it, by `change`; nothing happens if it has. Its rank stays. */
  changeGroup(row: Row, group: string, joins: boolean, change: () => void): void {
    if (row.groups.includes(group) === joins) return;
    const isListed = this.listed.get(row.name) === row;
    if (isListed) this.listener.hiding?.(row);
    change();
    if (isListed && joins) this.addMember(group, row);
    else if (isListed) this.removeMember(group, row);
    const visible = this.get(row.name);
    this.listener.changed(row.name, visible, visible === row);
  }

  private insert(row: Row): void {
    const best = this.get(row.name);
    if (!best) return this.show(row);
    if (outranks(row, best)) {
      this.withdraw(best);
      // What it comes from is known now.
      if (row.isHeld) best.isEarly = false;
      this.shade(best);
      return this.show(row);
    }
    return this.shade(row);
  }

  /** Whether the name is held, or was known to be let go of for what arrives. */
  private hasPredecessor(name: string): boolean {
    const best = this.get(name);
    return best !== undefined && (best.isHeld || best.isListed);
  }

  private show(row: Row): void {
    if (row.isListed) {
      this.hidden.delete(row.name);
      this.listed.set(row.name, row);
      for (const group of row.groups) this.addMember(group, row);
    } else {
      this.listed.delete(row.name);
      this.hidden.set(row.name, row);
    }
    this.listener.changed(row.name, row, true);
  }

  private hide(row: Row): void {
    this.withdraw(row);
    if (!this.hidden.delete(row.name)) this.listed.delete(row.name);
  }

  /**
   * The visible row is about to change, or to give its place to another of its name; `show` follows. It stays in its map until
   * then: a map that loses and regains a key again and again rebuilds its whole table now and then.
   */
  private withdraw(row: Row): void {
    if (this.listed.get(row.name) !== row) return;
    this.listener.hiding?.(row);
    for (const group of row.groups) this.removeMember(group, row);
  }

  private addMember(group: string, row: Row): void {
    const members = this.byGroup.get(group);
    if (members) members.add(row);
    else this.byGroup.set(group, new Set([row]));
  }

  private removeMember(group: string, row: Row): void {
    const members = this.byGroup.get(group);
    members?.delete(row);
    if (members?.size === 0) this.byGroup.delete(group);
  }

  private shade(row: Row): void {
    const others = this.shadowed.get(row.name);
    if (others) others.push(row);
    else this.shadowed.set(row.name, [row]);
    this.listener.contested(row.name, row);
  }
}

/**
 * A row that holds the name outranks one that is to get it, which outranks an orphan, which outranks a claim. Among equals
 * the newest arrival or orphan is best; otherwise the verdict of a conflict decides.
 */
function outranks(a: Row, b: Row): boolean {
  const [rankOfA, rankOfB] = [rankOf(a), rankOf(b)];
  if (rankOfA !== rankOfB) return rankOfA > rankOfB;
  if (!a.isHeld && a.fence !== b.fence && (a.orphaned || a.isArriving)) return a.fence > b.fence;
  return winsConflict(a, b);
}

function rankOf(row: Row): number {
  if (row.isHeld) return 3;
  if (row.isArriving) return 2;
  return row.orphaned ? 1 : 0;
}

/**
 * The verdict between two rows of one name on different nodes: what runs wins against what does not, which may never come
 * to run, then what is being started against what is parked, then the older activation, ties by node id. Needs no agreement
 * about anything else, so both nodes reach it alone.
 */
export function winsConflict(a: Row, b: Row): boolean {
  if (a.isRunning !== b.isRunning) return a.isRunning;
  if (a.isParked !== b.isParked) return b.isParked;
  return a.fence === b.fence ? a.node < b.node : a.fence < b.fence;
}
