import type { Address } from '../transport/node-info.js';

/** What a discovery provider is told when its node has begun to listen. */
export interface DiscoveryContext {
  readonly cluster: string;
  /** What others can dial to reach this node. */
  readonly self: Address;
  /**
   * The swarm's secrets, the one that proves first; none where it has none. For a provider that announces over a network:
   * what it says is signed, and what it hears is checked. Never logged.
   */
  readonly secrets: readonly string[];
  /** Candidates may have changed: all providers are asked again at once, without waiting for the next round. */
  changed(): void;
}

/** How long each method of a provider may take; the node goes on without one that takes longer. */
export const PROVIDER_TIMEOUT_MS = 2_000;

/**
 * Finds candidates: addresses where a node may be. Never decides who is a member. Asked again and again, with jitter,
 * for as long as the node lives; that is also what heals a partition. A method that takes more than 2 s is not waited
 * for any longer. One object serves one application: `start` and `stop` are those of its node.
 */
export interface DiscoveryProvider {
  /** For logs, as `localMachine` or `staticPeers(10.0.0.6:7946)`. */
  readonly name: string;
  /** Called once before the first question; must have announced this node (if it announces) when it resolves. */
  start?(context: DiscoveryContext): Promise<void>;
  /**
   * Where nodes may be now; this node's own address may be among them. A rejection is logged and asked again. Of more than
   * 512 addresses so many are dialled at a time, and those behind them after the next question.
   */
  candidates(): Promise<readonly Address[]>;
  /** Withdraws what `start` announced. */
  stop?(): Promise<void>;
}
