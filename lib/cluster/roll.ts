import { HASH_SEED, hashString, hashWord, mixed } from '../runtime/string-hash.js';
import type { NodeInfo } from '../transport/node-info.js';

/** So many of the upper bits: with the lower ones, a whole number that a double holds. */
const HIGH_MASK = 0x1f_ffff;
const TWO_32 = 2 ** 32;

/**
 * The digest of a list of nodes: the XOR of their hashes, 53 bits of id and incarnation, so that it is the same in
 * whatever order they came, and changed by one step for each that comes or goes. Two lists that differ have the same by
 * chance only; nobody is guarded against who would make such.
 */
export class RollDigest {
  private low = 0;
  private high = 0;

  /** Below 2 ** 53. */
  get value(): number {
    return (this.high & HIGH_MASK) * TWO_32 + (this.low >>> 0);
  }

  /** Adds one that is not in the list, or takes out one that is. */
  toggle({ id, incarnation }: NodeInfo): void {
    const stamp = hashWord(hashWord(HASH_SEED, incarnation >>> 0), (incarnation / TWO_32) >>> 0);
    this.low ^= mixed(hashString(stamp, id));
    this.high ^= mixed(hashBackwards(stamp, id));
  }
}

/** Not the same texts collide as in `hashString`. */
function hashBackwards(seed: number, text: string): number {
  let hash = seed;
  for (let i = text.length - 1; i >= 0; i--) hash = hashWord(hash, text.charCodeAt(i));
  return hash;
}
