import { Observable } from 'rxjs';
import { callChain } from '../workers/call-chain.js';

/**
 * The same stream, whose subscribers run in the scope in which they subscribed: that of a worker, or none. Otherwise what they
 * do would count as done by the worker whose code happened to cause the event.
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
