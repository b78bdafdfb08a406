// 32-bit hashes of short strings, many times faster than a digest of node:crypto: names are placed, and rows compared,
// hundreds of thousands at a time. Every node of a swarm must compute them alike.

/** To begin with; the offset basis of FNV-1a. */
export const HASH_SEED = 0x811c9dc5;

/** Goes on with a text: FNV-1a (Fowler, Noll, Vo) over its UTF-16 units, and a mark of its end. */
export function hashString(seed: number, text: string): number {
  let hash = seed;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return Math.imul(hash ^ 0xff, 0x01000193);
}

/** Goes on with 32 bits. */
export function hashWord(seed: number, word: number): number {
  return Math.imul(seed ^ word, 0x01000193);
}

/**
 * The finalizer of MurmurHash3 (Austin Appleby, public domain): every bit of the result depends on every bit that went
 * in. Without it texts that differ in their last characters would be neighbours on a ring, and the XOR of hashes of rows
 * that change alike would cancel out. Signed.
 */
export function mixed(hash: number): number {
  let mix = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  mix = Math.imul(mix ^ (mix >>> 13), 0xc2b2ae35);
  return mix ^ (mix >>> 16);
}
