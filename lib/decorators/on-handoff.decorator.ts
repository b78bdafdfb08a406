import type { HandoffDecision } from '../workers/handoff-decision.js';
import type { DieReason } from '../workers/worker-definition.interface.js';
import { HANDOFF_METADATA } from '../workers/worker-metadata.js';

/** What the method of each phase looks like. `never`: the state is what the class itself gave to `resume`. */
interface HandoffMethod {
  begin: () => HandoffDecision<unknown> | Promise<HandoffDecision<unknown>>;
  end: (state: never) => unknown;
  conflict: (state: never) => unknown;
  die: (reason: DieReason) => unknown;
}

/**
 * Marks the method that is called at one phase of a worker's life. At most one method per phase; one method may serve
 * several. It may be async, and is not reached by messages. Each phase has as long as the module's `handoff.timeoutMs`
 * (`die`: 5 seconds); `registerLocal` objects never move, so none is called on them.
 *
 * - `'begin'`: the worker is to move, because the nodes changed, or it gives way to an older activation of its name. No
 *   message is being handled, and none will be before the decision; new ones wait. Return `resume(state)`, `restart()`
 *   or `ignore()`. A class without this method starts anew elsewhere, as by `restart()`. If it throws, takes too long
 *   or returns a state that cannot travel, the worker stays and goes on; that is counted, told by a `handoff-failed`
 *   event, and it is asked again when the nodes change again.
 * - `'end'`: on the node that the worker moves to, the state that `begin` gave, after `onWorkerStart` and before any
 *   message. If it throws or takes too long, or the class has no such method, the move fails: this new instance ends
 *   (`die('moved')`), and the worker goes on where it was, with all it had.
 * - `'conflict'`: after a partition the name ran on two nodes. The older activation stays and gets the state that
 *   `begin` gave on the younger one, between two messages: merge it into your own. If it throws or takes too long, that
 *   is logged, messages go on, and the younger one ends all the same.
 * - `'die'`: this activation ends, for the reason given, after the handler that runs. If it throws, that is logged; after
 *   5 seconds it is not waited for any more.
 *
 * In a move `onWorkerStart` of the new instance runs before `die` of the old one, so that nothing is lost if it fails. What
 * can be held only once in the swarm (a device, a port, a lock) is therefore given back in `begin`, and opened in `end`,
 * or with the first message that needs it, not in `onWorkerStart`. A worker whose move failed after its `begin` goes on
 * without another call: let it open such a thing again when it next needs it.
 *
 * After Elixir's swarm, whose processes get `{:swarm, :begin_handoff}`, `{:swarm, :end_handoff, state}`,
 * `{:swarm, :resolve_conflict, state}` and `{:swarm, :die}`.
 *
 * @example
 * ```ts
 * @OnHandoff('begin')    pack(): HandoffDecision<number> { return resume(this.total); }
 * @OnHandoff('end')      unpack(total: number) { this.total = total; }
 * @OnHandoff('conflict') merge(total: number) { this.total = Math.max(this.total, total); }
 * @OnHandoff('die')      close(reason: DieReason) { return this.file.close(); }
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
    const method = descriptor.value as object;
    const others = (Reflect.getOwnMetadata(HANDOFF_METADATA, method) ?? []) as readonly string[];
    Reflect.defineMetadata(HANDOFF_METADATA, [phase, ...others], method);
  };
}
