import { Injectable, Module, type ModuleMetadata } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MessagePattern } from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import { describe, expect, it } from 'vitest';
import {
  SwarmCluster,
  SwarmConfigurationError,
  SwarmGroups,
  SwarmModule,
  type SwarmModuleOptions,
  type SwarmOptionsFactory,
  SwarmRegistry,
  SwarmWorker,
} from '../../../lib/index.js';
import { NodeRuntime } from '../../../lib/runtime/node.runtime.js';
import { SWARM_PARTS } from '../../../lib/swarm-parts.js';
import { MemoryNetwork } from '../../../lib/transport/memory/memory.network.js';

@SwarmWorker()
class Device {
  @MessagePattern('ping')
  ping(): string {
    return 'pong';
  }
}

/** It takes a second or so. */
const MORE_THAN_A_TURN = 50_000;

const lines: string[] = [];
const note = (line: string): void => void lines.push(line);

function options(more: SwarmModuleOptions = {}): SwarmModuleOptions {
  return {
    cluster: 'shop',
    node: { name: 'api-1', port: 7946 },
    ...more,
    [SWARM_PARTS]: {
      transport: new MemoryNetwork(new NodeRuntime()).transport({ host: '127.0.0.1', port: 7946 }),
      logger: { error: note, log: note, warn: note, debug() {}, verbose() {} },
    },
  } as SwarmModuleOptions;
}

async function boot(metadata: ModuleMetadata) {
  class AppModule {}
  Module(metadata)(AppModule);
  return NestFactory.createApplicationContext(AppModule, { logger: false, abortOnError: false });
}

async function faultsOf(metadata: ModuleMetadata): Promise<readonly string[]> {
  const error: unknown = await boot(metadata).catch((reason: unknown) => reason);
  if (!(error instanceof SwarmConfigurationError)) throw error;
  return error.faults;
}

class Factory implements SwarmOptionsFactory {
  createSwarmOptions(): SwarmModuleOptions {
    return options({ cluster: 'by-class' });
  }
}

@Module({
  providers: [Factory, { provide: 'CLUSTER', useValue: 'by-factory' }],
  exports: [Factory, 'CLUSTER'],
})
class ConfigModule {}

