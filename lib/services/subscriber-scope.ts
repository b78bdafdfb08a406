import { Observable } from 'rxjs';
import { callChain } from '../workers/call-chain.js';

/**
 * The stream as it is, but that what a subscriber does is done by whoever has subscribed, a worker or none. Without that it
 * would be done by the worker whose code happens to have caused the event.
 */
export function inSubscriberScope<T>(source: Observable<T>): Observable<T> {
  return new Observable((subscriber) => {
    const scope = callChain.getStore();
    return source.subscribe({
      next: (value) => callChain.run(scope, () => subscriber.next(value)),
      error: (error: unknown) => callChain.run(scope, () => subscriber.error(error)),
      complete: () => callChain.run(scope, () => subscriber.complete()),
    });
  });
}
