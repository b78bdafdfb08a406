import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { SwarmCluster, SwarmError, SwarmModule, SwarmRegistry, SwarmWorker } from 'nestjs-swarm';

/** A worker of the end-to-end tests; its total is lost with its node. */
@SwarmWorker()
class CounterWorker {
  private total = 0;

  @MessagePattern('add')
  add(@Payload() value: number): number {
    return (this.total += value);
  }
}

@Module({
  imports: [SwarmModule.forRoot({ cluster: process.env['CLUSTER'] ?? '' })],
  providers: [CounterWorker],
})
class AppModule {}

const app = await NestFactory.createApplicationContext(AppModule, { logger: ['error', 'warn', 'log'] });
const registry = app.get(SwarmRegistry);
const cluster = app.get(SwarmCluster);

/** What the test's process may ask for. */
const operations: Record<string, (...args: never[]) => unknown> = {
  register: async (name: string) => (await registry.register(name, CounterWorker)).toJSON(),
  call: (name: string, pattern: string, data: unknown) => registry.call(name, pattern, data),
  ready: (nodes: number) => cluster.ready({ nodes }),
  nodes: () => cluster.nodes().map(({ id }) => id),
  count: () => registry.count(),
};

process.on('message', ({ id, op, args }: { id: number; op: string; args: never[] }) => {
  const work = async (): Promise<unknown> => operations[op]?.(...args);
  work().then(
    (value) => process.send?.({ id, value }),
    (error: Error) => {
      const code = error instanceof SwarmError ? error.code : undefined;
      process.send?.({ id, error: { name: error.name, message: error.message, code } });
    },
  );
});
process.send?.({ up: cluster.self.id });
