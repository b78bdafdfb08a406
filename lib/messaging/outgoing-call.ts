/** A message from this node. */
export interface OutgoingCall {
  readonly pattern: string;
  readonly data: unknown;
  /** Milliseconds; the node's `callTimeoutMs` when `undefined`. */
  readonly timeoutMs: number | undefined;
  /** Names of the workers that wait for this call, outermost first; empty outside of a worker. */
  readonly chain: readonly string[];
}