describe('SwarmModule', () => {
  it('gives its services to every module, and one line at boot', async () => {
    @Injectable()
    class Somewhere {
      constructor(
        readonly registry: SwarmRegistry,
        readonly groups: SwarmGroups,
        readonly cluster: SwarmCluster,
      ) {}
    }
    @Module({ providers: [Somewhere, Device] })
    class FeatureModule {}
    lines.length = 0;
    const app = await boot({ imports: [FeatureModule, SwarmModule.forRoot(options())] });
    const { registry, cluster } = app.get(Somewhere, { strict: false });
    expect(lines).toEqual([
      'Swarm "shop": api-1@127.0.0.1:7946 is up, alone (there is no discovery), hosting Device',
    ]);
    expect(await (await registry.register('a', Device)).call('ping')).toBe('pong');
    expect(cluster.self.id).toBe('api-1@127.0.0.1:7946');
    await app.close();
  });

  it.each([
    [
      'useFactory',
      { useFactory: async (cluster: string) => options({ cluster }), inject: ['CLUSTER'] },
      'by-factory',
    ],
    ['useClass', { useClass: Factory }, 'by-class'],
    ['useExisting', { useExisting: Factory }, 'by-class'],
  ])('takes options by %s', async (_title, how, cluster) => {
    lines.length = 0;
    const app = await boot({ imports: [SwarmModule.forRootAsync({ imports: [ConfigModule], ...how })] });
    expect(lines[0]).toContain(`Swarm "${cluster}"`);
    await app.close();
  });

  it('tells that forRootAsync was not told where the options come from', () => {
    expect(() => SwarmModule.forRootAsync({ imports: [ConfigModule] })).toThrow(
      'needs useFactory, useClass or useExisting',
    );
  });

  it('tells all faults of options, workers and imports in one error', async () => {
    const faulty = options({ acks: -1, hartbeatMs: 1 } as SwarmModuleOptions);
    expect(
      await faultsOf({
        imports: [SwarmModule.forRoot(faulty), SwarmModule.forRoot(options())],
        controllers: [Device],
      }),
    ).toEqual([
      expect.stringContaining('SwarmModule.forRoot() is imported 2 times'),
      expect.stringContaining('acks must be a whole number'),
      expect.stringContaining('hartbeatMs is no option; did you mean heartbeatMs?'),
      expect.stringContaining('Device is a worker in the controllers of AppModule'),
    ]);
  });

  it('tells that forRoot is missing', async () => {
    expect(await faultsOf({ imports: [SwarmModule] })).toEqual([
      expect.stringContaining('SwarmModule.forRoot()'),
    ]);
  });

  it('does not start in a testing module that is only compiled, and closes all the same', async () => {
    const app = await Test.createTestingModule({
      imports: [SwarmModule.forRoot(options())],
      providers: [Device],
    }).compile();
    expect(() => app.get(SwarmRegistry, { strict: false }).count()).toThrow('not started');
    await app.close();
  });

  it('runs several applications in one process', async () => {
    const apps = await Promise.all(
      [1, 2].map(() => boot({ imports: [SwarmModule.forRoot(options())], providers: [Device] })),
    );
    await Promise.all(
      apps.map(async (app) => {
        const ref = await app.get(SwarmRegistry, { strict: false }).register('same', Device);
        expect(await ref.call('ping')).toBe('pong');
      }),
    );
    await Promise.all(apps.map((app) => app.close()));
  });

  it.each<[string, (registry: SwarmRegistry, count: number, groups: SwarmGroups) => Promise<unknown>]>([
    ['calls its own worker', (registry) => registry.call('lamp', 'ping')],
    ['calls a name that nobody has', (registry) => registry.call('nobody', 'ping').catch(() => undefined)],
    ['sends what cannot travel', (registry) => registry.call('lamp', 'ping', () => 1).catch(() => undefined)],
    ['looks for a name', (registry) => registry.locate('nobody')],
    ['wants a name that is taken', (registry) => registry.register('lamp', Device).catch(() => undefined)],
    ['wants a worker that is there', (registry) => registry.registerOrGet('lamp', Device)],
    ['ends what has ended', (registry) => registry.unregister('nobody')],
    ['joins a group again', (_, _count, groups) => groups.join('lamps', 'lamp')],
    ['asks a group without members', (_, _count, groups) => groups.multiCall('nobody', 'ping')],
    ['registers names', (registry, count) => registry.register(`lamp-${count}`, Device)],
  ])('lets the event loop go on while an application that is alone %s again and again', async (_, ask) => {
    const app = await boot({ imports: [SwarmModule.forRoot(options())], providers: [Device] });
    const registry = app.get(SwarmRegistry);
    await registry.register('lamp', Device);
    const timer = { isDue: false };
    setTimeout(() => (timer.isDue = true), 1);
    for (let count = 0; !timer.isDue && count < MORE_THAN_A_TURN; count++)
      await ask(registry, count, app.get(SwarmGroups));
    expect(timer.isDue).toBe(true);
    await app.close();
  });

  it('leaves nothing behind when its node cannot start', async () => {
    const network = new MemoryNetwork(new NodeRuntime());
    const taken = (): SwarmModuleOptions =>
      ({
        ...options(),
        [SWARM_PARTS]: { transport: network.transport({ host: '127.0.0.1', port: 1 }) },
      }) as SwarmModuleOptions;
    const app = await boot({ imports: [SwarmModule.forRoot(taken())] });
    await expect(boot({ imports: [SwarmModule.forRoot(taken())] })).rejects.toThrow();
    await app.close();
    const again = await boot({ imports: [SwarmModule.forRoot(taken())] });
    await again.close();
  });
});
