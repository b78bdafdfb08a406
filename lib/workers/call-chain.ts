import { AsyncLocalStorage } from 'node:async_hooks';
import type { Act } from './standing.js';

/** The activation whose code runs. */
export interface Actor {
  readonly name: string;
  /** @throws NodeUnavailableError if nothing that it does counts in the swarm any more, because another one may be at work */
  assertMayAct(act: Act, isDying: boolean): void;
}

/** Whose code runs, and who waits for it. Made for each message, so it holds what is there already. */
export class CallScope {
  constructor(
    private readonly callers: readonly string[],
    private readonly actor: Actor,
    /** The code is `@OnHandoff('die')`. */
    private readonly isDying = false,
  ) {}

  /** Names of the workers whose handlers wait for what this code sends, outermost first. */
  get names(): readonly string[] {
    return [...this.callers, this.actor.name];
  }

  assertMayAct(act: Act): void {
    this.actor.assertMayAct(act, this.isDying);
  }
}

/**
 * The scope of the code that runs now, `undefined` outside of workers. The host runs all methods of workers inside it.
 * The services send its names along, so that a worker that waits for itself is told so (A -> B -> A), and refuse what
 * must have no effect. Timers and streams take it along: what a worker has begun is the worker's.
 */
export const callChain = new AsyncLocalStorage<CallScope | undefined>();

/**
 * Of code outside of workers nothing is asked.
 *
 * @throws NodeUnavailableError if the worker whose code runs now may have no effect in the swarm any more
 */
export function assertMayAct(act: Act): void {
  callChain.getStore()?.assertMayAct(act);
}
