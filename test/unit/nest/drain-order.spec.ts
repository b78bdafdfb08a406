import { setImmediate as turn } from 'node:timers/promises';
import {
  type DynamicModule,
  Global,
  Injectable,
  type LoggerService,
  Module,
  type OnModuleDestroy,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { afterEach, describe, expect, it } from 'vitest';
import {
  type DieReason,
  HandoffDecision,
  OnHandoff,
  resume,
  ShuttingDownError,
  SwarmCluster,
  type SwarmEvent,
  SwarmModule,
  type SwarmModuleOptions,
  SwarmRegistry,
  SwarmWorker,
} from '../../../lib/index.js';
import { KernelNode } from '../../../lib/node/kernel-node.js';
import type { KernelOptions } from '../../../lib/node/kernel-options.js';
import type { KernelParts } from '../../../lib/node/kernel-parts.js';
import { NodeRuntime } from '../../../lib/runtime/node.runtime.js';
import { SWARM_PARTS } from '../../../lib/swarm-parts.js';
import { SwarmTestCluster } from '../../../lib/testing/index.js';
import { MemoryNetwork } from '../../../lib/transport/memory/memory.network.js';

const NAMES = Array.from({ length: 24 }, (_, index) => `device-${index}`);

/** What happened on all nodes, in order. */
let steps: string[] = [];
/** Uses of something that was destroyed already. */
let failed: string[] = [];

/** Something of the application that cannot be used any more once its destroy hook has run. */
abstract class Resource implements OnModuleDestroy {
  uses = 0;
  closed = false;

  async use(by: string): Promise<void> {
    await turn();
    if (this.closed) {
      failed.push(`${by} uses ${this.constructor.name}`);
      throw new Error(`${this.constructor.name} is closed`);
    }
    this.uses += 1;
  }

  onModuleDestroy(): void {
    this.closed = true;
    steps.push('closed');
  }
}

@Injectable()
class Readings extends Resource {}
@Injectable()
class Prices extends Resource {}
@Injectable()
class Database extends Resource {}

@Global()
@Module({ providers: [Database], exports: [Database] })
class DatabaseModule {}

@Module({ providers: [Prices], exports: [Prices] })
class FeatureModule {}

/** Lives on the node that stays: the swarm, too, is something that a worker uses while it is handed off. */
class Clock {
  @MessagePattern('now')
  now(): number {
    return 42;
  }
}

@SwarmWorker()
class DeviceWorker {
  private total = 0;

  constructor(
    private readonly readings: Readings,
    private readonly prices: Prices,
    private readonly database: Database,
    private readonly registry: SwarmRegistry,
  ) {}

  @MessagePattern('add')
  async add(@Payload() value: number): Promise<number> {
    if (Number.isNaN(value)) throw new Error('no number');
    await this.useAll('add');
    return (this.total += value);
  }

  @OnHandoff('begin')
  async pack(): Promise<HandoffDecision<number>> {
    await this.useAll('begin');
    if (this.total < 0) throw new Error('below zero');
    if ((await this.registry.call('clock', 'now')) !== 42) throw new Error('the clock is wrong');
    return resume(this.total);
  }

  @OnHandoff('end')
  async unpack(total: number): Promise<void> {
    await this.useAll('end');
    this.total = total;
  }

  @OnHandoff('die')
  async close(reason: DieReason): Promise<void> {
    // As one that writes a file does: it ends long after the worker runs elsewhere.
    for (let turns = 0; turns < 500; turns++) await turn();
    await this.useAll('die');
    steps.push(reason);
  }

  private async useAll(by: string): Promise<void> {
    for (const resource of [this.readings, this.prices, this.database]) await resource.use(by);
  }
}

@Module({})
class AppModule {
  static with(...imports: NonNullable<DynamicModule['imports']>): DynamicModule {
    return { module: AppModule, imports, providers: [DeviceWorker, Readings] };
  }
}

const appModule = (options: SwarmModuleOptions): DynamicModule =>
  AppModule.with(DatabaseModule, FeatureModule, SwarmModule.forRoot(options));

let cluster: SwarmTestCluster;
const registry = (index: number): SwarmRegistry => cluster.app(index).get(SwarmRegistry, { strict: false });
const view = (index: number): SwarmCluster => cluster.app(index).get(SwarmCluster, { strict: false });
const resources = (index: number): Resource[] =>
  [Readings, Prices, Database].map((cls) => cluster.app(index).get<Resource>(cls, { strict: false }));

/** Two nodes with workers on both, each of which has counted to its index. Answers the names that are on the first. */
async function boot(module: (options: SwarmModuleOptions) => DynamicModule): Promise<string[]> {
  cluster = await SwarmTestCluster.create({ nodes: 2, module });
  await registry(1).registerLocal('clock', new Clock());
  await Promise.all(
    NAMES.map(async (name, index) => {
      const worker = await registry(1).register(name, DeviceWorker);
      await worker.call('add', index);
    }),
  );
  await cluster.settled();
  const { id } = view(0).self;
  const here = NAMES.filter((name) => registry(1).whereis(name)?.node === id);
  expect(here.length).toBeGreaterThan(0);
  expect(here.length).toBeLessThan(NAMES.length);
  return here;
}

afterEach(async () => {
  await cluster?.close();
  steps = [];
  failed = [];
});

describe.each<[string, (options: SwarmModuleOptions) => DynamicModule]>([
  ['first', (options) => AppModule.with(SwarmModule.forRoot(options), DatabaseModule, FeatureModule)],
  ['last', appModule],
  [
    'by a feature module',
    (options) =>
      AppModule.with(DatabaseModule, { module: FeatureModule, imports: [SwarmModule.forRoot(options)] }),
  ],
  [
    'by the global module of the database',
    (options) =>
      AppModule.with({ module: DatabaseModule, imports: [SwarmModule.forRoot(options)] }, FeatureModule),
  ],
  [
    'first, and once more without options',
    (options) =>
      AppModule.with(SwarmModule.forRoot(options), DatabaseModule, {
        module: FeatureModule,
        imports: [SwarmModule],
      }),
  ],
])('with SwarmModule imported %s, app.close()', (_title, module) => {
  it('hands all workers off with their state while everything that they use is open', async () => {
    const moving = await boot(module);
    const stays = view(1).self.id;
    const used = resources(0);
    const before = used.map(({ uses }) => uses);
    await cluster.stop(0);
    expect(failed).toEqual([]);
    // begin and die of each worker that went, and nothing was closed before the last of them had ended.
    expect(used.map(({ uses }, index) => uses - before[index]!)).toEqual(used.map(() => 2 * moving.length));
    expect(steps).toEqual([...moving.map(() => 'drained'), ...used.map(() => 'closed')]);
    expect(used.map(({ closed }) => closed)).toEqual(used.map(() => true));
    await cluster.settled();
    for (const [index, name] of NAMES.entries()) {
      expect(registry(1).whereis(name)?.node).toBe(stays);
      expect(await registry(1).call(name, 'add', 0), name).toBe(index);
    }
  });
});

describe('calls', () => {
  it('from the node that closes and from the other do not fail while workers move', async () => {
    const moving = await boot(appModule);
    const registries = [registry(0), registry(1)];
    const closed = new AbortController();
    let answered = 0;
    const closing = cluster.stop(0).finally(() => closed.abort());
    const callers = registries.map(async (swarm, caller) => {
      while (!closed.signal.aborted) {
        for (const name of moving) {
          try {
            await swarm.call(name, 'add', 0);
            answered += 1;
          } catch (error) {
            // The node that leaves may say so to its own callers, once it has nothing more to hand off.
            if (caller === 1 || !(error instanceof ShuttingDownError)) throw error;
            return;
          }
        }
      }
    });
    await Promise.all([closing, ...callers]);
    expect(answered).toBeGreaterThan(0);
    expect(failed).toEqual([]);
    for (const name of moving) expect(await registry(1).call(name, 'add', 0)).toBe(NAMES.indexOf(name));
  });
});

describe('SwarmCluster.drain()', () => {
  it('hands all workers off and leaves; the rest of the application lives on', async () => {
    const moving = await boot(appModule);
    const [swarm, drained] = [registry(0), view(0)];
    const used = resources(0);
    const events: SwarmEvent[] = [];
    let completed = false;
    drained.events$.subscribe({ next: (event) => events.push(event), complete: () => (completed = true) });
    const [report, same] = await Promise.all([drained.drain(), drained.drain({ timeoutMs: 1 })]);
    expect(same).toBe(report);
    expect(report).toEqual({ moved: moving.length, left: [], tookMs: expect.any(Number) });
    const moved = events.filter((event) => event.type === 'worker-moved').map(({ name }) => name);
    expect(moved.sort()).toEqual([...moving].sort());
    expect(steps).toEqual(moving.map(() => 'drained'));
    for (const resource of used) await resource.use('the application');
    await expect(swarm.call(moving[0]!, 'add', 0)).rejects.toThrow(ShuttingDownError);
    expect(() => swarm.whereis(moving[0]!)).toThrow(ShuttingDownError);
    expect(await drained.drain()).toBe(report);
    await expect
      .poll(() =>
        view(1)
          .nodes()
          .map(({ id }) => id),
      )
      .toEqual([view(1).self.id]);
    expect(completed).toBe(false);
    await cluster.stop(0);
    expect(completed).toBe(true);
    expect(failed).toEqual([]);
    for (const name of moving) expect(await registry(1).call(name, 'add', 0)).toBe(NAMES.indexOf(name));
  });

  it('names what it could not hand off, which starts anew elsewhere', async () => {
    const [stubborn, ...others] = await boot(appModule);
    await registry(0).call(stubborn!, 'add', -1_000);
    const report = await view(0).drain();
    expect(report.moved).toBe(others.length);
    expect(report.left).toEqual([
      { name: stubborn, type: 'DeviceWorker', reason: expect.stringContaining('below zero') },
    ]);
    expect(steps.toSorted()).toEqual([...others.map(() => 'drained'), 'stopped']);
    await cluster.stop(0);
    await cluster.settled();
    expect(failed).toEqual([]);
    expect(await registry(1).call(stubborn!, 'add', 7)).toBe(7);
  });
});

describe('a node that fails when it stops', () => {
  class Failing extends KernelNode {
    override async stop(): Promise<void> {
      await super.stop();
      throw new Error('the network is gone');
    }
  }
  class FailingEarlier extends Failing {
    override async start(): Promise<void> {
      throw new Error('the port is in use');
    }
  }

  function application(Kernel: typeof KernelNode): { module: DynamicModule; errors: string[] } {
    const errors: string[] = [];
    const options = {
      cluster: 'test',
      [SWARM_PARTS]: {
        transport: new MemoryNetwork(new NodeRuntime()).transport({ host: '127.0.0.1', port: 1 }),
        logger: { error: (line: string) => errors.push(line), log() {}, warn() {}, debug() {}, verbose() {} },
        createKernel: (kernel: KernelOptions, parts: KernelParts) => new Kernel(kernel, parts),
      },
    };
    const feature = { module: FeatureModule, imports: [SwarmModule] };
    return { module: AppModule.with(SwarmModule.forRoot(options), DatabaseModule, feature), errors };
  }

  it('says so once, and the rest of the application is closed all the same', async () => {
    const { module, errors } = application(Failing);
    const logged: unknown[] = [];
    const log = (...line: unknown[]) => void logged.push(line);
    const logger: LoggerService = { log() {}, warn: log, error: log, fatal: log };
    const context = await NestFactory.createApplicationContext(module, { logger, abortOnError: false });
    let completed = false;
    context.get(SwarmCluster).events$.subscribe({ complete: () => (completed = true) });
    const used = [Readings, Prices, Database].map((cls) => context.get<Resource>(cls, { strict: false }));
    await context.close();
    expect(used.map(({ closed }) => closed)).toEqual([true, true, true]);
    expect(completed).toBe(true);
    expect(errors).toEqual([
      expect.stringContaining('the application goes on closing: Error: the network is gone'),
    ]);
    expect(logged).toEqual([]);
  });

  it('does not hide why the boot failed', async () => {
    const { module, errors } = application(FailingEarlier);
    const booting = NestFactory.createApplicationContext(module, { logger: false, abortOnError: false });
    await expect(booting).rejects.toThrow('the port is in use');
    expect(errors).toEqual([expect.stringContaining('the network is gone')]);
  });
});
