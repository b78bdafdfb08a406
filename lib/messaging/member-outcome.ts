// The outcomes of members of a group that are asked together. On each node the first answers wait for the slowest, so an
// answer that was given under a lease is dropped if the lease may be over when it reaches the asker (promise P2).
import { NodeUnavailableError, type SwarmError } from '../errors/index.js';
import type { Row } from '../tracker/row.js';
import type { Body } from '../workers/worker-host.interface.js';
import { asSwarmError } from './wire-error.js';

/** What became of one member. */
export type MemberOutcome =
  { readonly row: Row; readonly value: unknown } | { readonly row: Row; readonly error: Error };

/** What a node heard of one member. */
export interface Heard {
  readonly name: string;
  readonly error: SwarmError | undefined;
  readonly answer: Body | undefined;
  readonly goodUntil: number | undefined;
}

/** What a member came to. */
export type Outcome = { readonly value: unknown } | { readonly error: SwarmError };

/** Members that were asked together. */
export interface Asked {
  readonly rows: readonly Row[];
  /** By name. */
  readonly outcomes: ReadonlyMap<string, Outcome>;
}

export function outcomeOf(make: () => unknown): Outcome {
  try {
    return { value: make() };
  } catch (error) {
    return { error: asSwarmError(error, 'answer') };
  }
}

/** Every member that was addressed gets an outcome, also one that its node says nothing of. */
export function given({ rows, outcomes }: Asked): MemberOutcome[] {
  return rows.map((row) => {
    const { name, node } = row;
    const outcome = outcomes.get(name);
    if (!outcome) return { row, error: new NodeUnavailableError(node, `it said nothing of "${name}"`) };
    return 'error' in outcome ? { row, error: outcome.error } : { row, value: outcome.value };
  });
}

export function isExpired({ goodUntil }: Pick<Heard, 'goodUntil'>, now: number): boolean {
  return goodUntil !== undefined && now > goodUntil;
}

/** The earliest time at which one of those that hold now expires. */
export function shortest(heard: readonly Heard[], now: number): number | undefined {
  let until: number | undefined;
  for (const one of heard) {
    if (one.goodUntil === undefined || isExpired(one, now)) continue;
    until = Math.min(until ?? Infinity, one.goodUntil);
  }
  return until;
}
