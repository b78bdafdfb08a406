// A node whose network is cut, whose process is stopped and woken: it writes down what its workers begin and which
// answers its callers accept, so that what it did can be judged afterwards, also when it was killed.
import 'reflect-metadata';
import { subscribe } from 'node:diagnostics_channel';
import { ConsoleLogger, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { staticPeers, SwarmCluster, type SwarmEvent, SwarmModule, SwarmRegistry } from 'nestjs-swarm';
import { machineTime } from '../../support/fence-history.js';
import { Callers } from './network/callers.js';
import { lives, OnceCounter, RingCounter } from './network/counters.js';
import { record } from './network/history.js';
import { fingerprint } from './support/fingerprint.js';
import { inParallel } from './support/in-parallel.js';
import { serve } from './support/operations.js';

const { CLUSTER = '', ADDRESS = '', PORT = '', PEERS = '', DEBUG = '' } = process.env;
/** Of these the latest are kept. */
const EVENTS_KEPT = 10_000;
const BEGUN_KEPT = 100_000;
const REGISTER_AT_ONCE = 64;

@Module({
  imports: [
    SwarmModule.forRoot({
      cluster: CLUSTER,
      node: { name: 'node', host: ADDRESS, port: Number(PORT) },
      discovery: [staticPeers(PEERS.split(','))],
      debug: DEBUG !== '',
    }),
  ],
  providers: [RingCounter, OnceCounter],
})
class AppModule {}

// A test run that was killed leaves nobody behind.
process.once('disconnect', () => process.exit(1));

/** Says when, to the millisecond, so that lines of several processes can be put in order. */
class PreciseLogger extends ConsoleLogger {
  protected override getTimestamp(): string {
    return new Date().toISOString();
  }
}

const app = await NestFactory.createApplicationContext(AppModule, {
  logger: new PreciseLogger({
    colors: false,
    logLevels: ['error', 'warn', 'log', ...(DEBUG === '' ? [] : (['debug'] as const))],
  }),
});
app.enableShutdownHooks();
const registry = app.get(SwarmRegistry);
const cluster = app.get(SwarmCluster);
const { id: node } = cluster.self;
const callers = new Callers(registry, node);

/** The one clock of all processes of the machine, in milliseconds. */
function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** When messages of both types began, and what this node was then. */
const begun: Array<{ readonly at: number; readonly incarnation: number; readonly status: string }> = [];

subscribe('nestjs-swarm:dispatch', (message) => {
  const { name, type, fence, checkedAt } = message as Record<'name' | 'type', string> &
    Record<'fence' | 'checkedAt', number>;
  const at = machineTime(checkedAt);
  if (type === OnceCounter.name) record({ kind: 'begin', name, fence, at, node });
  const { incarnation, status } = cluster.self;
  begun.push({ at: Number(at) / 1e6, incarnation, status });
  if (begun.length > BEGUN_KEPT) begun.splice(0, BEGUN_KEPT / 2);
});

/** What happened to nodes, leases and quorums. */
const events: Array<SwarmEvent & { readonly since: number }> = [];
cluster.events$.subscribe((event) => {
  if (event.type.startsWith('worker-')) return;
  events.push({ ...event, since: now() });
  if (events.length > EVENTS_KEPT) events.splice(0, EVENTS_KEPT / 2);
});

/** What a name begins with says what it is. */
function typeOf(name: string): string {
  return (name.startsWith('once-') ? OnceCounter : RingCounter).name;
}

const operations = {
  settled: () => cluster.settled(),
  register: (names: string[], timeoutMs: number) =>
    inParallel(names.length, REGISTER_AT_ONCE, async (index) => {
      const name = names[index]!;
      await registry.register(name, typeOf(name), undefined, { timeoutMs });
    }),
  call: (name: string, pattern: string, data: unknown, timeoutMs: number) =>
    callers.call(name, pattern, data, timeoutMs),
  reach: (names: string[], withinMs: number) => callers.reach(names, withinMs),
  startLoad: (names: string[], everyMs: number) => callers.start(names, everyMs),
  stopLoad: () => callers.stop(),
  /** How long workers take from now on to be packed for a move. */
  packFor: (ms: number) => void (lives.packMs = ms),
  /** Messages that began after a time of the machine's clock, in milliseconds, before this node had joined again. */
  begunUnjoined: (since: number, before: number) =>
    begun.filter(
      ({ at, incarnation, status }) => at >= since && (incarnation <= before || status === 'joining'),
    ),
  incarnation: () => cluster.self.incarnation,
  hosted: () => [...lives.hosted.values()].map(({ name, fence }) => ({ name, fence })),
  slow: () => [...lives.slow],
  nodes: () => cluster.nodes().map(({ id, status }) => ({ id, status })),
  events: () => events,
  inspect: () => cluster.inspect(),
  explain: (name: string) => cluster.explain(name),
  fingerprint: () => fingerprint(registry),
};

serve(operations, node);
