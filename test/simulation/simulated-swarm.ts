import { IgnoreList } from '../../lib/cluster/ignore-list.js';
import { ring, type DistributionStrategy, type Placement } from '../../lib/distribution/index.js';
import type { DiscoveryProvider } from '../../lib/discovery/discovery-provider.interface.js';
import type { Assembly } from '../../lib/node/assembly.js';
import { KernelNode } from '../../lib/node/kernel-node.js';
import type { DrainReport } from '../../lib/handoff/drain-report.js';
import type { KernelOptions } from '../../lib/node/kernel-options.js';
import {
  seededRandom,
  VirtualRuntime,
  VirtualScheduler,
  type VirtualClocks,
} from '../../lib/runtime/virtual.runtime.js';
import { createPayloadCodec } from '../../lib/transport/codec/payload.codec.js';
import { FrameEncoder } from '../../lib/transport/codec/frame.codec.js';
import type { Frame } from '../../lib/transport/frame.js';
import { MemoryNetwork } from '../../lib/transport/memory/memory.network.js';
import type { Address } from '../../lib/transport/node-info.js';
import type { RefFactory } from '../../lib/transport/payload.interface.js';
import { LocalWorkerHost } from '../../lib/workers/local-worker.host.js';
import type { WorkerDefinition } from '../../lib/workers/worker-definition.interface.js';
import { QuietLogger } from '../support/quiet.logger.js';
import { FenceLog } from './fence-log.js';
import { onceWorker } from './simulated-once.js';
import { Activations, simulatedWorkers, type OwnRow } from './simulated-worker.js';

/** Nodes of many histories have the same ids: what the ring of each set of them looks like is found out once. */
const STRATEGY = remembered(ring());
const ENCODER = new FrameEncoder();
const HOST = '10.0.0.1';

export interface SimulationOptions {
  readonly seed: number;
  readonly kernel?: Partial<KernelOptions>;
  readonly latencyMs?: (random: () => number) => number;
  readonly loses?: (random: () => number, from: Address, to: Address, frame: Frame) => boolean;
  /** How many of the nodes discovery finds, those that were started first; all by default. */
  readonly seeds?: number;
  /** Most messages that wait for one worker, 10,000 by default. */
  readonly mailboxLimit?: number;
  /** What a link carries, in bytes per millisecond and direction; without it a frame of any size takes no time. */
  readonly bytesPerMs?: number;
  /** Size of the quorum of the worker type `Once`; without it no node hosts that type. */
  readonly quorum?: number;
  /** The clocks of the machine at a port; all go alike by default. */
  readonly clocks?: (port: number) => VirtualClocks;
  /** The worker types of a node, in place of `simulatedWorkers`. */
  readonly definitions?: (node: SimulatedApp) => ReadonlyMap<string, WorkerDefinition>;
}

/** What the application of a simulated node knows of it. */
export interface SimulatedApp {
  readonly key: string;
  readonly runtime: VirtualRuntime;
  readonly activations: Activations;
}

/** What a node says of itself beyond its name and address. */
export type SimulatedNodeOptions = Partial<Pick<KernelOptions['node'], 'weight' | 'labels' | 'hosting'>>;

export interface SimulatedNode {
  readonly index: number;
  readonly key: string;
  readonly kernel: KernelNode;
  readonly runtime: VirtualRuntime;
  readonly logger: QuietLogger;
  alive: boolean;
  /** Virtual time since which it is stopped, as by SIGSTOP. */
  pausedAt: number | undefined;
  /** For how long it was stopped before, all in all. */
  pausedMs: number;
}

/** A whole swarm in virtual time: real kernels and mailboxes, simulated network, clock and workers. */
export class SimulatedSwarm {
  readonly scheduler: VirtualScheduler;
  /** What happens by chance; each step of a plan sets a source of its own. */
  random: () => number;
  readonly network: MemoryNetwork;
  readonly nodes: SimulatedNode[] = [];
  readonly activations: Activations;
  /** What workers of the type `Once` began, and which of their answers callers accepted. */
  readonly fences: FenceLog;
  readonly story: string[] = [];
  /** Whether the network still loses what `loses` says. */
  isLosing = true;

  constructor(private readonly options: SimulationOptions) {
    const { seed, latencyMs, loses, bytesPerMs } = options;
    this.random = seededRandom(seed);
    this.scheduler = new VirtualScheduler(seededRandom(seed ^ 0x5eed));
    const networkRandom = seededRandom(seed ^ 0x11e7);
    this.network = new MemoryNetwork(new VirtualRuntime(this.scheduler), {
      latencyMs: () => (latencyMs ? latencyMs(networkRandom) : 0.2 + networkRandom() * 5),
      loses: (from, to, frame) => this.isLosing && loses?.(networkRandom, from, to, frame) === true,
      ...(bytesPerMs !== undefined && { transmitMs: (frame) => bytesOf(frame) / bytesPerMs }),
    });
    this.activations = new Activations(
      () => this.scheduler.now,
      (name) => this.ownRows(name),
    );
    this.fences = new FenceLog(() => this.scheduler.now);
  }

