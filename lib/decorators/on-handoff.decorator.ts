import { HANDOFF_METADATA } from '../workers/worker-metadata.js';
import type { DieReason } from '../workers/worker-definition.interface.js';

/** What the method of each phase looks like. */
interface HandoffMethod {
  die: (reason: DieReason) => unknown;
}

/**
 * Marks the method that is called at one phase of a worker's life. At most one method per phase.
 *
 * - `'die'`: the worker ends, for the reason given. Nothing is dispatched to it any more; it may be async.
 *
 * After Elixir's swarm, whose processes get `{:swarm, :die}`.
 *
 * @example
 * ```ts
 * @OnHandoff('die')
 * close(reason: DieReason) { return this.file.close(); }
 * ```
 */
export function OnHandoff<P extends keyof HandoffMethod>(
  phase: P,
): <M extends HandoffMethod[P]>(
  target: object,
  key: string | symbol,
  descriptor: TypedPropertyDescriptor<M>,
) => void {
  return (_target, _key, descriptor) => {
    Reflect.defineMetadata(HANDOFF_METADATA, phase, descriptor.value as object);
  };
}
