import type { SwarmError } from '../errors/index.js';
import type { DieReason, WorkerDefinition } from './worker-definition.interface.js';

/**
 * The content of a message: bytes that came over a link, or a value that was copied for a worker of this node. `isOwn`:
 * the bytes are read by nobody else, so that what is made of them may share their memory.
 */
export type Body = { readonly bytes: Uint8Array; readonly isOwn?: boolean } | { readonly value: unknown };

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
  /** How long its caller waits in all, in milliseconds, for the error when that is over. */
  readonly timeoutMs?: number;
  /**
   * Called exactly once, later or at once. Without an error `answer` is what the handler gave, if anybody asked.
   * `goodUntil`: monotonic time of the runtime until which the outcome holds, because the worker runs under a lease;
   * without it, for ever.
   */
  reply(error: SwarmError | undefined, answer: Body | undefined, goodUntil?: number): void;
}

/** What a worker is started from. */
export interface ActivationSpec {
  readonly name: string;
  readonly type: string;
  /** Encoded start arguments. */
  readonly args: Uint8Array | null;
  readonly fence: number;
  /** Encoded state that the worker brings along from another node: `@OnHandoff('end')` gets it after `onWorkerStart`. */
  readonly state?: Uint8Array;
  /** `registerLocal`: the user's object and how it is reached, instead of a new instance of `type`. */
  readonly pinned?: { readonly definition: WorkerDefinition; readonly instance: object };
}

/** What workers need of their node. */
export interface WorkerServices {
  readonly node: string;
  /** How long a lease is good after it was asked for, in milliseconds. */
  readonly leaseMs: number;
  /** Has this node acknowledged by the others now, so that its leases end later. */
  renewLeases(): void;
  joinGroup(group: string, name: string): Promise<void>;
  leaveGroup(group: string, name: string): Promise<void>;
  /** `ctx.fail(error)` of the activation with that fence. */
  failed(name: string, fence: number, error: Error): void;
  /** `ctx.stop()` of the activation with that fence. */
  stopped(name: string, fence: number): void;
}

/** What a worker that is to move says. */
export type HandoffAnswer =
  { readonly kind: 'resume'; readonly state: Uint8Array } | { readonly kind: 'restart' | 'ignore' };

/** A worker that handles nothing any more. */
export interface EndedWorker {
  /** Messages that were queued, in the order of arrival. Whoever ended the worker must see to each `reply`. */
  readonly waiting: readonly Delivery[];
  /** Resolves when the last handler, and then `die`, has ended, or has had its time; `undefined` if that is so already. */
  readonly ended: Promise<void> | undefined;
}

/**
 * What the kernel knows of the workers of its node: start one, hand it a message, move it, end it. Behind it are the
 * mailboxes and, in an application, Nest's injector.
 */
export interface WorkerHost {
  /** Called once, before anything else, when the node's id is known. */
  attach(services: WorkerServices): void;
  /** Types that can be started here: the application has the class, and the node carries the labels it asks for. */
  readonly types: readonly string[];
  /** What the application says of a type, also of one whose labels this node does not carry. */
  definition(type: string): WorkerDefinition | undefined;
  /**
   * Builds the worker, runs `onWorkerStart` and, when it brings state along, `@OnHandoff('end')`; rejects with what
   * those threw (a class without `@OnHandoff('end')` cannot take state, and none is lost in silence). Waits for an
   * earlier worker of the name to end. What was opened by a start that fails after `onWorkerStart` is closed by `die`.
   * `end` during it abandons the start. Messages that come meanwhile are handled when it has ended well.
   * It has ended well already when nothing is returned: of most workers nothing has to be waited for.
   */
  start(spec: ActivationSpec): Promise<void> | void;
  /** Whether a worker of the name is here, starting or started, and has not ended. */
  has(name: string): boolean;
  /**
   * Queues a message for a started worker. One that has ended refuses it: with `WorkerNotFoundError` if its name has ended
   * with it, else with `NodeUnavailableError`.
   */
  deliver(name: string, delivery: Delivery): void;
  /**
   * Dispatches nothing more to a worker until `resume`; messages still queue. Resolves with true when none of its
   * methods runs any more, with false when one still does after `timeoutMs` (then it is paused all the same), and with
   * false at once when it is resumed, has ended, or is not here. Twice is the same as once. What needs not be waited for is
   * returned as it is: of most workers nothing runs when they move.
   */
  pause(name: string, timeoutMs: number): boolean | Promise<boolean>;
  /** Goes on with a worker, paused or not. `fence`: `ctx.fence` from now on, if its row has another one by now. */
  resume(name: string, fence?: number): void;
  /**
   * Asks a paused worker what is to become of it: `@OnHandoff('begin')`, or `restart` if its class has none, or
   * `ignore` for an object of the user. Rejects with what that threw, with `TypeError` for an answer that is no
   * decision, with `UnserializableError` or `PayloadTooLargeError` for a state that cannot travel, with
   * `OperationTimeoutError` after `timeoutMs`, with `WorkerNotFoundError` or `NodeUnavailableError` when the worker ends.
   * Of a method that waits for nothing the answer is returned as it is.
   */
  begin(name: string, timeoutMs: number): HandoffAnswer | Promise<HandoffAnswer>;
  /**
   * Gives a running worker the state of an activation that gave way to it, between two messages; not when it is paused
   * from outside, or is before that has come to be: its state may be on its way already. Resolves at once if its class has
   * no `@OnHandoff('conflict')`, and for an object of the user. The worker has the state also when this rejects with what the method threw, or with
   * `OperationTimeoutError` (messages go on then). It has not when it rejects with `NoTurnError`, a kind of that, or
   * with `WorkerNotFoundError` or `NodeUnavailableError` because the worker has ended: offer it again.
   */
  merge(name: string, state: Uint8Array, timeoutMs: number): Promise<void>;
  /**
   * Ends a worker, started or not: nothing more is dispatched, `ctx.signal` is aborted, `die` runs. What still waits
   * for `pause`, `begin` or `merge` of it is told at once. A second `end` gives the promise of the first. `endsName`: its
   * registration ends with it, so that nobody goes on with its name; so it is at least of one that is unregistered.
   */
  end(name: string, reason: DieReason, endsName?: boolean): EndedWorker;
  /** Resolves when every worker that has ended by now is done with it, or has had its time. */
  ended(): Promise<void>;
  /**
   * Until when workers of a type may begin messages, as a monotonic time of the runtime: `Infinity` for ever (so it is
   * at first), `-Infinity` not at all. Read before each message, so that a process which was stopped begins none when it
   * wakes. While they may not, messages queue; they go on when a later time is given. `underLease`: what their handlers
   * have done does not count afterwards either: their outcomes carry the time, and one that comes later is replaced by
   * `NodeUnavailableError`, and what they send and register then is refused. Objects of the user (`registerLocal`) always
   * may: they are bound to this process. May be called before `attach`.
   */
  allowUntil(type: string, until: number, underLease: boolean): void;
  /** How many workers are here, and how many messages wait for them together. */
  inspect(): { readonly workers: number; readonly waiting: number };
}
