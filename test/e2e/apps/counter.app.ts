import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MessagePattern, Payload } from '@nestjs/microservices';
import {
  OnHandoff,
  SwarmCluster,
  SwarmError,
  SwarmModule,
  SwarmRegistry,
  SwarmWorker,
  type OnWorkerStart,
  type WorkerContext,
} from 'nestjs-swarm';
import { fingerprint } from './support/fingerprint.js';
import { inParallel } from './support/in-parallel.js';
import { serve } from './support/operations.js';
import { swarmOptions } from './support/swarm-options.js';

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

@Module({
  imports: [SwarmModule.forRoot(swarmOptions())],
  providers: [CounterWorker],
})
class AppModule {}

const app = await NestFactory.createApplicationContext(AppModule, { logger: ['error', 'warn', 'log'] });
const registry = app.get(SwarmRegistry);
const cluster = app.get(SwarmCluster);

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

const operations = {
  register: async (name: string) => (await registry.register(name, CounterWorker)).toJSON(),
  registerLocal: async (name: string) => (await registry.registerLocal(name, new LocalObject())).toJSON(),
  registerMany: (prefix: string, from: number, to: number) =>
    inParallel(to - from, 256, (index) => registry.register(`${prefix}${from + index}`, CounterWorker)),
  call: (name: string, pattern: string, data: unknown) => registry.call(name, pattern, data),
  /** Calls every name once; rejects if one call fails. */
  callAll: (prefix: string, count: number) =>
    inParallel(count, 64, (index) => registry.call(`${prefix}${index}`, 'add', 1)),
  /** Resolves when every name has answered. */
  reachAll: (prefix: string, count: number) => inParallel(count, 512, (index) => reach(`${prefix}${index}`)),
  ready: (nodes: number) => cluster.ready({ nodes }),
  nodes: () => cluster.nodes().map(({ id, status }) => `${id} ${status}`),
  count: () => registry.count(),
  hosted: () => [...hosted],
  fingerprint: () => fingerprint(registry),
  heapUsed: () => {
    globalThis.gc?.();
    return process.memoryUsage().heapUsed;
  },
  /** Bytes that this process holds on to. */
  held: () => {
    globalThis.gc?.();
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  },
  inspect: () => cluster.inspect(),
  /** Sends many messages that nobody waits for, as fast as they are taken; how many were. */
  flood: async (name: string, count: number) => {
    let taken = 0;
    for (let sent = 0; sent < count; sent++) {
      try {
        registry.cast(name, 'add', 0);
        taken++;
      } catch (error) {
        if (!(error instanceof SwarmError)) throw error;
      }
      if (sent % 1_000 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    return taken;
  },
  close: () => app.close(),
  resources: () => process.getActiveResourcesInfo(),
};

serve(operations, cluster.self.id);
