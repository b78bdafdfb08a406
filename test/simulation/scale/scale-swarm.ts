import { IgnoreList } from '../../../lib/cluster/ignore-list.js';
import { ring } from '../../../lib/distribution/index.js';
import type { DiscoveryProvider } from '../../../lib/discovery/discovery-provider.interface.js';
import { KernelNode } from '../../../lib/node/kernel-node.js';
import { seededRandom, VirtualRuntime, VirtualScheduler } from '../../../lib/runtime/virtual.runtime.js';
import { createPayloadCodec } from '../../../lib/transport/codec/payload.codec.js';
import { MemoryNetwork } from '../../../lib/transport/memory/memory.network.js';
import type { Address } from '../../../lib/transport/node-info.js';
import type { RefFactory } from '../../../lib/transport/payload.interface.js';
import { LocalWorkerHost } from '../../../lib/workers/local-worker.host.js';
import type { WorkerDefinition } from '../../../lib/workers/worker-definition.interface.js';
import { MeteredTransport } from './metered.transport.js';
import { OutOfBudgetError, type TimeBudget } from './time-budget.js';
import { TrafficMeter } from './traffic.meter.js';

const HOST = '10.0.0.1';
/** With as many digits for every node, so that all addresses are of one length. */
const FIRST_PORT = 10_000;
/** Conditions are looked at so often: every figure in milliseconds is late by as much at most. */
const STEP_MS = 5;

/** Does nothing: what is measured is what a worker costs the swarm. */
export const WORKER: WorkerDefinition = {
  type: 'Worker',
  concurrency: 1,
  mailboxLimit: undefined,
  create: () => ({}),
  handler: () => undefined,
};
const DEFINITIONS = new Map([[WORKER.type, WORKER]]);

/** Keeps nothing: lines would be counted as memory of the kernel. */
const SILENT = {
  error: () => undefined,
  warn: () => undefined,
  log: () => undefined,
  debug: () => undefined,
  verbose: () => undefined,
};

export interface ScaleNode {
  readonly key: string;
  readonly kernel: KernelNode;
  readonly runtime: VirtualRuntime;
  readonly transport: MeteredTransport;
  alive: boolean;
  /** How many nodes it has up, itself included. */
  up: number;
}

/**
 * As many nodes as fit a process, in virtual time: real kernels over a memory network, as `SimulatedSwarm`, but nothing
 * is written down, and whether all see each other is known without asking each.
 */
export class ScaleSwarm {
  readonly scheduler: VirtualScheduler;
  readonly meter: TrafficMeter;
  readonly nodes: ScaleNode[] = [];
  private readonly network: MemoryNetwork;
  private readonly addresses: Address[] = [];
  /** One for all, as are its rings, although each process would make its own: one of 1,000 nodes takes 1.3 MiB. */
  private readonly strategy = ring();
  private readonly failures: Error[] = [];

  constructor(
    seed: number,
    private readonly budget: TimeBudget,
  ) {
    this.scheduler = new VirtualScheduler(seededRandom(seed ^ 0x5eed));
    const random = seededRandom(seed ^ 0x11e7);
    this.network = new MemoryNetwork(new VirtualRuntime(this.scheduler), {
      latencyMs: () => 0.2 + random() * 5,
    });
    this.meter = new TrafficMeter(() => this.scheduler.now);
  }

  get now(): number {
    return this.scheduler.now;
  }

  get alive(): ScaleNode[] {
    return this.nodes.filter(({ alive }) => alive);
  }

  /** Pairs of living nodes of which one has the other up; a node is its own pair. */
  get pairsUp(): number {
    return this.alive.reduce((sum, { up }) => sum + up, 0);
  }

  /** Pairs of nodes of which the one has a link to the other. */
  get pairsLinked(): number {
    return this.alive.reduce((sum, { transport }) => sum + transport.links, 0);
  }

  /** Whether every living node has all living nodes up, and nobody else. */
  get isOneSwarm(): boolean {
    const { alive } = this;
    return alive.every(({ up }) => up === alive.length);
  }

