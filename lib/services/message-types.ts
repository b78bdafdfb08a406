import type { Observable } from 'rxjs';
import type { SwarmContext } from '../workers/swarm-context.js';
import type { WorkerContext } from '../workers/worker-context.js';

/** Options of one call, registration or lookup. */
export interface CallOptions {
  /** Milliseconds until it fails with a timeout error; the module's option where it is not given. */
  readonly timeoutMs?: number | undefined;
}

type AnyFn = (...args: never[]) => unknown;
type IsAny<T> = 0 extends 1 & T ? true : false;
type IsUnknown<T> = IsAny<T> extends true ? true : unknown extends T ? true : false;

/** Names of the methods of `W` that a message can reach: public, not a lifecycle hook. Any string for an untyped ref. */
export type HandlerOf<W> =
  IsUnknown<W> extends true
    ? string
    : { [K in keyof W]: K extends 'onWorkerStart' ? never : W[K] extends AnyFn ? K : never }[keyof W] &
        string;

/** The parameters that carry the message: Nest's context parameter is not sent. */
type Sent<P extends readonly unknown[]> = P extends readonly [infer H, ...infer T]
  ? IsAny<H> extends true
    ? [H, ...Sent<T>]
    : H extends SwarmContext
      ? Sent<T>
      : [H, ...Sent<T>]
  : P['length'] extends 0
    ? []
    : P extends readonly [(infer H)?, ...infer T]
      ? number extends P['length']
        ? []
        : [NonNullable<H>] extends [SwarmContext]
          ? Sent<T>
          : [H?, ...Sent<T>]
      : [];

type DataArgs<P extends readonly unknown[]> = P['length'] extends 0
  ? [data?: undefined]
  : P extends readonly [infer D, ...unknown[]]
    ? IsUnknown<D> extends true
      ? [data?: D]
      : undefined extends D
        ? [data?: D]
        : [D] extends [void]
          ? [data?: undefined]
          : [data: D]
    : P extends readonly [(infer D)?, ...unknown[]]
      ? [data?: D]
      : [data?: unknown];

/** What is sent to the handler `K` of `W`: nothing, or one value of the type of its message parameter. */
export type MessageArgs<W, K> =
  IsUnknown<W> extends true
    ? [data?: unknown]
    : K extends keyof W
      ? W[K] extends (...args: infer P) => unknown
        ? DataArgs<Sent<P>>
        : never
      : never;

type Unwrap<T> = T extends Observable<infer U> ? U : T;

/** What the handler `K` of `W` answers: promises are awaited, of an Observable it is the last value. */
export type Answer<W, K> =
  IsUnknown<W> extends true
    ? unknown
    : K extends keyof W
      ? W[K] extends (...args: never[]) => infer R
        ? Unwrap<Awaited<R>>
        : never
      : never;

/** What `onWorkerStart` of `W` takes after its context. */
export type StartArgs<W> = W extends { onWorkerStart(ctx: WorkerContext, ...rest: infer R): unknown }
  ? R extends []
    ? undefined
    : R[0]
  : undefined;

/** What `register` takes after the class: the start arguments (left out if there are none), and options. */
export type RegisterArgs<W> =
  undefined extends StartArgs<W>
    ? [args?: StartArgs<W>, options?: CallOptions]
    : [StartArgs<W>] extends [void]
      ? [args?: undefined, options?: CallOptions]
      : IsUnknown<StartArgs<W>> extends true
        ? [args?: unknown, options?: CallOptions]
        : [args: StartArgs<W>, options?: CallOptions];
