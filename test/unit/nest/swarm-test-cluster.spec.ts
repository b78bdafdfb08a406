import {
  type CanActivate,
  DefaultValuePipe,
  type DynamicModule,
  type ExecutionContext,
  Inject,
  Injectable,
  Module,
  NotFoundException,
  UseGuards,
} from '@nestjs/common';
import { Ctx, EventPattern, MessagePattern, Payload, RpcException } from '@nestjs/microservices';
import { EMPTY, of } from 'rxjs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  AlreadyRegisteredError,
  type DieReason,
  OnHandoff,
  type OnWorkerStart,
  RemoteError,
  ShuttingDownError,
  SwarmCluster,
  SwarmContext,
  type SwarmEvent,
  SwarmGroups,
  SwarmModule,
  type SwarmModuleOptions,
  SwarmRegistry,
  SwarmWorker,
  UnknownPatternError,
  WorkerContext,
  WorkerNotFoundError,
  type WorkerRef,
  WorkerStartError,
} from '../../../lib/index.js';
import { SwarmTestCluster } from '../../../lib/testing/index.js';

const ended: string[] = [];

@Injectable()
class Readings {
  readonly saved: number[] = [];
}

@Injectable()
class OnlyEven implements CanActivate {
  constructor(@Inject('LIMIT') private readonly limit: number) {}

  canActivate(context: ExecutionContext): boolean {
    const value = context.switchToRpc().getData<number>();
    return value % 2 === 0 && value < this.limit;
  }
}

@SwarmWorker()
class DeviceWorker implements OnWorkerStart<{ model: string }> {
  private total = 0;
  private model = '';
  private ctx?: WorkerContext;

  constructor(
    private readonly readings: Readings,
    private readonly registry: SwarmRegistry,
  ) {}

  async onWorkerStart(ctx: WorkerContext, args: { model: string }): Promise<void> {
    if (args.model === 'broken') throw new Error('does not start');
    this.ctx = ctx;
    this.model = args.model;
    await ctx.join('devices');
  }

  @MessagePattern('record')
  record(@Payload() value: number): number {
    this.readings.saved.push(value);
    return (this.total += value);
  }

  @MessagePattern('recordEven')
  @UseGuards(OnlyEven)
  recordEven(@Payload() value: number): number {
    return this.record(value);
  }

  @MessagePattern('describe')
  describe(@Ctx() ctx: SwarmContext): unknown {
    return {
      model: this.model,
      pattern: ctx.pattern,
      from: ctx.from,
      name: ctx.worker.name,
      node: this.ctx?.node,
    };
  }

  @MessagePattern('stream')
  stream() {
    return of(1, 2, this.total);
  }

  @MessagePattern('nothing')
  nothing() {
    return EMPTY;
  }

  @MessagePattern('fail')
  fail(@Payload() kind: string): never {
    if (kind === 'http') throw new NotFoundException('no such reading');
    if (kind === 'rpc') throw new RpcException({ kind });
    throw new Error(kind);
  }

  @EventPattern('reset')
  reset(@Payload() to: number | undefined): void {
    this.total = to ?? 0;
  }

  @MessagePattern('ask')
  async ask(@Payload() other: WorkerRef<DeviceWorker> | string): Promise<unknown> {
    return typeof other === 'string'
      ? this.registry.call(other, 'ask', other, { timeoutMs: 100 })
      : other.call('record', 1);
  }

  @OnHandoff('die')
  close(reason: DieReason): void {
    ended.push(reason);
  }
}

function application(options: SwarmModuleOptions) {
  @Module({
    imports: [SwarmModule.forRoot({ ...options, callTimeoutMs: 2000 })],
    providers: [DeviceWorker, Readings, { provide: 'LIMIT', useValue: 100 }],
  })
  class AppModule {}
  return AppModule;
}

