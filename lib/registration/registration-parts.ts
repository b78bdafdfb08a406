import type { Membership } from '../cluster/membership.js';
import type { Placements } from '../distribution/placements.js';
import type { PendingReplies } from '../messaging/pending-replies.js';
import type { SwarmEventContent } from '../events/index.js';
import type { HybridLogicalClock } from '../runtime/hybrid-logical-clock.js';
import type { KernelLogger, Runtime } from '../runtime/runtime.interface.js';
import type { Forgotten } from '../tracker/forgotten.js';
import type { NameWaiters } from '../tracker/name-waiters.js';
import type { Orphans } from '../tracker/orphans.js';
import type { OwnRows } from '../tracker/own-rows.js';
import type { OwnStream } from '../tracker/own-stream.js';
import type { RegistryIndex } from '../tracker/registry-index.js';
import type { Replicas } from '../tracker/replicas.js';
import type { ResponseFrame } from '../transport/frame.js';
import type { NodeId } from '../transport/node-info.js';
import type { PayloadCodec, RefFactory } from '../transport/payload.interface.js';
import type { Transport } from '../transport/transport.interface.js';
import type { WorkerHost } from '../workers/worker-host.interface.js';

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
  emit(event: SwarmEventContent): void;
  count(counter: string): void;
}
