import { isObservable, lastValueFrom } from 'rxjs';

/**
 * What the caller gets for what a handler (or a filter) returned: an Observable's last value, `undefined` for an empty
 * one; a promise's value, also when that is an Observable; everything else as it is, at once.
 */
export function settleAnswer(result: unknown): unknown {
  if (result === null || typeof result !== 'object') return result;
  if (isObservable(result)) return lastValueFrom(result, { defaultValue: undefined });
  if (isThenable(result)) return Promise.resolve(result).then(settleAnswer);
  return result;
}

function isThenable(value: object): value is PromiseLike<unknown> {
  return 'then' in value && typeof value.then === 'function';
}
