import { CallTimeoutError, type SwarmError } from '../errors/index.js';
import type { NodeId } from '../transport/node-info.js';
import type { Body } from '../workers/worker-host.interface.js';

/** A message on its way to a worker, wherever it came from and wherever it goes. */
export interface Message {
  readonly kind: 'call' | 'cast';
  readonly name: string;
  readonly pattern: string;
  readonly body: Body;
  /** Node it came from first. */
  readonly from: NodeId;
  /** Names of the workers that wait for it, outermost first. */
  readonly chain: readonly string[];
  /** How often it was forwarded. */
  readonly hops: number;
  /** Monotonic; nobody waits for it afterwards. */
  readonly deadline: number;
  /** What the deadline was made from, for the error. */
  readonly timeoutMs: number;
  /** It had its place in the mailbox of a worker of this node, which does not run here any more. */
  readonly rerouted: boolean;
  /** It has waited here because it was forwarded often, and may be forwarded again. */
  readonly rested: boolean;
  /** Called exactly once, as that of a `Delivery`. For a cast only an error means anything: it was dropped. */
  reply(error: SwarmError | undefined, answer: Body | undefined, goodUntil?: number): void;
}

/** How often a message is forwarded without a pause; more means that the nodes do not agree where the worker is. */
export const MAX_HOPS = 3;

/** What a caller gets when its deadline has passed; says what is known of the reason. */
export function lateError({ kind, name, pattern, chain, timeoutMs, hops }: Message): CallTimeoutError {
  const circle = chain.includes(name) ? `it waits for itself: ${[...chain, name].join(' -> ')}` : '';
  const dispute = hops > MAX_HOPS ? `the nodes disagreed about where the worker is (${hops} hops)` : '';
  return new CallTimeoutError(`the ${kind} "${pattern}" to "${name}"`, timeoutMs, circle || dispute);
}

/** Most that a node answers before its caller gives up. */
const EARLY_MS = 100;

/**
 * How much before the caller gives up a node answers for what it has no answer to yet: a tenth of what is left, at most
 * 100 milliseconds, so that what it knows still arrives.
 */
export function earlyBy(leftMs: number): number {
  return Math.max(0, Math.min(EARLY_MS, leftMs / 10));
}
