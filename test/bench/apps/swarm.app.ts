import 'reflect-metadata';
import { setTimeout as sleep } from 'node:timers/promises';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { SwarmCluster, SwarmError, SwarmGroups, SwarmModule, SwarmRegistry } from 'nestjs-swarm';
import { BenchWorker } from './bench.worker.js';
import { deliveries } from './deliveries.js';
import { checkLength, rateOf, sharedNow, timeFor } from './load.js';
import { serve } from './serve.js';

/** Lookups between two looks at the clock. */
const LOOKUPS = 10_000;

@Module({
  imports: [
    SwarmModule.forRoot({
      cluster: process.env['CLUSTER'] ?? '',
      node: { hosting: process.env['HOSTING'] !== 'false' },
    }),
  ],
  providers: [BenchWorker],
})
class AppModule {}

const app = await NestFactory.createApplicationContext(AppModule, { logger: ['error', 'warn'] });
const registry = app.get(SwarmRegistry);
const groups = app.get(SwarmGroups);
const cluster = app.get(SwarmCluster);

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

/** Calls a worker, as a user would who holds its ref. */
async function callRate(name: string, bytes: number, width: number, forMs: number): Promise<number> {
  const ref = registry.whereis(name, BenchWorker);
  if (!ref) throw new Error(`"${name}" is not registered`);
  const data = Buffer.alloc(bytes, 'x');
  checkLength(await ref.call('echo', data), bytes);
  return rateOf(width, forMs, () => ref.call('echo', data));
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
  hosted: () => [...registry.registered({ node: cluster.self.id })].length,
  lookupRate,
  callRate,
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
