import 'reflect-metadata';
import { createHash } from 'node:crypto';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MessagePattern, Payload } from '@nestjs/microservices';
import {
  AlreadyRegisteredError,
  OnHandoff,
  SwarmCluster,
  SwarmError,
  SwarmModule,
  SwarmRegistry,
  SwarmWorker,
  staticPeers,
  type OnWorkerStart,
  type WorkerContext,
} from 'nestjs-swarm';

/** Names whose worker lives in this process, however the registry sees it. */
const hosted = new Set<string>();

/** A worker of the end-to-end tests; its total is lost with its node. */
@SwarmWorker()
class CounterWorker implements OnWorkerStart {
  private total = 0;
  private name = '';

  onWorkerStart(context: WorkerContext): void {
    this.name = context.name;
    hosted.add(this.name);
  }

  @MessagePattern('add')
  add(@Payload() value: number): number {
    return (this.total += value);
  }

  @OnHandoff('die')
  close(): void {
    hosted.delete(this.name);
  }
}

/** An object of this process, for `registerLocal`. */
class LocalObject {
  @MessagePattern('whoami')
  whoami(): number {
    return process.pid;
  }
}

const { CLUSTER: clusterName, PORT: port, PEERS: peers } = process.env;

@Module({
  imports: [
    SwarmModule.forRoot({
      cluster: clusterName ?? '',
      ...(port && { node: { port: Number(port) } }),
      ...(peers !== undefined && { discovery: [staticPeers(peers.split(',').filter(Boolean))] }),
    }),
  ],
  providers: [CounterWorker],
})
class AppModule {}

const app = await NestFactory.createApplicationContext(AppModule, { logger: ['error', 'warn', 'log'] });
const registry = app.get(SwarmRegistry);
const cluster = app.get(SwarmCluster);

/** Runs `work` for every number below `count`, `width` at a time. */
async function inParallel(
  count: number,
  width: number,
  work: (index: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: width }, lane));
}

/** A call that was under way when its node died may or may not have been handled; it is asked again. */
async function reach(name: string): Promise<void> {
  for (;;) {
    try {
      await registry.call(name, 'add', 1);
      return;
    } catch (error) {
      if (!(error instanceof SwarmError) || error.code !== 'ERR_SWARM_NODE_UNAVAILABLE') throw error;
    }
  }
}

/** What the test's process may ask for. */
const operations: Record<string, (...args: never[]) => unknown> = {
  register: async (name: string) => (await registry.register(name, CounterWorker)).toJSON(),
  registerLocal: async (name: string) => (await registry.registerLocal(name, new LocalObject())).toJSON(),
  registerMany: (prefix: string, from: number, to: number) =>
    inParallel(to - from, 256, (index) => registry.register(`${prefix}${from + index}`, CounterWorker)),
  call: (name: string, pattern: string, data: unknown) => registry.call(name, pattern, data),
  /** Resolves when every name has answered. */
  reachAll: (prefix: string, count: number) => inParallel(count, 512, (index) => reach(`${prefix}${index}`)),
  ready: (nodes: number) => cluster.ready({ nodes }),
  nodes: () => cluster.nodes().map(({ id, status }) => `${id} ${status}`),
  count: () => registry.count(),
  hosted: () => [...hosted],
  /** Equal on nodes whose registries are equal. */
  fingerprint: () => {
    const rows = [...registry.registered()].map(({ name, node, fence }) => `${name} ${node} ${fence}`);
    return `${rows.length} ${createHash('sha1').update(rows.sort().join('\n')).digest('hex')}`;
  },
  heapUsed: () => {
    globalThis.gc?.();
    return process.memoryUsage().heapUsed;
  },
  close: () => app.close(),
  resources: () => process.getActiveResourcesInfo(),
};

process.on('message', ({ id, op, args }: { id: number; op: string; args: never[] }) => {
  const work = async (): Promise<unknown> => operations[op]?.(...args);
  work().then(
    (value) => process.send?.({ id, value }),
    (error: Error) => {
      const code = error instanceof SwarmError ? error.code : undefined;
      const ref = error instanceof AlreadyRegisteredError ? error.ref : undefined;
      process.send?.({ id, error: { name: error.name, message: error.message, code, ref } });
    },
  );
});
process.send?.({ up: cluster.self.id });
