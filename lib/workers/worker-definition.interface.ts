import type { DistributionStrategy } from '../distribution/strategy.interface.js';
import type { HandoffDecision } from './handoff-decision.js';
import type { RestartPolicy } from './restart-policy.js';
import type { SwarmContext } from './swarm-context.js';
import type { WorkerContext } from './worker-context.js';

/** Why a worker ends; `@OnHandoff('die')` gets it. */
export const DieReason = {
  /** It goes on elsewhere: another node has taken it over, with its state. */
  moved: 'moved',
  /** `ctx.stop()` was called, or its node ends and could not hand it off. */
  stopped: 'stopped',
  /** `unregister` was called. */
  unregistered: 'unregistered',
  /** The name runs on another node too, and that one is older; it was offered the state of this one. */
  conflict: 'conflict',
  /** Fewer nodes are there than the strategy of its type asks for. It starts anew when they are back. */
  'no-quorum': 'no-quorum',
  /** As `moved`, because its node leaves the swarm. */
  drained: 'drained',
  /** `ctx.fail(error)` was called. Whether it starts anew is up to the type's `restart`. */
  failed: 'failed',
} as const;
export type DieReason = keyof typeof DieReason;

/** A method that messages reach, compiled once per class and method: enhancers, parameters and answer included. */
export interface HandlerEntry {
  /** `message` answers calls; `event` takes casts and publishes only. Casts and publishes reach both. */
  readonly accepts: 'message' | 'event';
  /** Runs the handler on one instance. Throws or rejects with what the handler threw; Observables are settled. */
  invoke(instance: object, payload: unknown, context: SwarmContext): unknown;
}

/** When, and how often, a worker that failed is started anew. */
export interface Supervision {
  readonly restart: RestartPolicy;
  /** More failures than that within `withinMs` end a `transient` worker for good. */
  readonly maxRestarts: number;
  /** In milliseconds. */
  readonly withinMs: number;
}
export const DEFAULT_SUPERVISION: Supervision = { restart: 'transient', maxRestarts: 5, withinMs: 60_000 };

/** What the worker host must know of a worker class. Made by the explorer from decorators, or by hand in tests. */
export interface WorkerDefinition {
  readonly type: string;
  /** How many messages one worker handles at a time, 1 by default. */
  readonly concurrency: number;
  /** Most messages that wait for one worker; the node's option when `undefined`. */
  readonly mailboxLimit: number | undefined;
  /** A node hosts this type only if it carries all of these labels; every node may when `undefined`. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** Where names of this type belong; the node's strategy when `undefined`. */
  readonly strategy?: DistributionStrategy | undefined;
  /** What happens after a failure; `DEFAULT_SUPERVISION` when `undefined`. */
  readonly supervision?: Supervision | undefined;
  /** A new instance with its dependencies. Not called for instances that the user made (`registerLocal`). */
  create(): object | Promise<object>;
  /** `onWorkerStart`, when the class has one. */
  start?(instance: object, context: WorkerContext, args: unknown): unknown;
  /** `@OnHandoff('begin')`, when the class has one: asked of a worker that is to move, while it handles nothing. */
  begin?(instance: object): HandoffDecision<unknown> | Promise<HandoffDecision<unknown>>;
  /** `@OnHandoff('end')`, when the class has one: the state that `begin` gave, after `start` and before any message. */
  end?(instance: object, state: unknown): unknown;
  /** `@OnHandoff('conflict')`, when the class has one: the state of another activation that gave way to this one. */
  conflict?(instance: object, state: unknown): unknown;
  /** `@OnHandoff('die')`, when the class has one. */
  die?(instance: object, reason: DieReason): unknown;
  /** By pattern or by method name. */
  handler(pattern: string): HandlerEntry | undefined;
}
