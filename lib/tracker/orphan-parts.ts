import type { Runtime } from '../runtime/runtime.interface.js';
import type { NodeId } from '../transport/node-info.js';
import type { Transport } from '../transport/transport.interface.js';
import type { Forgotten } from './forgotten.js';
import type { RegistryIndex } from './registry-index.js';
import type { Row } from './row.js';

/** What `Orphans` and its parts need of their node. */
export interface OrphanParts {
  readonly runtime: Runtime;
  readonly transport: Transport;
  readonly index: RegistryIndex;
  readonly forgotten: Forgotten;
  readonly pollMs: number;
  linkedPeers(): Iterable<NodeId>;
  /** Whether that incarnation is a member in this node's view. */
  isMember(node: NodeId, incarnation: number): boolean;
  /** Whether the row is what its node says now: it has not let go of the worker, nor is this history that is read first. */
  isCurrent(row: Row): boolean;
  /** Whether the row's node has let go of the worker: the name goes on elsewhere. */
  isLetGo(row: Row): boolean;
  /**
   * Whether the orphan is of a registration that can only have been made when the holder's had ended: under a quorum. The
   * holder was away, and does not know it yet.
   */
  outlives(orphan: Row, holder: Row): boolean;
  /** The survivors of a dead node agree on its rows, or have had their time. */
  settled(): void;
  /** Logs a decision with its reason. */
  trace(decision: () => string): void;
}
