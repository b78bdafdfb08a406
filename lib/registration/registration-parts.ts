import type { Membership } from '../cluster/membership.js';
import type { Placements } from '../distribution/placements.js';
import type { PendingReplies } from '../messaging/pending-replies.js';
import type { PlacementHistory, SwarmEventContent } from '../events/index.js';
import type { HybridLogicalClock } from '../runtime/hybrid-logical-clock.js';
import type { KernelLogger, Runtime } from '../runtime/runtime.interface.js';
import type { Forgotten } from '../tracker/forgotten.js';
import type { NameWaiters } from '../tracker/name-waiters.js';
import type { Orphans } from '../tracker/orphans.js';
import type { OwnRows } from '../tracker/own-rows.js';
import type { OwnStream } from '../tracker/own-stream.js';
import type { RegistryIndex } from '../tracker/registry-index.js';
import type { Replicas } from '../tracker/replicas.js';
import type { Row } from '../tracker/row.js';
import type { ResponseFrame } from '../transport/frame.js';
import type { NodeId } from '../transport/node-info.js';
import type { PayloadCodec, RefFactory } from '../transport/payload.interface.js';
import type { Transport } from '../transport/transport.interface.js';
import type { Rest } from '../runtime/rest.js';
import type { Delivery, WorkerHost } from '../workers/worker-host.interface.js';

/** What the registration of names is made of; one object, built by the kernel node. */
export interface RegistrationParts {
  readonly self: NodeId;
  readonly runtime: Runtime;
  readonly clock: HybridLogicalClock;
  readonly transport: Transport;
  readonly membership: Membership;
  readonly placements: Placements;
  readonly index: RegistryIndex;
  readonly rows: OwnRows;
  readonly stream: OwnStream;
  readonly replicas: Replicas;
  readonly orphans: Orphans;
  readonly forgotten: Forgotten;
  readonly waiters: NameWaiters;
  readonly host: WorkerHost;
  /** Questions of this node to others about names. */
  readonly questions: PendingReplies<ResponseFrame>;
  readonly codec: PayloadCodec;
  readonly refs: RefFactory;
  readonly logger: KernelLogger;
  readonly acks: number;
  readonly registerTimeoutMs: number;
  readonly maxArgsBytes: number;
  readonly history: PlacementHistory;
  /** To be told when something has come to an end: a start, a restart, a move. */
  readonly rest: Rest;
  /**
   * Whether this node has joined, has read who has what, and agrees with the others on what the dead have left: a name
   * that it does not know is free, and nobody's.
   */
  knowsAll(): boolean;
  emit(event: SwarmEventContent): void;
  count(counter: string): void;
  /** Logs a decision about a name with its reason; the text is made only if somebody reads it. */
  trace(decision: () => string): void;
  /** Messages that waited for a worker of this node which has let go of them. */
  reroute(name: string, waiting: readonly Delivery[]): void;
  /** The worker is about to end, or to be started anew: a move that has not been decided must not be. */
  cancelMove(row: Row): void;
  /** A worker has come to run here. It may belong elsewhere by now, if the ring is not what it was at `ringVersion`. */
  settledHere(row: Row, ringVersion?: number): void;
}
