/**
 * What a worker knows of itself. A class, so that it may stand in decorated signatures; made by the swarm only.
 */
export abstract class WorkerContext {
  /** The name it is registered under. */
  abstract readonly name: string;
  /** Id of the node it runs on. */
  abstract readonly node: string;
  /**
   * Rises with every activation of the name; hand it to a database to refuse an outdated writer. It also rises when the
   * worker was to move and stays, so read it here each time instead of keeping it.
   */
  abstract readonly fence: number;
  /** Aborted when this activation ends, for whatever reason; also when it moves to another node. */
  abstract readonly signal: AbortSignal;
  /**
   * Joins a group; resolves when this node's next `publish` will reach the worker.
   *
   * @throws InvalidNameError, NodeUnavailableError when another activation of the name may be at work
   */
  abstract join(group: string): Promise<void>;
  /** Leaves a group. Throws as `join`. */
  abstract leave(group: string): Promise<void>;
  /**
   * Says that the worker cannot go on: it handles nothing more, `@OnHandoff('die')` gets `'failed'`, and what happens
   * then is up to its type's `restart`: by default it is started anew, without its state, after a pause; messages wait
   * for it. For what is found out outside of a message, as a lost connection; an error that a handler throws goes to its
   * caller, and the worker lives on.
   *
   * Never throws; does nothing when this activation has ended. Under a strategy with a quorum it takes effect when there
   * is a lease, and a worker that is stopped for want of one starts anew elsewhere all the same. A worker that is being
   * started does better to throw out of `onWorkerStart`: here it takes effect when it has started.
   *
   * After the abnormal exits of Erlang's processes.
   *
   * @param error the reason, for the log and the `worker-failed` event; anything else than an `Error` is wrapped in one
   */
  abstract fail(error: Error): void;
  /**
   * Ends the worker for good, whatever its type's `restart` says: `@OnHandoff('die')` gets `'stopped'` after the handler
   * that runs, and the name is free. As `SwarmRegistry.unregister`, said by the worker itself; what was still waiting
   * for it is answered with `WorkerNotFoundError`.
   *
   * Never throws; does nothing when this activation has ended. Waits for a lease as `fail` does.
   */
  abstract stop(): void;
}
