import type { IgnoreList } from '../cluster/ignore-list.js';
import type { DistributionStrategy } from '../distribution/strategy.interface.js';

/** What a kernel node is built from, all defaults filled in. Times in milliseconds. */
export interface KernelOptions {
  readonly cluster: string;
  readonly node: {
    readonly name: string;
    /** What other nodes dial. */
    readonly host: string;
    readonly weight: number;
    readonly labels: Readonly<Record<string, string>>;
    readonly hosting: boolean;
  };
  readonly strategy: DistributionStrategy;
  /** Which nodes, this one perhaps among them, may be clients only. */
  readonly ignoreList: IgnoreList;
  readonly heartbeatMs: number;
  readonly suspectAfterMs: number;
  readonly pollMs: number;
  readonly coalesceMs: number;
  readonly aloneAfterMs: number;
  readonly joinTimeoutMs: number;
  readonly acks: number;
  readonly callTimeoutMs: number;
  readonly registerTimeoutMs: number;
  readonly readyTimeoutMs: number;
  readonly settledTimeoutMs: number;
  /** Workers under a quorum run for so long after the last ping that enough others have acknowledged. */
  readonly leaseMs: number;
  readonly handoff: {
    /** How long each step of a move may take. */
    readonly timeoutMs: number;
    /** How many workers of this node move at a time. */
    readonly concurrency: number;
    /** How long a node that leaves goes on passing messages on to where its workers went. */
    readonly forwardMs: number;
  };
  readonly drain: { readonly timeoutMs: number };
  /** Whether every decision about names is logged with its reason. */
  readonly debug: boolean;
  readonly maxPayloadBytes: number;
  readonly maxArgsBytes: number;
}
