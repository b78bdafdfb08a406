import { Module } from '@nestjs/common';
import { EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  AlreadyRegisteredError,
  OnHandoff,
  type OnWorkerStart,
  OperationTimeoutError,
  SwarmGroups,
  SwarmModule,
  SwarmRegistry,
  SwarmWorker,
  type WorkerContext,
  WorkerStartError,
} from '../../lib/index.js';
import { SwarmTestCluster } from '../../lib/testing/index.js';

/** What the workers below did, by name. */
const started: string[] = [];
const closed: string[] = [];
const abandoned: string[] = [];
let release: (() => void) | undefined;

interface Plan {
  readonly throws?: string;
  readonly hangs?: boolean;
  readonly registers?: string;
  readonly joins?: string;
  readonly waitsForItself?: boolean;
  readonly registersBroken?: string;
}

@SwarmWorker()
class PlannedWorker implements OnWorkerStart<Plan | undefined> {
  private name = '';
  private heard = 0;

  constructor(private readonly registry: SwarmRegistry) {}

  async onWorkerStart(ctx: WorkerContext, plan: Plan | undefined): Promise<void> {
    this.name = ctx.name;
    if (plan?.hangs) {
      await new Promise<void>((resolve) => (release = resolve));
      if (ctx.signal.aborted) abandoned.push(ctx.name);
    }
    if (plan?.joins) await ctx.join(plan.joins);
    if (plan?.registers) {
      const child = await this.registry.register(plan.registers, PlannedWorker);
      await child.call('hello');
    }
    if (plan?.waitsForItself) await this.registry.call(ctx.name, 'hello', undefined, { timeoutMs: 50 });
    if (plan?.registersBroken)
      await this.registry.register(plan.registersBroken, PlannedWorker, { throws: 'no such part' });
    if (plan?.throws) throw new RangeError(plan.throws);
    started.push(ctx.name);
  }

  @MessagePattern('hello')
  hello(): string {
    return `hello from ${this.name}`;
  }

  @EventPattern('news')
  news(@Payload() _news: string): void {
    this.heard++;
  }

  @MessagePattern('heard')
  howMany(): number {
    return this.heard;
  }

  @OnHandoff('die')
  close(): void {
    closed.push(this.name);
  }
}

let cluster: SwarmTestCluster;
const registry = (node: number): SwarmRegistry => cluster.app(node).get(SwarmRegistry);
const groups = (node: number): SwarmGroups => cluster.app(node).get(SwarmGroups);

async function createCluster(): Promise<SwarmTestCluster> {
  return SwarmTestCluster.create({
    nodes: 3,
    module: (options) => {
      @Module({ imports: [SwarmModule.forRoot(options)], providers: [PlannedWorker] })
      class AppModule {}
      return AppModule;
    },
  });
}

