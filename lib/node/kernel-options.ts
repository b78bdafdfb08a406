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
  readonly maxPayloadBytes: number;
  readonly maxArgsBytes: number;
}
