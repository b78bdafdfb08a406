// Carries how long an outcome of a worker under a lease holds from node to node (promise P2). Clocks of two nodes show
// different times, so it travels as a span that both sides count from the question: the one that answers from when it
// has received it, the one that asks from when it has sent it, which was before.
import { NodeUnavailableError } from '../errors/index.js';
import type { NodeId } from '../transport/node-info.js';

/** How much of a span on another node's clock has surely not passed before it has on this one: rates differ by 1 % each. */
const CLOCK_RATES = 0.98;

/** What is left of it when it leaves this node, in milliseconds after the question came; `undefined`: it holds for ever. */
export function spanOf(goodUntil: number | undefined, receivedAt: number): number | undefined {
  return goodUntil === undefined ? undefined : Math.max(0, Math.floor(goodUntil - receivedAt));
}

/** Until when it holds on the node that has sent the question at `sentAt`, by its own clock. */
export function untilHere(goodForMs: number | undefined, sentAt: number): number | undefined {
  return goodForMs === undefined ? undefined : sentAt + goodForMs * CLOCK_RATES;
}

/** What a caller gets in place of an outcome that holds no longer. */
export function expiredError(node: NodeId, name: string): NodeUnavailableError {
  const reason = `the lease under which "${name}" answered is over, or nearly: the message may or may not have been handled`;
  return new NodeUnavailableError(node, reason);
}