let cluster: SwarmTestCluster;
const boot = async (nodes: number): Promise<SwarmTestCluster> => {
  cluster = await SwarmTestCluster.create({ nodes, module: application });
  return cluster;
};
const registry = (index: number): SwarmRegistry => cluster.app(index).get(SwarmRegistry, { strict: false });
const groups = (index: number): SwarmGroups => cluster.app(index).get(SwarmGroups, { strict: false });
const view = (index: number): SwarmCluster => cluster.app(index).get(SwarmCluster, { strict: false });
/** A name that belongs on a node. */
const nameOn = (index: number, prefix = 'device'): string => {
  const self = view(index).self.id;
  for (let n = 0; ; n += 1)
    if (view(0).ownerOf(`${prefix}-${n}`, DeviceWorker) === self) return `${prefix}-${n}`;
};

afterEach(async () => {
  vi.useRealTimers();
  await cluster.close();
  ended.length = 0;
});

describe('two applications over a network in memory', () => {
  it('form a swarm, also when NODE_ENV is test', async () => {
    expect(process.env['NODE_ENV']).toBe('test');
    await boot(2);
    expect(
      view(0)
        .nodes()
        .map(({ id, status }) => [id, status]),
    ).toEqual([
      ['node-1@127.0.0.1:1', 'up'],
      ['node-2@127.0.0.1:2', 'up'],
    ]);
    expect(view(1).self).toMatchObject({ name: 'node-2', types: ['DeviceWorker'], hosting: true });
    await view(1).ready({ nodes: 2 });
  });

  it('register workers where they belong, and call them from everywhere', async () => {
    await boot(2);
    for (const home of [0, 1]) {
      const name = nameOn(home);
      const ref = await registry(0).register(name, DeviceWorker, { model: 'm1' });
      expect(ref.node).toBe(view(home).self.id);
      expect(ref.fence).toBeGreaterThan(0);
      expect(await ref.call('record', 1)).toBe(1);
      expect(await registry(1).call(registry(1).whereis(name, DeviceWorker)!, 'record', 2)).toBe(3);
      expect(cluster.app(home).get(Readings).saved).toEqual([1, 2]);
      expect(await ref.call('describe')).toEqual({
        model: 'm1',
        pattern: 'describe',
        from: view(0).self.id,
        name,
        node: view(home).self.id,
      });
    }
    expect(registry(1).count()).toBe(2);
    expect([...registry(1).registered({ type: DeviceWorker })]).toHaveLength(2);
    expect(() => registry(0).whereis(nameOn(0), DeviceWorker)).not.toThrow();
  });

  it('guard, observe, fail and cast alike here and there', async () => {
    await boot(2);
    for (const home of [0, 1]) {
      const ref = await registry(0).register(nameOn(home), DeviceWorker, { model: 'm1' });
      expect(await ref.call('recordEven', 2)).toBe(2);
      await expect(ref.call('recordEven', 3)).rejects.toMatchObject({
        statusCode: 403,
        remote: { name: 'ForbiddenException' },
      });
      await expect(ref.call('recordEven', 200)).rejects.toThrow(RemoteError);
      expect(await ref.call('stream')).toBe(2);
      expect(await ref.call('nothing')).toBeUndefined();
      await expect(ref.call('fail', 'http')).rejects.toMatchObject({
        statusCode: 404,
        message: 'no such reading',
      });
      await expect(ref.call('fail', 'rpc')).rejects.toMatchObject({ remote: { payload: { kind: 'rpc' } } });
      await expect(ref.call('fail', 'other')).rejects.toMatchObject({ statusCode: 500, expose: false });
      await expect(registry(0).call(ref.name, 'reset')).rejects.toThrow(UnknownPatternError);
      await expect(registry(0).call(ref.name, 'close')).rejects.toThrow(UnknownPatternError);
      ref.cast('reset', 40);
      expect(await ref.call('record', 2)).toBe(42);
    }
    await expect(registry(0).call('nobody', 'record')).rejects.toThrow(WorkerNotFoundError);
  });

  it('say who holds a name, as a ref that works', async () => {
    await boot(2);
    const name = nameOn(1);
    await registry(0).register(name, DeviceWorker, { model: 'm1' });
    const error = await registry(1)
      .register(name, DeviceWorker, { model: 'm2' })
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(AlreadyRegisteredError);
    const { ref } = error as AlreadyRegisteredError<WorkerRef<DeviceWorker>>;
    expect(await ref.call('record', 5)).toBe(5);
    expect((await registry(1).registerOrGet(name, DeviceWorker, { model: 'm2' })).fence).toBe(ref.fence);
    await expect(registry(0).register(nameOn(1, 'x'), DeviceWorker, { model: 'broken' })).rejects.toThrow(
      WorkerStartError,
    );
    expect(await registry(0).locate(nameOn(1, 'x'))).toBeUndefined();
    expect(await registry(0).unregister(name)).toBe(true);
    expect(await registry(0).unregister(name)).toBe(false);
    expect(ended).toEqual(['unregistered']);
  });

  it('send refs, and find a worker that waits for itself', async () => {
    await boot(2);
    const [a, b] = [nameOn(0), nameOn(1)];
    const first = await registry(0).register(a, DeviceWorker, { model: 'm1' });
    const second = await registry(0).register(b, DeviceWorker, { model: 'm1' });
    expect(await first.call('ask', second)).toBe(1);
    expect(await second.call('ask', first)).toBe(1);
    await expect(registry(0).call(a, 'ask', a)).rejects.toMatchObject({
      remote: {
        name: 'CallTimeoutError',
        message: expect.stringContaining(`waits for itself: ${a} -> ${a}`),
      },
    });
  });

  it('pin objects to their node', async () => {
    await boot(2);
    class Gauge {
      value = 7;
      @MessagePattern('read')
      read(): number {
        return this.value;
      }
    }
    const gauge = new Gauge();
    const ref = await registry(0).registerLocal('gauge', gauge);
    expect(ref.type).toBe('Gauge');
    gauge.value = 8;
    expect(await registry(1).call('gauge', 'read')).toBe(8);
    expect(registry(1).whereis('gauge', Gauge)?.node).toBe(view(0).self.id);
    await cluster.stop(0);
    await cluster.settled();
    expect(registry(1).whereis('gauge')).toBeUndefined();
  });

  it('reach groups', async () => {
    await boot(2);
    const names = [nameOn(0), nameOn(1)];
    for (const name of names) await registry(0).register(name, DeviceWorker, { model: 'm1' });
    await cluster.settled();
    for (const index of [0, 1]) {
      expect(
        groups(index)
          .members('devices')
          .map(({ name }) => name)
          .sort(),
      ).toEqual([...names].sort());
      expect(groups(index).groups()).toEqual(['devices']);
    }
    expect(groups(0).publish('devices', 'reset', 10)).toBe(2);
    expect(await groups(0).multiCall('devices', 'record', 1)).toEqual([11, 11]);
    const outcomes = await groups(1).multiCallSettled('devices', 'fail', 'x');
    expect(outcomes.map(({ error }) => error instanceof RemoteError)).toEqual([true, true]);
    await groups(1).leave('devices', names[0]!);
    await groups(1).join('other', names[0]!);
    expect(
      groups(1)
        .members('other')
        .map(({ name }) => name),
    ).toEqual([names[0]]);
    expect(
      groups(1)
        .members('devices')
        .map(({ name }) => name),
    ).toEqual([names[1]]);
  });

  it('tell what happens, and start the workers of a killed node again', async () => {
    await boot(3);
    const events: SwarmEvent['type'][] = [];
    view(0).events$.subscribe(({ type }) => events.push(type));
    const changes: string[] = [];
    const name = nameOn(2);
    registry(0)
      .watch({ prefix: 'device' })
      .subscribe(({ type, node }) => changes.push(`${type} ${node.split('@')[0]}`));
    const ref = await registry(0).register(name, DeviceWorker, { model: 'm1' });
    await ref.call('record', 1);
    const { fence } = ref;
    await cluster.settled();
    await cluster.kill(2);
    await cluster.settled();
    expect(events).toContain('node-down');
    expect(await ref.call('record', 1)).toBe(1);
    expect(ref.node).not.toContain('node-3');
    expect(ref.fence).toBeGreaterThan(fence!);
    expect(changes[0]).toBe('registered node-3');
    expect(changes.at(-1)).toMatch(/^(registered|updated) node-[12]$/);
    expect(
      groups(0)
        .members('devices')
        .map((member) => member.name),
    ).toEqual([name]);
    expect(() => cluster.app(2)).toThrow('node 2 was killed or stopped');
  });

  it('settle while the timers of the application are replaced by those of its tests', async () => {
    await boot(3);
    vi.useFakeTimers();
    await cluster.kill(2);
    await cluster.settled();
    expect(view(0).nodes()).toHaveLength(2);
  }, 10_000);

  it('answer with ShuttingDownError after they are closed', async () => {
    await boot(1);
    const closed = registry(0);
    const ref = await closed.register('a', DeviceWorker, { model: 'm1' });
    let completed = false;
    view(0).events$.subscribe({ complete: () => (completed = true) });
    await cluster.close();
    expect(ended).toEqual(['stopped']);
    expect(completed).toBe(true);
    await expect(closed.register('b', DeviceWorker, { model: 'm1' })).rejects.toThrow(ShuttingDownError);
    await expect(ref.call('record', 1)).rejects.toThrow(ShuttingDownError);
    expect(() => closed.whereis('a')).toThrow(ShuttingDownError);
    expect(() => closed.registered()).toThrow(ShuttingDownError);
    expect(ref.toJSON().node).toBeUndefined();
  });

  it('are of two swarms at rest when they have settled over a cut, and of one after it is healed', async () => {
    await boot(2);
    await registry(0).register('lamp', DeviceWorker, { model: 'm1' });
    cluster.cut(0, 1);
    await cluster.settled();
    for (const index of [0, 1]) {
      expect(view(index).nodes()).toHaveLength(1);
      expect(registry(index).whereis('lamp')?.node).toBe(view(index).self.id);
    }
    cluster.heal();
    await cluster.settled();
    expect(view(0).nodes()).toHaveLength(2);
    expect(registry(0).whereis('lamp')?.node).toBe(registry(1).whereis('lamp')?.node);
  });

  it('settle over a cut that they have not found out yet only when they have', async () => {
    await boot(2);
    cluster.cut(0, 1);
    await expect(cluster.settled({ timeoutMs: 10 })).rejects.toThrow(/still sees/);
  });

  it('have found a way by a third when they have settled over a cut between two', async () => {
    await boot(3);
    cluster.cut(0, 1);
    await expect(cluster.settled({ timeoutMs: 10 })).rejects.toThrow(/by way of another/);
    await cluster.settled();
    const way = view(0)
      .inspect()
      .transport.links.find(({ peer }) => peer === view(1).self.id);
    expect(way?.via).toBe(view(2).self.id);
    for (const index of [0, 1, 2]) expect(view(index).nodes()).toHaveLength(3);
  });
});

