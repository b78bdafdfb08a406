import type { WorkerContext } from './worker-context.js';

declare const kind: unique symbol;

/**
 * The context of one message, given by `@Ctx()`. A class, so that it may stand in decorated signatures; made by the
 * swarm only.
 */
export abstract class SwarmContext {
  declare private readonly [kind]: 'swarm';
  /** The worker that handles the message. */
  abstract readonly worker: WorkerContext;
  /** The pattern that the sender wrote. */
  abstract readonly pattern: string;
  /** Id of the node that the message comes from. */
  abstract readonly from: string;
  /** When the caller stops waiting, in milliseconds since the epoch; `undefined` for a cast or publish. */
  abstract readonly deadline: number | undefined;
}
