/** How many names, and how many notes of each, are kept at most. */
const NAMES_KEPT = 4_096;
const NOTES_KEPT = 10;
/** So many are dropped together: to drop one, a map is walked past all that was dropped before. */
const NAMES_DROPPED = 512;

export interface PlacementNote {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly what: string;
}

/** What happened to names lately, for `explain()`: the names noted last, the latest notes of each. */
export class PlacementHistory {
  private readonly byName = new Map<string, PlacementNote[]>();

  constructor(private readonly wallClock: () => number) {}

  note(name: string, what: string): void {
    const note = { at: Math.floor(this.wallClock()), what };
    const notes = this.byName.get(name);
    if (notes) {
      notes.push(note);
      if (notes.length > NOTES_KEPT) notes.shift();
      this.byName.delete(name);
    }
    this.byName.set(name, notes ?? [note]);
    if (this.byName.size <= NAMES_KEPT) return;
    for (const oldest of this.byName.keys()) {
      if (this.byName.size <= NAMES_KEPT - NAMES_DROPPED) return;
      this.byName.delete(oldest);
    }
  }

  /** Oldest first. */
  of(name: string): readonly PlacementNote[] {
    return [...(this.byName.get(name) ?? [])];
  }
}