describe('errors of handlers', () => {
  class Always implements CanActivate {
    canActivate(): boolean {
      return true;
    }
  }

  @SwarmWorker()
  class Failing {
    @MessagePattern('plain')
    plain(@Payload() kind: string): never {
      throw kind === 'http' ? new NotFoundException(kind) : new Error(kind);
    }

    @MessagePattern('guarded')
    @UseGuards(Always)
    guarded(@Payload(new DefaultValuePipe('x')) kind: string): never {
      return this.plain(kind);
    }
  }

  @Module({ providers: [Failing] })
  class FailingModule {}

  it('come and are logged the same with and without enhancers', async () => {
    const logged: string[] = [];
    const log = (level: string) => (line: unknown) =>
      void logged.push(`${level} ${String(line).split('\n')[0]}`);
    const logger = { log() {}, error: log('error'), warn: log('warn'), fatal: log('fatal') };
    cluster = await SwarmTestCluster.create({
      nodes: 1,
      logger,
      module: (options) => ({ module: FailingModule, imports: [SwarmModule.forRoot(options)] }),
    });
    const ref = await registry(0).register('a', Failing);
    for (const kind of ['http', 'other']) {
      const [plain, guarded] = await Promise.all(
        (['plain', 'guarded'] as const).map((pattern) =>
          ref.call(pattern, kind).catch((error: unknown) => error),
        ),
      );
      expect(plain).toBeInstanceOf(RemoteError);
      expect(guarded).toEqual(plain);
    }
    expect(logged.map((line) => line.replace('guarded', 'plain'))).toEqual(
      Array.from({ length: 2 }, () => 'error Failing "a" threw in "plain": Error: other'),
    );
  });
});

