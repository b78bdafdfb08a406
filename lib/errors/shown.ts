import { types } from 'node:util';
import { cut } from './cut.js';
import { INDESCRIBABLE } from './thrown.js';

/** Most characters of a value that are shown: what was pasted by mistake may be anything. */
const SHOWN_CHARACTERS = 64;

/**
 * A value that somebody gave and that is not what it must be, for the message that says so: short, and on one line. Never
 * throws, whatever is handed in.
 */
export function shown(value: unknown): string {
  try {
    return typeof value === 'string' ? quoted(value) : cut(described(value), SHOWN_CHARACTERS);
  } catch {
    return INDESCRIBABLE;
  }
}

function quoted(text: string): string {
  return JSON.stringify(cut(text, SHOWN_CHARACTERS));
}

function described(value: unknown): string {
  if (typeof value === 'function') return `the function ${value.name || '(anonymous)'}`;
  if (Array.isArray(value)) return 'an array';
  if (types.isRegExp(value)) return String(value);
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}
