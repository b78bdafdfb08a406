/**
 * Notes a key as the latest one of a map that keeps `limit` of them, and lets go of the one that was noted longest ago
 * where that is one too many. Maps list their keys in the order in which they came.
 */
export function keepLatest<K, V>(among: Map<K, V>, key: K, value: V, limit: number): void {
  among.delete(key);
  among.set(key, value);
  if (among.size <= limit) return;
  for (const oldest of among.keys()) if (among.delete(oldest)) return;
}
