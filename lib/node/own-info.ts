// What a node says of itself: from its options, its application, and the address at which it was bound.
import { quorumSizeOf } from '../distribution/guarded-placement.js';
import type { HybridLogicalClock } from '../runtime/hybrid-logical-clock.js';
import type { KernelLogger } from '../runtime/runtime.interface.js';
import { nodeIdOf, type Address, type NodeInfo } from '../transport/node-info.js';
import type { WorkerHost } from '../workers/worker-host.interface.js';
import type { KernelOptions } from './kernel-options.js';

/** Sizes of the quorums of the types that this node hosts. */
export function ownQuorums({ strategy }: KernelOptions, host: WorkerHost): ReadonlyMap<string, number> {
  return new Map(
    host.types.flatMap((type) => {
      const size = quorumSizeOf(host.definition(type)?.strategy ?? strategy);
      return size === undefined ? [] : [[type, size] as const];
    }),
  );
}

/** A node that its own ignore list names hosts nothing; it is warned about. */
export function ownInfo(
  { node, leaseMs, ignoreList }: KernelOptions,
  host: WorkerHost,
  quorums: ReadonlyMap<string, number>,
  bound: Address,
  clock: HybridLogicalClock,
  logger: KernelLogger,
): NodeInfo {
  const { name, weight, labels, hosting } = node;
  const id = nodeIdOf(name, bound);
  const incarnation = clock.next();
  const ignored = ignoreList.reasonFor({ id, name });
  if (ignored !== undefined && hosting) logger.warn(`this node hosts nothing: ${ignored}`);
  return {
    id,
    name,
    host: bound.host,
    port: bound.port,
    incarnation,
    firstIncarnation: incarnation,
    leaseMs,
    weight,
    labels,
    hosting: hosting && ignored === undefined,
    types: host.types,
    quorums: Object.fromEntries(quorums),
  };
}
