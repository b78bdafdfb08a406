// Imported, since whoever tests with a cluster may have replaced the clock and the timers in `globalThis`.
import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';

import type { DynamicModule, INestApplicationContext, LoggerService, LogLevel, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { DiscoveryProvider } from '../discovery/discovery-provider.interface.js';
import { KernelNode } from '../node/kernel-node.js';
import type { Kernel } from '../node/kernel.interface.js';
import type { KernelLogger, Runtime } from '../runtime/runtime.interface.js';
import { KernelHolder } from '../services/kernel.holder.js';
import { SWARM_PARTS, type SwarmParts } from '../swarm-parts.js';
import type { SwarmModuleOptions } from '../swarm.options.js';
import { MemoryNetwork } from '../transport/memory/memory.network.js';
import type { Address } from '../transport/node-info.js';
import { SeededRuntime } from './seeded.runtime.js';
import { unrest } from './settled.js';

/** How a test cluster is made. */
export interface SwarmTestClusterOptions {
  /** How many nodes. */
  readonly nodes: number;
  /**
   * The application of one node. Give the options to `SwarmModule.forRoot`, as they are or spread into more:
   * `SwarmModule.forRoot({ ...options, mailboxLimit: 10 })`. They hold the network, which has no place elsewhere.
   *
   * Nodes are called `node-1`, `node-2` and so on, and all of them may host: where the application names nodes in a
   * `nodeWhitelist` or `nodeBlacklist` of its own, spread the options after it.
   */
  readonly module: (options: SwarmModuleOptions) => Type<unknown> | DynamicModule;
  /** Makes the jitter of the nodes repeatable (time is real, so a run is not). @default 1 */
  readonly seed?: number | undefined;
  /**
   * Where Nest and the swarm log. Nest's logger is one for the process, so this is too.
   *
   * @default false, nothing is logged
   */
  readonly logger?: LoggerService | LogLevel[] | false | undefined;
}

/** How long a test waits for something that takes milliseconds; a test that reaches it has found a fault. */
const SETTLE_TIMEOUT_MS = 10_000;
const LOOK_AGAIN_MS = 5;
/** Failures show within a second instead of three, and nobody waits long for nodes or workers that do not answer. */
const QUICK: SwarmModuleOptions = {
  heartbeatMs: 200,
  suspectAfterMs: 1000,
  pollMs: 200,
  coalesceMs: 20,
  aloneAfterMs: 200,
  leaseMs: 1000,
  settledTimeoutMs: SETTLE_TIMEOUT_MS,
  handoff: { timeoutMs: 1000, forwardMs: 1000 },
  drain: { timeoutMs: 5000 },
};
const SILENT: KernelLogger = { error() {}, log() {}, warn() {}, debug() {}, verbose() {} };

interface TestNode {
  readonly address: Address;
  /** `undefined` when the node was killed or stopped. */
  app: INestApplicationContext | undefined;
}

/**
 * A swarm of several nodes in one process, over a network in memory: for tests of an application with its workers.
 * Nodes are counted from 0.
 *
 * Real time and real Nest applications; only sockets are missing. `NODE_ENV=test` does not matter to it.
 *
 * @example
 * ```ts
 * const cluster = await SwarmTestCluster.create({ nodes: 3, module: (options) => AppModule.with(options) });
 * await cluster.app(0).get(SwarmRegistry).register('lamp', DeviceWorker);
 * await cluster.kill(1);
 * await cluster.settled();
 * await cluster.close();
 * ```
 */
export class SwarmTestCluster {
  private readonly cuts: Array<readonly [TestNode, TestNode]> = [];

  private constructor(
    private readonly network: MemoryNetwork,
    private readonly nodes: readonly TestNode[],
  ) {}

  /**
   * Boots all nodes in the same instant and waits until they are one swarm at rest.
   *
   * @throws what the boot of a node threw, or Error if its module did not use the options (all others are closed then)
   */
  static async create(options: SwarmTestClusterOptions): Promise<SwarmTestCluster> {
    const { nodes: size, module, seed = 1, logger = false } = options;
    if (!(Number.isSafeInteger(size) && size >= 1))
      throw new RangeError('nodes must be a whole number of at least 1');
    const network = new MemoryNetwork(new SeededRuntime(seed));
    const nodes = Array.from({ length: size }, (_, index): TestNode => {
      return { address: { host: '127.0.0.1', port: index + 1 }, app: undefined };
    });
    const cluster = new SwarmTestCluster(network, nodes);
    const addresses = nodes.map(({ address }) => address);
    const boots = await Promise.allSettled(
      nodes.map(async (node, index) => {
        const runtime = new SeededRuntime(seed * size + index);
        let kernel: Kernel | undefined;
        const parts: SwarmParts & { readonly runtime: Runtime } = {
          transport: network.transport(node.address),
          runtime,
          createKernel: (kernelOptions, kernelParts) => (kernel = new KernelNode(kernelOptions, kernelParts)),
          ...(logger === false && { logger: SILENT }),
        };
        const given = optionsOf(node.address, addresses, parts);
        try {
          node.app = await NestFactory.createApplicationContext(module(given), {
            logger,
            abortOnError: false,
          });
        } catch (error) {
          // Another module's hook may have failed when the node was up already, and nobody gets the application.
          await kernel?.stop();
          throw error;
        }
        // Such a node would use sockets, or none of the swarm, and each step of the test would fail for another reason.
        if (!kernel) throw new Error(unusedOptions(index));
      }),
    );
    try {
      const failed = boots.find((boot) => boot.status === 'rejected');
      if (failed) throw failed.reason;
      await cluster.settled();
    } catch (error) {
      await cluster.close();
      throw error;
    }
    return cluster;
  }

  /** The Nest application of a node; `app(0).get(SwarmRegistry)`. Throws when it was killed or stopped. */
  app(index: number): INestApplicationContext {
    const { app } = this.node(index);
    if (!app) throw new Error(`node ${index} was killed or stopped`);
    return app;
  }

  /**
   * Ends a node as SIGKILL would: the others see its links break and nobody listen. Its application is closed, too, so
   * that nothing of it goes on in this process; its destroy hooks run, other than in a killed process.
   */
  async kill(index: number): Promise<void> {
    const app = this.app(index);
    const node = this.node(index);
    node.app = undefined;
    this.network.crash(keyOf(node));
    try {
      // Nobody is left whom it could hand its workers to, and what it would try takes time.
      await app.get(KernelHolder, { strict: false }).kernel.drain({ timeoutMs: 1 });
    } finally {
      await app.close();
    }
  }

  /** Ends a node as SIGTERM would: its application is closed, which hands its workers off and leaves the swarm. */
  async stop(index: number): Promise<void> {
    const app = this.app(index);
    this.node(index).app = undefined;
    await app.close();
  }

  /** Cuts the network between two nodes, both ways: they hear nothing of it, as when packets vanish. */
  cut(a: number, b: number): void {
    const ends = [this.node(a), this.node(b)] as const;
    this.network.cut(keyOf(ends[0]), keyOf(ends[1]));
    this.cuts.push(ends);
  }

  /** Mends all cuts. */
  heal(): void {
    this.network.heal();
    this.cuts.length = 0;
  }

  /**
   * Resolves when the nodes that are left are one swarm at rest: each sees all others up, their registries are equal,
   * no worker is being started or moved and no message waits.
   *
   * With a cut it waits until the nodes have found out, which takes a second or two. Then those that a third node reaches
   * are still one swarm, and those that none does are of two, each at rest by itself, with workers for all names.
   *
   * @param options `timeoutMs`, 10 seconds by default
   * @throws Error that says what is missing
   */
  async settled({
    timeoutMs = SETTLE_TIMEOUT_MS,
  }: { readonly timeoutMs?: number | undefined } = {}): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    const isCut = (a: Kernel, b: Kernel): boolean => this.isCut(kernels.get(a), kernels.get(b));
    let kernels = this.kernels();
    for (; ; kernels = this.kernels()) {
      const reason = unrest([...kernels.keys()], isCut);
      if (reason === undefined) return;
      if (performance.now() > deadline) {
        throw new Error(`the cluster is not settled after ${timeoutMs} ms: ${reason}`);
      }
      await pause(LOOK_AGAIN_MS);
    }
  }

  /** Closes all nodes. Idempotent. */
  async close(): Promise<void> {
    const apps = this.nodes.map(({ app }) => app);
    for (const node of this.nodes) node.app = undefined;
    await Promise.all(apps.map((app) => app?.close()));
  }

  private node(index: number): TestNode {
    const node = this.nodes[index];
    if (!node)
      throw new RangeError(`there is no node ${index}; nodes are counted from 0 to ${this.nodes.length - 1}`);
    return node;
  }

  private kernels(): Map<Kernel, TestNode> {
    const kernels = new Map<Kernel, TestNode>();
    for (const node of this.nodes)
      if (node.app) kernels.set(node.app.get(KernelHolder, { strict: false }).kernel, node);
    return kernels;
  }

  private isCut(a: TestNode | undefined, b: TestNode | undefined): boolean {
    return this.cuts.some(([one, other]) => (one === a && other === b) || (one === b && other === a));
  }
}

function unusedOptions(index: number): string {
  return `the module of node ${index} does not use the options that it is given; import SwarmModule.forRoot(options) in it, instead of a forRoot of its own`;
}

function keyOf({ address }: TestNode): string {
  return `${address.host}:${address.port}`;
}

function optionsOf(
  address: Address,
  others: readonly Address[],
  parts: SwarmParts & { readonly runtime: Runtime },
): SwarmModuleOptions {
  const discovery: DiscoveryProvider = { name: 'testCluster', candidates: async () => others };
  return {
    ...QUICK,
    cluster: 'test',
    node: { name: `node-${address.port}`, ...address },
    discovery: others.length > 1 ? [discovery] : [],
    // A list of the application tells its real nodes apart, and these have other names.
    nodeWhitelist: undefined,
    nodeBlacklist: [],
    [SWARM_PARTS]: parts,
  } as SwarmModuleOptions;
}
