import { AsyncLocalStorage } from 'node:async_hooks';

/**
 * Names of the workers whose handlers wait for the code that runs now, outermost first. The host runs each handler
 * inside it and the services send it along, so that a worker that waits for itself is told so (A -> B -> A).
 */
export const callChain = new AsyncLocalStorage<readonly string[]>();