  get now(): number {
    return this.scheduler.now;
  }

  get alive(): SimulatedNode[] {
    return this.nodes.filter(({ alive }) => alive);
  }

  /** Nodes whose processes run: what a caller outside can speak to. */
  get awake(): SimulatedNode[] {
    return this.nodes.filter(({ alive, pausedAt }) => alive && pausedAt === undefined);
  }

  /** Whether all that live are up, and each knows it of all. */
  get isWhole(): boolean {
    const { alive } = this;
    return alive.every(
      ({ kernel }) =>
        isUp(kernel) && kernel.nodes().filter(({ status }) => status === 'up').length === alive.length,
    );
  }

  /** Boots a node; the promise is that of its `start`. `port` lets a node come back under its old id. */
  boot(
    port = 7000 + this.nodes.length,
    { weight = 1, labels = {}, hosting = true }: SimulatedNodeOptions = {},
  ): { node: SimulatedNode; started: Promise<void> } {
    const runtime = new VirtualRuntime(this.scheduler, this.options.clocks?.(port));
    const index = this.nodes.length;
    const key = `${HOST}:${port}`;
    const logger = new QuietLogger(`n${port}`, () => this.now, this.story);
    const refs: RefFactory = { describe: () => undefined, make: (name, type) => ({ name, type }) };
    const codec = createPayloadCodec({ refs });
    const host = new LocalWorkerHost({
      definitions: this.definitionsOf(key, runtime),
      observer: {
        dispatching: (name, type, fence) => {
          if (type === 'Once') this.fences.began(name, fence, key);
        },
      },
      nodeLabels: labels,
      runtime,
      codec,
      mailboxLimit: this.options.mailboxLimit ?? 10_000,
      maxPayloadBytes: 1 << 20,
      debug: false,
      logger,
    });
    const transport = this.network.transport({ host: HOST, port }, runtime);
    const discovery: DiscoveryProvider = {
      name: 'simulated',
      candidates: async () =>
        this.nodes
          .slice(0, this.options.seeds)
          .map((node) => ({ host: HOST, port: Number(node.key.split(':')[1]) })),
    };
    const kernel = new KernelNode(
      {
        cluster: 'simulation',
        node: { name: `n${port}`, host: HOST, weight, labels, hosting },
        strategy: STRATEGY,
        heartbeatMs: 1000,
        suspectAfterMs: 3000,
        pollMs: 500,
        coalesceMs: 100,
        aloneAfterMs: 1000,
        joinTimeoutMs: 5000,
        acks: 1,
        callTimeoutMs: 5000,
        registerTimeoutMs: 10_000,
        readyTimeoutMs: 30_000,
        settledTimeoutMs: 30_000,
        leaseMs: 3000,
        ignoreList: new IgnoreList(),
        handoff: { timeoutMs: 5000, concurrency: 64, forwardMs: 10_000 },
        drain: { timeoutMs: 25_000 },
        debug: true,
        maxPayloadBytes: 1 << 20,
        maxArgsBytes: 1 << 16,
        ...this.options.kernel,
      },
      { runtime, transport, host, discovery: [discovery], codec, refs, logger },
    );
    const node: SimulatedNode = {
      index,
      key,
      kernel,
      runtime,
      logger,
      alive: true,
      pausedAt: undefined,
      pausedMs: 0,
    };
    this.nodes.push(node);
    this.tell(`boot ${key}`);
    return { node, started: kernel.start() };
  }

  /** The process dies at once, and with its machine also what it had written and was not read yet. */
  crash(node: SimulatedNode, losesInFlight = false): void {
    this.tell(`crash ${node.key}`);
    node.alive = false;
    node.runtime.kill();
    this.network.crash(node.key, losesInFlight);
    this.activations.nodeDied(node.key);
  }

  /** SIGSTOP: nothing of the process runs until `resume`; what comes for it waits in its machine. */
  pause(node: SimulatedNode): void {
    if (!node.alive || node.pausedAt !== undefined) return;
    this.tell(`pause ${node.key}`);
    node.pausedAt = this.now;
    node.runtime.pause();
    this.network.pause(node.key);
  }