describe('the start of a worker', () => {
  beforeAll(async () => {
    cluster = await createCluster();
  });

  afterAll(() => cluster.close());

  beforeEach(() => {
    started.length = 0;
    closed.length = 0;
  });

  it('may use the swarm: call it, register another worker, join a group', async () => {
    for (let i = 0; i < 20; i++) {
      const parent = await registry(i % 3).register(`parent-${i}`, PlannedWorker, {
        registers: `child-${i}`,
        joins: 'parents',
      });
      expect(await parent.call('hello')).toBe(`hello from parent-${i}`);
    }
    expect(groups(0).members('parents')).toHaveLength(20);
    expect(started.filter((name) => name.startsWith('child-'))).toHaveLength(20);
  });

  it('that throws gives WorkerStartError with the cause, and leaves nothing registered', async () => {
    for (const node of [0, 1, 2]) {
      const name = `broken-${node}`;
      const failure = registry(node).register(name, PlannedWorker, { throws: 'no such device' });
      const error: unknown = await failure.catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(WorkerStartError);
      expect((error as WorkerStartError).message).toContain('no such device');
      expect(((error as WorkerStartError).cause as Error).message).toBe('no such device');
      await cluster.settled();
      for (const other of [0, 1, 2]) expect(registry(other).whereis(name)).toBeUndefined();
      expect(await (await registry(node).register(name, PlannedWorker)).call('hello')).toBe(
        `hello from ${name}`,
      );
    }
  });

  it.each<[what: string, plan: (name: string) => Plan, cause: string]>([
    ['a call that times out', () => ({ waitsForItself: true }), 'waits for itself'],
    [
      'another worker that cannot be started',
      (name) => ({ registersBroken: `part-of-${name}` }),
      'no such part',
    ],
  ])(
    'that fails by %s gives WorkerStartError of its own worker, wherever it starts',
    async (_, plan, cause) => {
      for (let i = 0; i < 9; i++) {
        const name = `failing-${i}`;
        const error: unknown = await registry(0)
          .register(name, PlannedWorker, plan(name))
          .catch((reason: unknown) => reason);
        expect(error).toBeInstanceOf(WorkerStartError);
        expect((error as WorkerStartError).workerName).toBe(name);
        expect(((error as WorkerStartError).cause as Error).message).toContain(cause);
      }
    },
  );

  it('that hangs ends with its deadline, frees the name, and closes what started too late', async () => {
    const hanging = registry(0).register('stuck', PlannedWorker, { hangs: true }, { timeoutMs: 200 });
    await expect(hanging).rejects.toBeInstanceOf(OperationTimeoutError);
    await cluster.settled();
    expect(registry(1).whereis('stuck')).toBeUndefined();
    const again = await registry(1).register('stuck', PlannedWorker);
    expect(await again.call('hello')).toBe('hello from stuck');
    release?.();
    await expect.poll(() => closed).toEqual(['stuck']);
    expect(abandoned, 'its signal was aborted').toEqual(['stuck']);
    expect(await again.call('hello')).toBe('hello from stuck');
  });

  it('disturbs nobody else while it hangs', async () => {
    const hanging = registry(0).register('slow', PlannedWorker, { hangs: true }, { timeoutMs: 2_000 });
    const others = Array.from({ length: 50 }, (_, i) =>
      registry(i % 3).register(`beside-${i}`, PlannedWorker),
    );
    await Promise.all(others);
    const second = expect(registry(2).register('slow', PlannedWorker)).rejects.toBeInstanceOf(
      AlreadyRegisteredError,
    );
    release?.();
    await hanging;
    await second;
  });
});

describe('groups', () => {
  beforeAll(async () => {
    cluster = await createCluster();
  });

  afterAll(() => cluster.close());

  it('show a join to the next publish of the node that asked for it', async () => {
    for (let i = 0; i < 30; i++) {
      const name = `reader-${i}`;
      await registry(0).register(name, PlannedWorker);
      await groups(1).join(`topic-${i}`, name);
      expect(groups(1).publish(`topic-${i}`, 'news', 'now')).toBe(1);
      await expect.poll(() => registry(1).call(name, 'heard')).toBe(1);
    }
  });

  it('keep their members when these are started again elsewhere', async () => {
    const names = Array.from({ length: 30 }, (_, i) => `member-${i}`);
    for (const name of names) {
      await registry(0).register(name, PlannedWorker);
      await groups(2).join('club', name);
    }
    await cluster.settled();
    const lost = groups(0)
      .members('club')
      .filter(({ node }) => node === registry(0).whereis('member-0')?.node);
    expect(lost.length).toBeGreaterThan(0);
    await cluster.kill(1);
    await cluster.settled();
    for (const node of [0, 2]) {
      expect(
        groups(node)
          .members('club')
          .map(({ name }) => name)
          .sort(),
      ).toEqual([...names].sort());
    }
    expect(groups(0).publish('club', 'news', 'again')).toBe(30);
    await expect
      .poll(
        async () =>
          (await groups(2).multiCall<number>('club', 'heard')).filter((heard) => heard === 1).length,
      )
      .toBe(30);
  });
});