describe('SwarmTestCluster', () => {
  it('leaves no node behind when a hook fails after the nodes are up', async () => {
    let hooks = 0;
    const swarms: SwarmCluster[] = [];
    @Injectable()
    class Fails {
      constructor(private readonly swarm: SwarmCluster) {}
      onApplicationBootstrap(): void {
        swarms.push(this.swarm);
        if (++hooks === 2) throw new Error('no database');
      }
    }
    const faulty = SwarmTestCluster.create({
      nodes: 2,
      module: (options) => {
        @Module({ imports: [SwarmModule.forRoot(options)], providers: [Fails] })
        class App {}
        return App;
      },
    });
    await expect(faulty).rejects.toThrow('no database');
    expect(swarms).toHaveLength(2);
    for (const swarm of swarms) expect(() => swarm.ownerOf('x')).toThrow(ShuttingDownError);
  });

  it('lets all nodes host, whatever names the application lists', async () => {
    for (const lists of [{ nodeWhitelist: [/^api-/] }, { nodeBlacklist: [/^node-/] }]) {
      cluster = await SwarmTestCluster.create({
        nodes: 2,
        module: (options) => application({ ...lists, ...options }),
      });
      expect([view(0).self.hosting, view(1).self.hosting], JSON.stringify(lists)).toEqual([true, true]);
      await registry(0).register(nameOn(1), DeviceWorker, { model: 'm1' });
      await cluster.close();
    }
  });

  it('follows lists of names that come after its options', async () => {
    for (const lists of [{ nodeWhitelist: ['node-1'] }, { nodeBlacklist: [/^node-2$/] }]) {
      cluster = await SwarmTestCluster.create({
        nodes: 2,
        module: (options) => application({ ...options, ...lists }),
      });
      expect([view(0).self.hosting, view(1).self.hosting], Object.keys(lists)[0]).toEqual([true, false]);
      await cluster.close();
    }
  });

  it('says what the boot of a node says', async () => {
    const faulty = SwarmTestCluster.create({
      nodes: 2,
      module: (options) => SwarmModule.forRoot({ ...options, node: { ...options.node, weight: -1 } }),
    });
    await expect(faulty).rejects.toThrow('node.weight');
    await boot(1);
    await expect(SwarmTestCluster.create({ nodes: 0, module: application })).rejects.toThrow(RangeError);
    for (const imports of [[], [SwarmModule.forRoot({ cluster: 'own', discovery: [] })]]) {
      const module = (): DynamicModule => ({ module: class {}, imports });
      await expect(SwarmTestCluster.create({ nodes: 1, module })).rejects.toThrow(
        'node 0 does not use the options',
      );
    }
    expect(() => cluster.app(7)).toThrow(RangeError);
  });
});
