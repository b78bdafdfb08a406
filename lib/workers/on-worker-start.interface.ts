import type { WorkerContext } from './worker-context.js';

/**
 * Implemented by a worker that has something to do before its first message.
 *
 * Called once per activation: also when the worker is started again after it failed or its node died, and on the node
 * that it moves to, before `@OnHandoff('end')` and while the old instance still stands by. It may be async, may use the
 * swarm, and may throw: then `register` rejects with `WorkerStartError` and nothing stays registered; a worker that was
 * to move stays where it is; one that was started again is so after a pause, as its type's `restart` says.
 *
 * @typeParam A what `register` must be given as start arguments; `void` for none
 */
export interface OnWorkerStart<A = void> {
  /**
   * @param ctx what the worker knows of itself; keep it to read `fence` or to join groups later
   * @param args the start arguments as they were copied when the name was registered
   */
  onWorkerStart(ctx: WorkerContext, args: A): unknown;
}
