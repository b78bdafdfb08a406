import type { WorkerContext } from './worker-context.js';

/**
 * Implemented by a worker that has something to do before its first message.
 *
 * Called once per activation, also when the worker is started again after its node died. It may be async, may use the
 * swarm, and may throw: then `register` rejects with `WorkerStartError` and nothing stays registered.
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
