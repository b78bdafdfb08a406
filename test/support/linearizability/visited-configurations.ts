/** Most sets of unanswered operations that are kept beside one state: more take longer to compare than to search again. */
const KEPT = 64;

/**
 * The configurations that a search has been to. Of two with the same answered operations and the same state the one that
 * has taken less of what was never answered can do all that the other can: it may still take the same, and needs nothing
 * of it. So a configuration is known, too, when it has only taken more for nothing.
 */
export class VisitedConfigurations {
  /** By answered operations and state: how many of each kind were taken of those that were never answered. */
  private readonly leastTaken = new Map<string, Array<readonly number[]>>();
  private added = 0;

  get size(): number {
    return this.added;
  }

  has(key: string, taken: readonly number[]): boolean {
    return this.leastTaken.get(key)?.some((less) => isWithin(less, taken)) === true;
  }

  /** Must not be known yet. */
  add(key: string, taken: readonly number[]): void {
    this.added++;
    const others = this.leastTaken.get(key)?.filter((more) => !isWithin(taken, more)) ?? [];
    if (others.length < KEPT) others.push([...taken]);
    this.leastTaken.set(key, others);
  }
}

function isWithin(less: readonly number[], more: readonly number[]): boolean {
  return less.every((count, kind) => count <= more[kind]!);
}
