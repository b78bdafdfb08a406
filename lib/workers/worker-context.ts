/**
 * What a worker knows of itself. A class, so that it may stand in decorated signatures; made by the swarm only.
 */
export abstract class WorkerContext {
  /** The name it is registered under. */
  abstract readonly name: string;
  /** Id of the node it runs on. */
  abstract readonly node: string;
  /** Rises with every activation of the name. Hand it to a database to refuse an outdated writer. */
  abstract readonly fence: number;
  /** Aborted when this activation ends. */
  abstract readonly signal: AbortSignal;
  /** Joins a group; resolves when this node's next `publish` will reach the worker. */
  abstract join(group: string): Promise<void>;
  /** Leaves a group. */
  abstract leave(group: string): Promise<void>;
}
