/**
 * Sets a key as the latest of a map that keeps at most `limit`, and removes the oldest if there is one too many. (A `Map`
 * lists its keys in the order in which they were set.)
 */
export function keepLatest<K, V>(among: Map<K, V>, key: K, value: V, limit: number): void {
  among.delete(key);
  among.set(key, value);
  if (among.size <= limit) return;
  for (const oldest of among.keys()) if (among.delete(oldest)) return;
}