  /** SIGCONT. Whether timers or sockets are looked at first is up to where the event loop was stopped. */
  resume(node: SimulatedNode): void {
    if (!node.alive || node.pausedAt === undefined) return;
    const timersFirst = this.random() < 0.5;
    this.tell(`resume ${node.key}, ${timersFirst ? 'timers' : 'sockets'} first`);
    node.pausedMs += this.now - node.pausedAt;
    node.pausedAt = undefined;
    if (timersFirst) node.runtime.resume();
    this.network.resume(node.key);
    if (!timersFirst) node.runtime.resume();
  }

  /** The process leaves as on `app.close()`. */
  async stop(node: SimulatedNode): Promise<DrainReport> {
    this.tell(`stop ${node.key}`);
    const report = await node.kernel.drain({});
    for (const { name } of report.left) this.activations.mayLose(name);
    node.alive = false;
    this.activations.nodeDied(node.key);
    this.tell(`stopped ${node.key}: ${JSON.stringify(report)}`);
    return report;
  }

  /** A message is about to be sent, for whose answer the sender waits so long. */
  sent(token: string, { kernel, index }: SimulatedNode, name: string, timeoutMs: number): void {
    const seenFence = isUp(kernel) ? kernel.lookup(name)?.fence : undefined;
    this.activations.sent(token, { sender: index, seenFence, until: this.now + timeoutMs });
  }

  private ownRows(name: string): OwnRow[] {
    return this.alive.flatMap(({ kernel, key }) => {
      const { assembly } = kernel as unknown as { readonly assembly: Assembly | undefined };
      const row = assembly?.stream.log.table.get(name);
      return row ? [{ node: key, status: row.status }] : [];
    });
  }

  private definitionsOf(key: string, runtime: VirtualRuntime): ReadonlyMap<string, WorkerDefinition> {
    const { activations, fences } = this;
    const { definitions, quorum } = this.options;
    if (definitions) return definitions({ key, runtime, activations });
    const counters = simulatedWorkers(activations, runtime, key);
    if (quorum === undefined) return counters;
    const surroundings = { node: key, runtime, activations, fences, now: () => this.now };
    return new Map([...counters, ['Once', onceWorker(quorum, surroundings)]]);
  }

  tell(line: string): void {
    this.story.push(`${this.now.toFixed(0).padStart(7)} ${line}`);
  }

  /** Virtual time passes until `work` has settled. */
  async settle<T>(work: Promise<T>, timeoutMs = 60_000): Promise<T> {
    let settled = false;
    const tracked = work.finally(() => (settled = true));
    tracked.catch(() => undefined);
    if (!(await this.scheduler.runUntil(() => settled, timeoutMs))) {
      throw new Error(`not settled after ${timeoutMs} ms of virtual time`);
    }
    return tracked;
  }

  advance(ms: number): Promise<void> {
    return this.scheduler.advance(ms);
  }

  /** Boots `count` nodes at once and waits until they are one swarm. */
  async form(count: number): Promise<void> {
    const boots = Array.from({ length: count }, () => this.boot().started);
    await this.settle(Promise.all(boots));
    await this.settle(Promise.all(this.alive.map(({ kernel }) => kernel.ready({ nodes: count }))));
  }
}

/**
 * The first names of which `isRight` is true. `home` gives the port of the node to which the name belongs among nodes at
 * the given ports, so that a history may be about a name that moves whatever the hash of names.
 */
export function namesWhere(
  count: number,
  isRight: (home: (...ports: readonly number[]) => number | undefined) => boolean,
): string[] {
  const names: string[] = [];
  for (let index = 0; names.length < count; index++) {
    const name = `name-${index}`;
    const home = (...ports: readonly number[]): number | undefined => {
      const nodes = ports.map((port) => ({ id: idOf(port), weight: 1, labels: {} }));
      return ports.find((port) => idOf(port) === STRATEGY.place(nodes).nodeFor(name));
    };
    if (isRight(home)) names.push(name);
  }
  return names;
}

function idOf(port: number): string {
  return `n${port}@${HOST}:${port}`;
}

/** Encoded as on the wire; each frame by itself, as the first of its link. */
function bytesOf(frame: Frame): number {
  const { head, tail } = ENCODER.encode(frame);
  return head.length + (tail?.length ?? 0);
}

/** Whether it has joined and does not leave yet: what it is asked for it does. */
export function isUp(kernel: KernelNode): boolean {
  try {
    return kernel.self.status === 'up';
  } catch {
    return false;
  }
}

function remembered(strategy: DistributionStrategy): DistributionStrategy {
  const known = new Map<string, Placement>();
  return {
    place(nodes) {
      const key = nodes.map(({ id, weight }) => `${id} ${weight}`).join();
      const placement = known.get(key) ?? strategy.place(nodes);
      known.set(key, placement);
      return placement;
    },
  };
}
