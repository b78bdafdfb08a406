/** A promise, and what settles it. */
export interface Settleable<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (error: Error) => void;
}

let resolveLast: (value: never) => void;
let rejectLast: (error: Error) => void;

/** One for all promises: the constructor calls it before it returns. */
function keep(resolve: (value: never) => void, reject: (error: Error) => void): void {
  resolveLast = resolve;
  rejectLast = reject;
}

/**
 * As `Promise.withResolvers`, which Node 20 has not. For where a promise is made for each message: there a function of its
 * own, which holds what is around it and is run once, is a tenth of what a call on the same node takes.
 */
export function settleable<T>(): Settleable<T> {
  const promise = new Promise<T>(
    keep as (resolve: (value: T) => void, reject: (error: Error) => void) => void,
  );
  return { promise, resolve: resolveLast as (value: T) => void, reject: rejectLast };
}
