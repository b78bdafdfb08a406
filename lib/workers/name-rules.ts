import { InvalidNameError } from '../errors/index.js';

/** Names travel in every frame and stand in logs and URLs; a kibibyte is more than any of them needs. */
const MAX_NAME_BYTES = 1024;
/** A UTF-16 unit has at most three bytes in UTF-8: shorter strings need not be measured. */
const SURELY_FITS = Math.floor(MAX_NAME_BYTES / 3);
/** Control characters, and halves of surrogate pairs: `u` takes whole pairs for the one character that they are. */
const REFUSED_CHARACTER = /[\p{Cc}\p{Cs}]/u;
const CONTROL_CHARACTER = /\p{Cc}/u;
/** Shorter ones are looked through by a loop, which costs less: two names are in each message. */
const LOOPED = 32;

/**
 * What is wrong with a name, worker type, pattern or group, as the end of a sentence; `undefined` if nothing is. They
 * are non-empty strings of at most 1 KiB in UTF-8 without control characters, and without half of a character: UTF-8 has
 * none, so other nodes would know the same worker by another name, and no two copies of the registry were ever equal.
 */
export function nameFault(value: unknown): string | undefined {
  if (typeof value !== 'string') {
    return `must be a string, not ${value === null ? 'null' : Array.isArray(value) ? 'an array' : typeof value}`;
  }
  if (value === '') return 'must not be empty';
  if (isPlain(value)) return undefined;
  if (value.length > SURELY_FITS && Buffer.byteLength(value) > MAX_NAME_BYTES) {
    return `must have at most ${MAX_NAME_BYTES} bytes, not ${Buffer.byteLength(value)}`;
  }
  if (!REFUSED_CHARACTER.test(value)) return undefined;
  const what = CONTROL_CHARACTER.test(value) ? 'control characters' : 'half a surrogate pair';
  return `must not hold ${what}: ${JSON.stringify(value)}`;
}

/** Whether it is surely a name: short, and printable ASCII, as nearly all are. */
function isPlain(value: string): boolean {
  if (value.length > LOOPED) return false;
  for (let index = 0; index < value.length; index += 1) {
    const unit = value.charCodeAt(index);
    if (unit < 0x20 || unit > 0x7e) return false;
  }
  return true;
}

/**
 * @param what how the value is called in the error, as `the group`
 * @throws InvalidNameError
 */
export function assertName(what: string, value: unknown): asserts value is string {
  const fault = nameFault(value);
  if (fault !== undefined) throw new InvalidNameError(what, fault);
}
