/** How much goes into one batch. */
export interface BatchLimit {
  readonly bytes: number;
  readonly items?: number;
}

/**
 * The items in batches, in order, for a frame each. Neither is larger than the limit says, except one of a single item that
 * is. One batch at least, which is empty where there is no item.
 */
export function* batched<T>(
  items: readonly T[],
  bytesOf: (item: T) => number,
  { bytes: mostBytes, items: mostItems = Infinity }: BatchLimit,
): IterableIterator<T[]> {
  let batch: T[] = [];
  let bytes = 0;
  for (const item of items) {
    const size = bytesOf(item);
    if (batch.length > 0 && (batch.length >= mostItems || bytes + size > mostBytes)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(item);
    bytes += size;
  }
  yield batch;
}
