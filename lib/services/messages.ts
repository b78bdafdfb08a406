import type { OutgoingCall } from '../messaging/outgoing-call.js';
import type { Kernel } from '../node/kernel.interface.js';
import { MAX_TIMER_MS } from '../runtime/runtime.interface.js';
import { assertMayAct, callChain } from '../workers/call-chain.js';
import { assertName } from '../workers/name-rules.js';
import type { KernelHolder } from './kernel.holder.js';
import { answerInTurn } from './loop-turns.js';
import type { CallOptions } from './message-types.js';

const NO_WORKER_WAITS: readonly string[] = [];

/** Sends a call to a name, with the workers that wait for it. Whatever is wrong rejects. */
export function sendCall(
  nodes: Pick<KernelHolder, 'kernel'>,
  target: unknown,
  pattern: string,
  data: unknown,
  options: CallOptions | undefined,
): Promise<unknown> {
  // As `ask` of the holder, but for what a function for each call would cost.
  try {
    return answerInTurn(nodes.kernel.call(nameOfTarget(target), outgoing(pattern, data, options)));
  } catch (error) {
    return answerInTurn(Promise.reject(error as Error));
  }
}

/**
 * Sends a cast to a name.
 *
 * @throws NodeUnavailableError if it comes from a worker that may have no effect any more
 */
export function sendCast(kernel: Kernel, name: string, pattern: string, data: unknown): void {
  assertMayAct('message');
  assertName('the pattern', pattern);
  kernel.cast(name, pattern, data);
}

/** The name of the worker that a message or a membership is for; it may be given as a ref. */
export function nameOfTarget(target: unknown): string {
  const name: unknown =
    typeof target === 'object' && target !== null ? (target as { name?: unknown }).name : target;
  assertName('the name', name);
  return name;
}

/** A message as the kernel takes it. Throws as `sendCast`. */
export function outgoing(pattern: string, data: unknown, options: CallOptions | undefined): OutgoingCall {
  const scope = callChain.getStore();
  scope?.assertMayAct('message');
  assertName('the pattern', pattern);
  const timeoutMs = options === undefined ? undefined : checkedOptions(options).timeoutMs;
  return { pattern, data, timeoutMs, chain: scope?.names ?? NO_WORKER_WAITS };
}

/**
 * The options, with a timeout that a timer can keep.
 *
 * @throws RangeError
 */
export function checkedOptions(options: CallOptions | undefined): { timeoutMs?: number } {
  const timeoutMs = options?.timeoutMs;
  if (timeoutMs === undefined) return {};
  if (!(typeof timeoutMs === 'number' && timeoutMs > 0 && timeoutMs <= MAX_TIMER_MS)) {
    throw new RangeError(
      `timeoutMs must be a number of milliseconds above 0 and up to ${MAX_TIMER_MS}, not ${String(timeoutMs)}`,
    );
  }
  return { timeoutMs };
}
