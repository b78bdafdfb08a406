/** A promise, and what settles it. */
export interface Settleable<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (error: Error) => void;
}

let resolveLast: (value: never) => void;
let rejectLast: (error: Error) => void;

/** Shared by all promises: their constructor calls it before it returns. */
function keep(resolve: (value: never) => void, reject: (error: Error) => void): void {
  resolveLast = resolve;
  rejectLast = reject;
}

/**
 * As `Promise.withResolvers`, which Node.js 20 does not have. For promises that are made for each message: a closure for each
 * would be a tenth of the cost of a call on the same node.
 */
export function settleable<T>(): Settleable<T> {
  const promise = new Promise<T>(
    keep as (resolve: (value: T) => void, reject: (error: Error) => void) => void,
  );
  return { promise, resolve: resolveLast as (value: T) => void, reject: rejectLast };
}
