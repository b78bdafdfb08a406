import type { SwarmError } from '../errors/index.js';
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
  /** Called exactly once. For a cast only an error means anything: it was dropped. */
  readonly reply: (error: SwarmError | undefined, answer: Body | undefined) => void;
}
