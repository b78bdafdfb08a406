import type { DiscoveryProvider } from '../discovery/discovery-provider.interface.js';
import type { KernelLogger, Runtime } from '../runtime/runtime.interface.js';
import type { PayloadCodec, RefFactory } from '../transport/payload.interface.js';
import type { Transport } from '../transport/transport.interface.js';
import type { WorkerHost } from '../workers/worker-host.interface.js';

/** Everything outside of the kernel that a node is built on. */
export interface KernelParts {
  readonly runtime: Runtime;
  readonly transport: Transport;
  readonly host: WorkerHost;
  readonly discovery: readonly DiscoveryProvider[];
  /** For providers that announce over a network; none by default. */
  readonly secrets?: readonly string[];
  /** Protocols that the node speaks; those of this build by default. Tests take the part of another build. */
  readonly protocol?: { readonly min: number; readonly max: number };
  readonly codec: PayloadCodec;
  readonly refs: RefFactory;
  readonly logger: KernelLogger;
}
