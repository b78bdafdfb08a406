import { IgnoreList } from '../../../../lib/cluster/ignore-list.js';
import { ring } from '../../../../lib/distribution/index.js';
import type { DiscoveryProvider } from '../../../../lib/discovery/discovery-provider.interface.js';
import { KernelNode } from '../../../../lib/node/kernel-node.js';
import type { KernelOptions } from '../../../../lib/node/kernel-options.js';
import { seededRandom, VirtualRuntime, VirtualScheduler } from '../../../../lib/runtime/virtual.runtime.js';
import { createPayloadCodec } from '../../../../lib/transport/codec/payload.codec.js';
import type { Frame } from '../../../../lib/transport/frame.js';
import { MemoryNetwork } from '../../../../lib/transport/memory/memory.network.js';
import type { Transport } from '../../../../lib/transport/transport.interface.js';
import { LocalWorkerHost } from '../../../../lib/workers/local-worker.host.js';
import type { WorkerDefinition } from '../../../../lib/workers/worker-definition.interface.js';
import { QuietLogger } from '../../../support/quiet.logger.js';

const HOST = '10.0.0.1';

export interface KernelSwarmNode {
  readonly key: string;
  readonly kernel: KernelNode;
  readonly runtime: VirtualRuntime;
  readonly transport: Transport;
  readonly logger: QuietLogger;
  readonly started: Promise<void>;
}

export interface BootOptions {
  readonly port?: number;
  readonly types?: readonly WorkerDefinition[];
  readonly kernel?: Partial<KernelOptions>;
  readonly hosting?: boolean;
  /** Of another build. */
  readonly protocol?: { readonly min: number; readonly max: number };
  readonly discovery?: readonly DiscoveryProvider[];
}

/** A worker class as the explorer would describe it. */
export function workerType(type: string, more: Partial<WorkerDefinition> = {}): WorkerDefinition {
  return {
    type,
    concurrency: 1,
    mailboxLimit: undefined,
    create: () => ({}),
    handler: (pattern) =>
      pattern === 'echo' ? { accepts: 'message', invoke: (_, payload) => payload } : undefined,
    ...more,
  };
}

/** Whole kernels in virtual time. */
export class KernelSwarm {
  readonly nodes: KernelSwarmNode[] = [];
  /** Finds all nodes of it. */
  readonly everyone: DiscoveryProvider = {
    name: 'everyone',
    candidates: async () => this.nodes.map((node) => ({ host: HOST, port: Number(node.key.split(':')[1]) })),
  };
  loses: (frame: Frame, from: string) => boolean = () => false;
  readonly network: MemoryNetwork;

  constructor(readonly scheduler = new VirtualScheduler(seededRandom(1))) {
    this.network = new MemoryNetwork(new VirtualRuntime(scheduler), {
      latencyMs: () => 1,
      loses: (from, _to, frame) => this.loses(frame, `${from.host}:${from.port}`),
    });
  }

  boot(options: BootOptions = {}): KernelSwarmNode {
    const { port = 7000 + this.nodes.length, types = [workerType('Device')], hosting = true } = options;
    const runtime = new VirtualRuntime(this.scheduler);
    const logger = new QuietLogger();
    const refs = { describe: () => undefined, make: (name: string, type: string) => ({ name, type }) };
    const codec = createPayloadCodec({ refs });
    const definitions = new Map(types.map((definition) => [definition.type, definition]));
    const host = new LocalWorkerHost({
      ...{ definitions, runtime, codec, logger },
      ...{ mailboxLimit: 100, maxPayloadBytes: 1 << 20, debug: false },
    });
    const key = `${HOST}:${port}`;
    const transport = this.network.transport({ host: HOST, port }, runtime);
    const kernel = new KernelNode(
      {
        cluster: 'test',
        node: { name: `n${port}`, host: HOST, weight: 1, labels: {}, hosting },
        strategy: ring(),
        heartbeatMs: 1_000,
        suspectAfterMs: 3_000,
        pollMs: 500,
        coalesceMs: 100,
        aloneAfterMs: 1_000,
        joinTimeoutMs: 5_000,
        acks: 1,
        callTimeoutMs: 5_000,
        registerTimeoutMs: 10_000,
        readyTimeoutMs: 30_000,
        settledTimeoutMs: 30_000,
        leaseMs: 3_000,
        ignoreList: new IgnoreList(),
        handoff: { timeoutMs: 5_000, concurrency: 64, forwardMs: 10_000 },
        drain: { timeoutMs: 25_000 },
        debug: false,
        maxPayloadBytes: 1 << 20,
        maxArgsBytes: 1 << 16,
        ...options.kernel,
      },
      {
        transport,
        discovery: options.discovery ?? [this.everyone],
        ...(options.protocol && { protocol: options.protocol }),
        ...{ runtime, host, codec, refs, logger },
      },
    );
    const node = { key, kernel, runtime, transport, logger, started: kernel.start() };
    this.nodes.push(node);
    return node;
  }

  /** Boots `count` nodes at once and waits until they are one swarm. */
  async form(count: number, options: BootOptions = {}): Promise<KernelSwarmNode[]> {
    const nodes = Array.from({ length: count }, () => this.boot(options));
    await this.settle(Promise.all(nodes.map(({ started }) => started)));
    await this.settle(Promise.all(nodes.map(({ kernel }) => kernel.ready({ nodes: count }))));
    return nodes;
  }

  crash(node: KernelSwarmNode): void {
    node.runtime.kill();
    this.network.crash(node.key);
    this.nodes.splice(this.nodes.indexOf(node), 1);
  }

  /** Virtual time passes until `work` has settled; its value, or the code of its error. */
  async outcome(work: Promise<unknown>, timeoutMs = 60_000): Promise<unknown> {
    let outcome: unknown = 'pending';
    work.then(
      (value) => (outcome = value ?? 'ok'),
      (error: Error & { code?: string }) => (outcome = error.code ?? error.name),
    );
    await this.scheduler.runUntil(() => outcome !== 'pending', timeoutMs);
    return outcome;
  }

  async settle<T>(work: Promise<T>, timeoutMs = 60_000): Promise<T> {
    const outcome = await this.outcome(work, timeoutMs);
    if (outcome === 'pending') throw new Error(`not settled after ${timeoutMs} ms of virtual time`);
    return work;
  }

  /** Virtual time passes until this is true. */
  async until(condition: () => boolean, timeoutMs = 30_000): Promise<void> {
    if (!(await this.scheduler.runUntil(condition, timeoutMs)))
      throw new Error(`not true after ${timeoutMs} ms of virtual time`);
  }

  /** A name that the strategy gives to this node. */
  nameFor(node: KernelSwarmNode, prefix = 'name'): string {
    for (let i = 0; ; i++) {
      const name = `${prefix}-${i}`;
      if (node.kernel.ownerOf(name, 'Device') === node.kernel.self.id) return name;
    }
  }
}
