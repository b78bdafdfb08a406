import 'reflect-metadata';
import { createHash } from 'node:crypto';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { Injectable, Module, type OnModuleInit } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  staticPeers,
  SwarmCluster,
  SwarmError,
  SwarmGroups,
  SwarmModule,
  SwarmRegistry,
  type WorkerRef,
} from 'nestjs-swarm';
import { BenchWorker } from './bench.worker.js';
import { deliveries } from './deliveries.js';
import { rateOf, sharedNow, timeFor } from './load.js';
import { LoopDelayMeter } from './loop-delay.js';
import { checkEcho, payloadOf, type PayloadKind } from './payload.js';
import { serve } from './serve.js';
import { SteadyLoad } from './steady-load.js';

/** Given where nodes have networks of their own, which can be cut. */
const address = process.env['ADDRESS'];
const peers = process.env['PEERS'];
const PORT = 7946;
/** Lookups between two looks at the clock. */
const LOOKUPS = 10_000;
/** Owners that are worked out in one turn of the event loop: a fraction of a millisecond. */
const OWNERS_A_SLICE = 200;

const meter = new LoopDelayMeter();

/** Measures from when Nest has built the application, which is before the node joins. */
@Injectable()
class MeterFromStart implements OnModuleInit {
  onModuleInit(): void {
    if (process.env['METER'] === 'boot') meter.start();
  }
}

@Module({
  imports: [
    SwarmModule.forRoot({
      cluster: process.env['CLUSTER'] ?? '',
      node: {
        hosting: process.env['HOSTING'] !== 'false',
        ...(address !== undefined && { host: address, port: PORT }),
      },
      ...(peers !== undefined && { discovery: [staticPeers(peers.split(','))] }),
    }),
  ],
  providers: [BenchWorker, MeterFromStart],
})
class AppModule {}

const app = await NestFactory.createApplicationContext(AppModule, { logger: ['error', 'warn'] });
const registry = app.get(SwarmRegistry);
const groups = app.get(SwarmGroups);
const cluster = app.get(SwarmCluster);
let load: SteadyLoad | undefined;

/** A call that was under way when its node died may or may not have been handled; it is asked again. */
async function reach(name: string): Promise<void> {
  for (;;) {
    try {
      await registry.call(name, 'add', { add: 1 });
      return;
    } catch (error) {
      if (!(error instanceof SwarmError) || error.code !== 'ERR_SWARM_NODE_UNAVAILABLE') throw error;
    }
  }
}

function refOf(name: string): WorkerRef<BenchWorker> {
  const ref = registry.whereis(name, BenchWorker);
  if (!ref) throw new Error(`"${name}" is not registered`);
  return ref;
}

/** Calls a worker that sends back what it gets, as a user would who holds its ref. */
async function callRate(
  name: string,
  kind: PayloadKind,
  bytes: number,
  width: number,
  forMs: number,
): Promise<number> {
  const ref = refOf(name);
  const data = payloadOf(kind, bytes);
  checkEcho(await ref.call('echo', data), data);
  return rateOf(width, forMs, () => ref.call('echo', data));
}

/** The same with a message as small as they come. */
function addRate(name: string, width: number, forMs: number): Promise<number> {
  const ref = refOf(name);
  return rateOf(width, forMs, () => ref.call('add', { add: 1 }));
}

/** The time, by the clock of the machine, at which `isSo` is seen to be. */
async function when(isSo: () => boolean): Promise<number> {
  while (!isSo()) await sleep(1);
  return sharedNow();
}

function hosted(): number {
  return [...registry.registered({ node: cluster.self.id })].length;
}

/**
 * When a node hosted so many names, as this one sees it. Told by the registry: who goes through all names time and again
 * takes the processor from those that are measured.
 */
function hostsAt(node: string, names: number): Promise<number> {
  return new Promise((resolve) => {
    const held = new Set<string>();
    const look = (): void => {
      if (held.size < names) return;
      changes.unsubscribe();
      resolve(sharedNow());
    };
    const changes = registry.watch({ node }).subscribe(({ type, name }) => {
      if (type === 'unregistered') held.delete(name);
      else held.add(name);
      look();
    });
    for (const { name } of registry.registered({ node })) held.add(name);
    look();
  });
}

/** How many of the names belong to a node. In slices: the delay of this process's event loop may be measured meanwhile. */
async function belongTo(node: string, prefix: string, count: number): Promise<number> {
  let belong = 0;
  for (let index = 0; index < count; index++) {
    if (cluster.ownerOf(`${prefix}${index}`, BenchWorker) === node) belong++;
    if (index % OWNERS_A_SLICE === 0) await nextTurn();
  }
  return belong;
}

function misplaced(names: readonly string[]): number {
  return names.filter((name) => registry.whereis(name)?.node !== cluster.ownerOf(name, BenchWorker)).length;
}

/** Equal on two nodes that know the same of all names. */
function digest(): string {
  const hash = createHash('sha1');
  const rows = [...registry.registered()].map(({ name, node, fence }) => `${name} ${node} ${fence}`);
  for (const row of rows.sort()) hash.update(`${row}\n`);
  return hash.digest('hex');
}

