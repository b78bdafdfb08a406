import type { SwarmContext } from './swarm-context.js';
import type { WorkerContext } from './worker-context.js';

/** Why a worker ends; `@OnHandoff('die')` gets it. */
export const DieReason = {
  /** Its node is shutting down. */
  stopped: 'stopped',
  /** `unregister` was called. */
  unregistered: 'unregistered',
  /** The name runs on another node too, and that one is older. */
  conflict: 'conflict',
} as const;
export type DieReason = keyof typeof DieReason;

/** A method that messages reach, compiled once per class and method: enhancers, parameters and answer included. */
export interface HandlerEntry {
  /** `message` answers calls; `event` takes casts and publishes only. Casts and publishes reach both. */
  readonly accepts: 'message' | 'event';
  /** Runs the handler on one instance. Throws or rejects with what the handler threw; Observables are settled. */
  invoke(instance: object, payload: unknown, context: SwarmContext): unknown;
}

/** What the worker host must know of a worker class. Made by the explorer from decorators, or by hand in tests. */
export interface WorkerDefinition {
  readonly type: string;
  /** How many messages one worker handles at a time, 1 by default. */
  readonly concurrency: number;
  /** Most messages that wait for one worker; the node's option when `undefined`. */
  readonly mailboxLimit: number | undefined;
  /** A new instance with its dependencies. Not called for instances that the user made (`registerLocal`). */
  create(): object | Promise<object>;
  /** `onWorkerStart`, when the class has one. */
  start?(instance: object, context: WorkerContext, args: unknown): unknown;
  /** `@OnHandoff('die')`, when the class has one. */
  die?(instance: object, reason: DieReason): unknown;
  /** By pattern or by method name. */
  handler(pattern: string): HandlerEntry | undefined;
}
