import { vi } from 'vitest';
import type { SimulatedHistory } from './histories.js';

/** A deliberate fault in the protocol, and what must notice it. */
export interface Mutation {
  /** What a node does wrong, as the end of "a node that …". */
  readonly name: string;
  /** What one of the violations found must match: the promise that the fault breaks. */
  readonly promise: RegExp;
  /** What happens to the swarm in which the fault is looked for. */
  readonly history: SimulatedHistory;
  /** Of the seeds that are tried; found by a search. 1 by default. */
  readonly firstSeed?: number;
  /** How many seeds it may take until the fault is noticed. */
  readonly withinSeeds: number;
  /** Plants the fault in every node that is made from now on, until `vi.restoreAllMocks()`. */
  plant(): void;
}

/** What is planted in place of a method. `original` is the method as it was. */
type Replacement<Self, Args extends readonly unknown[], Result> = (
  self: Self,
  original: (...args: Args) => Result,
  ...args: Args
) => Result;

/**
 * Plants another method in all objects of a class, also in place of a private one, until `vi.restoreAllMocks()`.
 *
 * @returns how to put the method back earlier
 * @throws if the class has no such method: the fault must move with the code that it stands for
 */
export function replaceMethod<Self, Args extends readonly unknown[], Result>(
  type: { readonly prototype: object },
  method: string,
  replacement: Replacement<Self, Args, Result>,
): () => void {
  const methods = type.prototype as Record<string, (...args: never[]) => unknown>;
  const original = methods[method];
  if (original === undefined)
    throw new TypeError(`there is no method ${method}: plant the fault where it is now`);
  const spy = vi.spyOn(methods, method).mockImplementation(function (
    this: unknown,
    ...args: never[]
  ): unknown {
    const asBefore = (...given: Args): Result => original.apply(this, given as unknown as never[]) as Result;
    return replacement(this as Self, asBefore, ...(args as unknown as Args));
  });
  return () => spy.mockRestore();
}

/** As `replaceMethod`, for a getter. */
export function replaceGetter<Self, Value>(
  type: { readonly prototype: object },
  name: string,
  replacement: (self: Self, original: () => Value) => Value,
): void {
  const getters = type.prototype as Record<string, unknown>;
  const original = Object.getOwnPropertyDescriptor(getters, name)?.get;
  if (original === undefined)
    throw new TypeError(`there is no getter ${name}: plant the fault where it is now`);
  vi.spyOn(getters, name, 'get').mockImplementation(function (this: unknown): Value {
    return replacement(this as Self, () => original.call(this) as Value);
  });
}

/** As `replaceMethod`, for a function that a module exports, where other modules call it. */
export function replaceFunction<Args extends readonly unknown[], Result>(
  module: object,
  name: string,
  replacement: (original: (...args: Args) => Result, ...args: Args) => Result,
): void {
  const functions = module as Record<string, (...args: never[]) => unknown>;
  const original = functions[name] as ((...args: Args) => Result) | undefined;
  if (original === undefined)
    throw new TypeError(`there is no function ${name}: plant the fault where it is now`);
  vi.spyOn(functions, name).mockImplementation((...args: never[]) =>
    replacement(original, ...(args as unknown as Args)),
  );
}