function namesOf(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${index}`);
}

/** `anew`: each name is put together for its lookup, as if it came with a request. */
function lookupRate(prefix: string, count: number, forMs: number, anew: boolean): number {
  const names = Array.from({ length: count }, (_, index) => `${prefix}${index}`);
  // A multiplier without a common divisor visits all names, and no two neighbours in a row.
  const step = 7919;
  let done = 0;
  let found = 0;
  let at = 0;
  const began = performance.now();
  do {
    for (let index = 0; index < LOOKUPS; index++) {
      at = (at + step) % count;
      if (registry.whereis(anew ? `${prefix}${at}` : (names[at] ?? ''))) found++;
    }
    done += LOOKUPS;
  } while (performance.now() < began + forMs);
  const rate = (done / (performance.now() - began)) * 1000;
  if (found !== done) throw new Error(`${done - found} of ${done} lookups found nothing`);
  return rate;
}

async function multiCall(group: string, members: number): Promise<number> {
  const began = performance.now();
  const answers = await groups.multiCall(group, 'add', { add: 1 });
  const took = performance.now() - began;
  if (answers.length !== members) throw new Error(`${answers.length} of ${members} members answered`);
  return took;
}

serve(cluster.self.id, {
  ready: (nodes: number) => cluster.ready({ nodes }),
  count: () => registry.count(),
  /** Resolves when this node knows so many names. */
  knows: async (names: number) => {
    while (registry.count() !== names) await sleep(5);
  },
  register: (prefix: string, from: number, count: number, width: number, args?: { group: string }) =>
    timeFor(count, width, (index) => registry.register(`${prefix}${from + index}`, BenchWorker, args)),
  unregister: (prefix: string, from: number, count: number, width: number) =>
    timeFor(count, width, async (index) => {
      const name = `${prefix}${from + index}`;
      if (!(await registry.unregister(name))) throw new Error(`"${name}" was not registered`);
    }),
  /** Registers a name that the strategy places on the node. */
  registerOn: async (node: string, prefix: string) => {
    for (let index = 0; ; index++) {
      const name = `${prefix}${index}`;
      if (cluster.ownerOf(name, BenchWorker) !== node) continue;
      const ref = await registry.register(name, BenchWorker);
      if (ref.node !== node) throw new Error(`"${name}" runs on ${ref.node}`);
      return name;
    }
  },
  /** Resolves when every name has answered. */
  reachAll: (prefix: string, count: number, width: number) =>
    timeFor(count, width, (index) => reach(`${prefix}${index}`)),
  hosted,
  lookupRate,
  callRate,
  addRate,
  /** When so many names were known here. */
  knownAt: (names: number) => when(() => registry.count() === names),
  /** When so many nodes were seen up. */
  upAt: (nodes: number) =>
    when(() => cluster.nodes().filter(({ status }) => status === 'up').length === nodes),
  hostsAt,
  belongTo,
  misplaced: (prefix: string, count: number) => misplaced(namesOf(prefix, count)),
  settled: () => cluster.settled(),
  nodesUp: () => cluster.nodes().filter(({ status }) => status === 'up').length,
  /** How many names have less than `least`. */
  below: async (prefix: string, count: number, least: number, width: number) => {
    let below = 0;
    await timeFor(count, width, async (index) => {
      if ((await registry.call<number>(`${prefix}${index}`, 'add', { add: 0 })) < least) below++;
    });
    return below;
  },
  digest,
  now: sharedNow,
  load: (prefix: string, count: number, perSecond: number) => {
    const add = (name: string, by: number): Promise<number> =>
      registry.call<number>(name, 'add', { add: by });
    load = new SteadyLoad(namesOf(prefix, count), perSecond, add);
  },
  beginPhase: () => load?.beginPhase(),
  phase: () => load?.phase(),
  endLoad: () => load?.stop(),
  /** Adds to every name once; the sum of what they had then. */
  addAll: async (prefix: string, count: number, by: number, width: number) => {
    let sum = 0;
    await timeFor(count, width, async (index) => {
      const total = await registry.call<number>(`${prefix}${index}`, 'add', { add: by });
      sum += total;
    });
    return sum;
  },
  /** How long the node took to leave, and how many workers it took along. */
  drain: async () => {
    const began = performance.now();
    const report = await cluster.drain();
    return { ms: performance.now() - began, moved: report.moved };
  },
  startMeter: () => meter.start(),
  stopMeter: () => meter.stop(),
  members: (group: string) => groups.members(group).length,
  arm: () => deliveries.arm(),
  lastDelivery: () => deliveries.last(),
  /** When it was published, by the clock of the machine. */
  publish: (group: string, members: number) => {
    const at = sharedNow();
    const addressed = groups.publish(group, 'publish', { add: 1 });
    if (addressed !== members) throw new Error(`${addressed} of ${members} members were addressed`);
    return at;
  },
  multiCall,
  /** What is in use after the garbage was collected. */
  memory: async () => {
    if (!globalThis.gc) throw new Error('the process was started without --expose-gc');
    await sleep(200);
    globalThis.gc();
    globalThis.gc();
    const { heapUsed, external, rss } = process.memoryUsage();
    return { heap: heapUsed, external, rss };
  },
});
