// What somebody threw, as words for messages and logs. Anything may be thrown: what has no text, what throws again when
// it is looked at, and what has more text than anybody reads. Nothing here throws, and what it gives is bounded.
import { cut } from './cut.js';

/** Stands for what has no text. */
export const INDESCRIBABLE = 'something that cannot be described';
/** Most characters of a message. Some tools explain themselves over a page; nobody reads more. */
const MESSAGE_CHARS = 4_000;
/** Most characters of a stack, with the message before it. */
const STACK_CHARS = 16_000;
/** Most characters of an object that is no error. */
const OBJECT_CHARS = 200;
/** An object with more values than this is not put in words: it would take longer than its first characters are worth. */
const OBJECT_VALUES = 10_000;

export interface ErrorLike {
  readonly message: unknown;
  readonly stack?: unknown;
}

/**
 * What was thrown, in words: the message of an error, or its code or name if it has none, and of another object its
 * `message` or its content. Of at most 4,000 characters.
 */
export function messageOf(thrown: unknown): string {
  return inWords(() => cut(textOf(thrown), MESSAGE_CHARS));
}

/** As `messageOf`, with the name of an error before it, and a string in quotes. */
export function namedMessageOf(thrown: unknown): string {
  return inWords(() => {
    if (typeof thrown === 'string') return JSON.stringify(messageOf(thrown));
    return isErrorLike(thrown)
      ? cut(`${nameOf(thrown)}: ${textOf(thrown)}`, MESSAGE_CHARS)
      : messageOf(thrown);
  });
}

/** As `messageOf`, or the stack of an error, of at most 16,000 characters. */
export function stackOf(thrown: unknown): string {
  return inWords(() => {
    const stack = isErrorLike(thrown) ? thrown.stack : undefined;
    return typeof stack === 'string' && stack !== '' ? cut(stack, STACK_CHARS) : messageOf(thrown);
  });
}

/**
 * What was thrown itself, for who hands it on; or, if it cannot be looked at without harm, an error that says so. Those
 * who get it need not be careful.
 */
export function soundThrown(thrown: unknown): unknown {
  try {
    if (!isErrorLike(thrown)) return thrown;
    const texts: unknown[] = [(thrown as { name?: unknown }).name, thrown.message, thrown.stack ?? ''];
    return texts.some((text) => typeof text === 'symbol') ? unsound() : thrown;
  } catch {
    return unsound();
  }
}

/** Also errors of another realm (a vm context, a jest sandbox), which are not `instanceof Error`. May throw. */
export function isErrorLike(value: unknown): value is ErrorLike {
  return value instanceof Error || Object.prototype.toString.call(value) === '[object Error]';
}

/** How what was thrown calls itself: many classes of errors leave `name` at 'Error', their own name says more. May throw. */
export function nameOf(thrown: object): string {
  const own: unknown = (thrown as { name?: unknown }).name;
  if (typeof own === 'string' && own !== '' && own !== 'Error') return own;
  const constructorName: unknown = (thrown.constructor as { name?: unknown } | undefined)?.name;
  return typeof constructorName === 'string' && constructorName !== '' ? constructorName : 'Error';
}

function unsound(): Error {
  return new Error(`${INDESCRIBABLE} was thrown`);
}

function inWords(text: () => string): string {
  try {
    return text();
  } catch {
    return INDESCRIBABLE;
  }
}

function textOf(thrown: unknown): string {
  if (thrown === null || (typeof thrown !== 'object' && typeof thrown !== 'function')) return String(thrown);
  if (!isErrorLike(thrown)) return textOfObject(thrown);
  // Node gives those of a connection that was tried under several addresses a code only.
  return String(thrown.message) || codeOf(thrown) || nameOf(thrown);
}

function codeOf(error: object): string {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code : '';
}

function textOfObject(thrown: object): string {
  const { message } = thrown as { message?: unknown };
  if (typeof message === 'string') return message;
  return cut(jsonOf(thrown) ?? Object.prototype.toString.call(thrown), OBJECT_CHARS);
}

function jsonOf(value: object): string | undefined {
  let left = OBJECT_VALUES;
  try {
    return JSON.stringify(value, (_, item: unknown) => {
      if (left-- === 0) throw new RangeError('too many values');
      return typeof item === 'string' ? cut(item, OBJECT_CHARS) : item;
    });
  } catch {
    return undefined;
  }
}
