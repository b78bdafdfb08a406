import type { KernelLogger } from './runtime/runtime.interface.js';
import { NodeRuntime } from './runtime/node.runtime.js';
import { KernelNode } from './node/kernel-node.js';
import type { Kernel } from './node/kernel.interface.js';
import type { WorkerRefs } from './services/worker-ref.js';
import type { ResolvedSwarmOptions } from './swarm-options.resolution.js';
import type { SwarmParts } from './swarm-parts.js';
import { createPayloadCodec } from './transport/codec/payload.codec.js';
import { TcpTransport } from './transport/tcp/tcp.transport.js';
import { DispatchChannel } from './workers/dispatch.channel.js';
import { LocalWorkerHost } from './workers/local-worker.host.js';
import type { WorkerDefinition } from './workers/worker-definition.interface.js';

/** Puts a node together from real parts, or those that a test gives. It is not started yet. */
export function createNode(
  options: ResolvedSwarmOptions,
  definitions: ReadonlyMap<string, WorkerDefinition>,
  refs: WorkerRefs,
  logger: KernelLogger,
  parts: SwarmParts,
): Kernel {
  const { kernel: kernelOptions, discovery, listen, port, secrets, tls, mailboxLimit } = options;
  const { maxPayloadBytes, debug } = kernelOptions;
  const { host } = kernelOptions.node;
  const runtime = parts.runtime ?? new NodeRuntime();
  const codec = createPayloadCodec({ refs });
  const transport =
    parts.transport ??
    new TcpTransport({
      ...{ host, listen, port, secrets, maxPayloadBytes, logger, runtime },
      ...(tls && { tls }),
    });
  const workers = new LocalWorkerHost({
    definitions,
    runtime,
    codec,
    nodeLabels: kernelOptions.node.labels,
    mailboxLimit,
    maxPayloadBytes,
    debug,
    logger,
    observer: new DispatchChannel(),
  });
  const kernelParts = { runtime, transport, host: workers, discovery, secrets, codec, refs, logger };
  return parts.createKernel?.(kernelOptions, kernelParts) ?? new KernelNode(kernelOptions, kernelParts);
}
