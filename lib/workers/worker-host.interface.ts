import type { SwarmError } from '../errors/index.js';
import type { DieReason, WorkerDefinition } from './worker-definition.interface.js';

/** The content of a message: bytes that came over a link, or a value that was copied for a worker of this node. */
export type Body = { readonly bytes: Uint8Array } | { readonly value: unknown };

/** A message for a worker of this node. */
export interface Delivery {
  readonly kind: 'call' | 'cast' | 'publish';
  readonly pattern: string;
  readonly body: Body;
  /** Id of the node it comes from. */
  readonly from: string;
  /** Names of the workers that wait for this call, outermost first. */
  readonly chain: readonly string[];
  /** Monotonic time of the runtime after which nobody waits for the answer; `Infinity` if none does. */
  readonly deadline: number;
  /** Called exactly once, later or at once. */
  reply(error: SwarmError | undefined, value: unknown): void;
}

/** What a worker is started from. */
export interface ActivationSpec {
  readonly name: string;
  readonly type: string;
  /** Encoded start arguments. */
  readonly args: Uint8Array | null;
  readonly fence: number;
  /** `registerLocal`: the user's object and how it is reached, instead of a new instance of `type`. */
  readonly pinned?: { readonly definition: WorkerDefinition; readonly instance: object };
}

/** What workers need of their node. */
export interface WorkerServices {
  readonly node: string;
  joinGroup(group: string, name: string): Promise<void>;
  leaveGroup(group: string, name: string): Promise<void>;
}

/**
 * What the kernel knows of the workers of its node: start one, hand it a message, stop it. Behind it are the
 * mailboxes and, in an application, Nest's injector.
 */
export interface WorkerHost {
  /** Called once, before anything else, when the node's id is known. */
  attach(services: WorkerServices): void;
  /** Types that can be started here. */
  readonly types: readonly string[];
  /** Builds the worker and runs `onWorkerStart`; rejects with what that threw. `stop` during it abandons the start. */
  start(spec: ActivationSpec): Promise<void>;
  /** Queues a message for a started worker. */
  deliver(name: string, delivery: Delivery): void;
  /** Ends a worker: nothing more is dispatched, waiting messages are answered by an error, `die` runs. */
  stop(name: string, reason: DieReason): Promise<void>;
  /** How many messages wait, per worker that has any. */
  inspect(): { readonly workers: number; readonly waiting: number };
}
