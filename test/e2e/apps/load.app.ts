// Counters that keep their state wherever they go, and callers that watch how long they are away.
import 'reflect-metadata';
import { setImmediate as breathe } from 'node:timers/promises';
import { type INestApplicationContext, Module, type OnModuleDestroy } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Transport } from '@nestjs/microservices';
import { SwarmCluster, SwarmModule, SwarmRegistry } from 'nestjs-swarm';
import { Load, type LoadPlan } from './load/load.js';
import { LocalFacts } from './load/local.facts.js';
import { type CounterArgs, type CounterReading, StatefulCounter } from './load/stateful-counter.worker.js';
import { fingerprint } from './support/fingerprint.js';
import { inParallel } from './support/in-parallel.js';
import { serve } from './support/operations.js';
import { swarmOptions } from './support/swarm-options.js';

/** Names that are looked at before other work may go on. */
const NAMES_AT_ONCE = 250;

@Module({
  imports: [SwarmModule.forRoot(swarmOptions())],
  providers: [StatefulCounter, LocalFacts],
})
class AppModule implements OnModuleDestroy {
  constructor(private readonly cluster: SwarmCluster) {}

  /** The swarm has drained before: this is the report of that drain. */
  async onModuleDestroy(): Promise<void> {
    const drained = await this.cluster.drain();
    // Written before the process goes on to its end, if the test still listens.
    if (process.connected) await new Promise((resolve) => process.send?.({ drained }, resolve));
  }
}

const logger = ['error', 'warn', 'log'] as const;

/** The application in the form that `KIND` names: a context, an HTTP server, or that and a microservice. */
async function create(): Promise<INestApplicationContext> {
  const { KIND: kind = 'context' } = process.env;
  if (kind === 'context') return NestFactory.createApplicationContext(AppModule, { logger: [...logger] });
  const server = await NestFactory.create(AppModule, { logger: [...logger] });
  if (kind === 'hybrid') {
    server.connectMicroservice({ transport: Transport.TCP, options: { host: '127.0.0.1', port: 0 } });
    await server.startAllMicroservices();
  }
  await server.listen(0, '127.0.0.1');
  return server;
}

const app = await create();
app.enableShutdownHooks();
const registry = app.get(SwarmRegistry);
const cluster = app.get(SwarmCluster);
const facts = app.get(LocalFacts);
let loads: Load[] = [];
const counters: Record<string, number> = {};
cluster.events$.subscribe(({ type }) => (counters[type] = (counters[type] ?? 0) + 1));

const operations = {
  ready: (nodes: number) => cluster.ready({ nodes }),
  settled: () => cluster.settled(),
  nodes: () => cluster.nodes().map(({ id, status }) => `${id} ${status}`),
  inspect: () => cluster.inspect(),
  drain: () => cluster.drain(),
  registerMany: (prefix: string, from: number, to: number, args: CounterArgs) =>
    inParallel(to - from, 256, (index) =>
      registry.register(`${prefix}${from + index}`, StatefulCounter, args),
    ),
  /** May be called several times; the loads run beside each other. */
  startLoad: (plan: LoadPlan) => void loads.push(new Load(registry, plan)),
  lap: () => loads.map((load) => load.lap()),
  stopLoad: () => Promise.all(loads.splice(0).map((load) => load.stop())),
  /** What the counters say of themselves; an error if the ballast of one is not what it was. */
  totals: async (prefix: string, names: number) => {
    const totals = Array<number>(names).fill(0);
    await inParallel(names, 512, async (index) => {
      const { total, intact } = await registry.call<CounterReading>(`${prefix}${index}`, 'get');
      if (!intact) throw new Error(`the ballast of ${prefix}${index} is damaged`);
      totals[index] = total;
    });
    return totals;
  },
  /** How many names are not where this node says that they belong. */
  misplaced: async (prefix: string, names: number) => {
    let misplaced = 0;
    for (let index = 0; index < names; index++) {
      const name = `${prefix}${index}`;
      if (registry.whereis(name)?.node !== cluster.ownerOf(name, StatefulCounter)) misplaced++;
      if (index % NAMES_AT_ONCE === 0) await breathe();
    }
    return misplaced;
  },
  arrivals: (count: number) => facts.arrivals(count),
  hosted: () => facts.hosted(),
  deaths: () => facts.deaths,
  conflicts: () => facts.conflicts,
  /** Events of this node, by type. */
  counters: () => counters,
  fingerprint: () => fingerprint(registry),
  memory: () => process.memoryUsage(),
};

serve(operations, cluster.self.id);
