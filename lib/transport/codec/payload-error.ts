import { isForbiddenKey } from './payload-tag.js';

/** What travels of an error. Its stack does not: it would tell the caller how the other node is built. */
export interface ErrorContent {
  readonly name: string;
  readonly message: string;
  /** `code` and the own enumerable fields that are simple values. */
  readonly fields: ReadonlyArray<readonly [key: string, value: unknown]>;
}

const NOT_FIELDS: ReadonlySet<string> = new Set(['name', 'message', 'stack', 'code']);

/** Takes apart. */
export function contentOf(error: Error): ErrorContent {
  const fields: Array<readonly [string, unknown]> = [];
  const { code } = error as { code?: unknown };
  if (typeof code === 'string' || typeof code === 'number') fields.push(['code', code]);
  for (const key of Object.keys(error)) {
    if (NOT_FIELDS.has(key) || isForbiddenKey(key)) continue;
    const value = (error as unknown as Record<string, unknown>)[key];
    if (isSimple(value)) fields.push([key, value]);
  }
  return { name: String(error.name), message: String(error.message), fields };
}

/** Puts together: always a plain `Error`, whose `stack` is its name and message alone. */
export function errorFrom(name: string, message: string, fields: ErrorContent['fields']): Error {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  const error = new Error(message);
  Error.stackTraceLimit = limit;
  if (name !== 'Error') {
    Object.defineProperty(error, 'name', { value: name, writable: true, configurable: true });
    error.stack = message === '' ? name : `${name}: ${message}`;
  }
  for (const [key, value] of fields) {
    if (!NOT_FIELDS.has(key) || key === 'code') (error as unknown as Record<string, unknown>)[key] = value;
  }
  return error;
}

function isSimple(value: unknown): boolean {
  return (
    value === null || (typeof value !== 'object' && typeof value !== 'function' && typeof value !== 'symbol')
  );
}
