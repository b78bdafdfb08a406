const INDESCRIBABLE = 'something was thrown that cannot be described';

/**
 * What code of the user threw, in words. Never throws itself: anything may be thrown, also what has no text, or what
 * throws again when it is looked at.
 */
export function messageOf(thrown: unknown): string {
  return inWords(thrown, ({ message }) => message);
}

/** As `messageOf`, with the stack of an error. */
export function stackOf(thrown: unknown): string {
  return inWords(thrown, ({ stack, message }) => stack ?? message);
}

/**
 * What was thrown itself, for who hands it on; or, if it cannot be looked at without harm, an error that says so. Those
 * who get it need not be careful.
 */
export function soundThrown(thrown: unknown): unknown {
  try {
    if (!(thrown instanceof Error)) return thrown;
    const texts: unknown[] = [thrown.name, thrown.message, thrown.stack ?? ''];
    return texts.some((text) => typeof text === 'symbol') ? new Error(INDESCRIBABLE) : thrown;
  } catch {
    return new Error(INDESCRIBABLE);
  }
}

function inWords(thrown: unknown, textOf: (error: Error) => unknown): string {
  try {
    return String(thrown instanceof Error ? textOf(thrown) : thrown);
  } catch {
    return INDESCRIBABLE;
  }
}