  boot(): ScaleNode {
    const runtime = new VirtualRuntime(this.scheduler);
    const address = { host: HOST, port: FIRST_PORT + this.nodes.length };
    const refs: RefFactory = { describe: () => undefined, make: (name, type) => ({ name, type }) };
    const codec = createPayloadCodec({ refs });
    const host = new LocalWorkerHost({
      ...{ definitions: DEFINITIONS, runtime, codec, logger: SILENT, debug: false },
      ...{ mailboxLimit: 10_000, maxPayloadBytes: 1 << 20 },
    });
    // As a DNS name that lists all instances.
    const discovery: DiscoveryProvider = { name: 'all', candidates: async () => this.addresses };
    const transport = new MeteredTransport(this.network.transport(address, runtime), this.meter);
    const kernel = new KernelNode(
      {
        cluster: 'scale',
        node: { name: 'node', host: HOST, weight: 1, labels: {}, hosting: true },
        strategy: this.strategy,
        ignoreList: new IgnoreList(),
        // The defaults of the module.
        ...{ heartbeatMs: 1_000, suspectAfterMs: 3_000, pollMs: 500, coalesceMs: 100, aloneAfterMs: 1_000 },
        ...{ joinTimeoutMs: 5_000, acks: 1, leaseMs: 3_000 },
        handoff: { timeoutMs: 5_000, concurrency: 64, forwardMs: 10_000 },
        drain: { timeoutMs: 25_000 },
        debug: false,
        ...{ maxPayloadBytes: 1 << 20, maxArgsBytes: 1 << 16 },
        // Whatever takes long shall be measured, and not fail.
        ...{ callTimeoutMs: 600_000, registerTimeoutMs: 600_000 },
        ...{ readyTimeoutMs: 600_000, settledTimeoutMs: 600_000 },
      },
      { runtime, transport, host, discovery: [discovery], codec, refs, logger: SILENT },
    );
    const node: ScaleNode = {
      key: `${HOST}:${address.port}`,
      kernel,
      runtime,
      transport,
      alive: true,
      up: 0,
    };
    kernel.onEvent(({ type }) => {
      if (type === 'node-up') node.up++;
      if (type === 'node-down') node.up--;
    });
    this.addresses.push(address);
    this.nodes.push(node);
    this.begin(kernel.start());
    return node;
  }

  /** The process of the node dies; its machine resets its connections. */
  crash(node: ScaleNode): void {
    node.alive = false;
    node.runtime.kill();
    this.network.crash(node.key);
    this.addresses.splice(
      this.addresses.findIndex(({ port }) => node.key === `${HOST}:${port}`),
      1,
    );
  }

  /**
   * Virtual time passes until the condition holds.
   * @throws OutOfBudgetError when its time is up; Error when `limitMs` of virtual time have passed, or a task has failed
   */
  async until(what: string, condition: () => boolean, limitMs = 600_000): Promise<void> {
    const end = this.now + limitMs;
    while (!condition()) {
      if (this.now >= end) throw new Error(`not within ${limitMs} ms of virtual time: ${what}`);
      await this.pass(STEP_MS);
    }
  }

  /** Virtual time passes until the promise is fulfilled. @throws as `until` */
  async settle(what: string, work: Promise<unknown>): Promise<void> {
    let settled = false;
    this.begin(work.then(() => (settled = true)));
    await this.until(what, () => settled);
  }

  /** @throws OutOfBudgetError */
  async pass(ms: number): Promise<void> {
    const end = this.now + ms;
    if (await this.scheduler.runUntil(this.budget.isOver, ms))
      throw new OutOfBudgetError(this.now, this.budget.usedSeconds);
    await this.scheduler.advance(end - this.now);
    const [failure] = this.failures;
    if (failure !== undefined) throw failure;
  }

  /** What fails while nobody waits for it ends the study with the next step. */
  private begin(work: Promise<unknown>): void {
    work.catch((error: unknown) => this.failures.push(new Error('a node failed', { cause: error })));
  }
}
