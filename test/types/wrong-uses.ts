import {
  AlreadyRegisteredError,
  type DieReason,
  HandoffDecision,
  OnHandoff,
  type OnWorkerStart,
  resume,
  ring,
  SwarmCluster,
  SwarmGroups,
  SwarmModule,
  SwarmRegistry,
  SwarmWorker,
  type WorkerContext,
  type WorkerRef,
} from '../../lib/index.js';
import { DeviceWorker, PlainWorker, type RefWorker } from './workers.js';

// Each of these must not compile: an unused `@ts-expect-error` is an error itself.

export async function registering(registry: SwarmRegistry): Promise<void> {
  // @ts-expect-error the worker takes start arguments
  await registry.register('a', DeviceWorker);
  // @ts-expect-error other start arguments
  await registry.register('a', DeviceWorker, { model: 1 });
  // @ts-expect-error the worker takes none
  await registry.register('a', PlainWorker, { model: 'x' });
  // @ts-expect-error a misspelt option
  await registry.register('a', PlainWorker, undefined, { timeout: 100 });
  // @ts-expect-error an instance, not its class
  await registry.register('a', new PlainWorker());
  // @ts-expect-error a class, not an instance of it
  await registry.registerLocal<number>('a', 1);
  // @ts-expect-error the worker takes start arguments
  await registry.registerOrGet('a', DeviceWorker);
  // @ts-expect-error no such filter
  registry.registered({ class: DeviceWorker });
}

export async function calling(registry: SwarmRegistry, device: WorkerRef<DeviceWorker>): Promise<void> {
  // @ts-expect-error no such handler
  await device.call('recrod', 1);
  // @ts-expect-error the message is a number
  await device.call('record', 'one');
  // @ts-expect-error the message is missing
  await device.call('record');
  // @ts-expect-error the handler takes no message
  await device.call('stream', 1);
  // @ts-expect-error the context is not sent
  await device.call('onlyContext', {});
  // @ts-expect-error a private method
  await device.call('hidden');
  // @ts-expect-error a protected method
  await device.call('guarded');
  // @ts-expect-error not a method
  await device.call('notAMethod');
  // @ts-expect-error a lifecycle hook
  await device.call('onWorkerStart', { model: 'x' });
  // @ts-expect-error the answer is a number
  const text: string = await device.call('record', 1);
  // @ts-expect-error an Observable answers its last value
  (await device.call('stream')).subscribe();
  // @ts-expect-error a cast has no answer to wait for
  device.cast('record', 1, { timeoutMs: 100 });
  // @ts-expect-error the message is a number
  await registry.call(device, 'record', 'one');
  // @ts-expect-error no such handler
  await registry.call(device, 'recrod', 1);
  void text;
}

export async function refs(meeting: WorkerRef<RefWorker>, device: WorkerRef<DeviceWorker>): Promise<void> {
  // @ts-expect-error a ref of another class
  await meeting.call('meet', device);
  // @ts-expect-error refs of different classes
  const other: WorkerRef<PlainWorker> = device;
  void other;
}

export async function services(groups: SwarmGroups, cluster: SwarmCluster): Promise<void> {
  // @ts-expect-error a class is no member
  await groups.join('g', DeviceWorker);
  // @ts-expect-error a misspelt option
  await cluster.drain({ timeout: 100 });
  // @ts-expect-error the number of nodes belongs to `ready`
  await cluster.settled({ nodes: 3 });
  // @ts-expect-error a name, not a class
  cluster.explain(DeviceWorker);
  // @ts-expect-error a report says what was left, not what was lost
  (await cluster.drain()).lost.join();
}

export function taken(error: unknown): void {
  // @ts-expect-error a ref has no such field
  if (error instanceof AlreadyRegisteredError) error.ref.nmae.toUpperCase();
}

// @ts-expect-error no such option
SwarmModule.forRoot({ clusterName: 'shop' });
// @ts-expect-error a secret is a text
SwarmModule.forRoot({ secret: 7 });
// @ts-expect-error a port is a number
SwarmModule.forRoot({ node: { port: '7946' } });

// @ts-expect-error no such restart
@SwarmWorker({ restart: 'always' })
export class WrongRestart {}

// @ts-expect-error numbers, not strings
@SwarmWorker({ maxRestarts: '5', withinMs: '1m' })
export class WrongRestarts {}

// @ts-expect-error labels are strings
@SwarmWorker({ labels: { gpu: true } })
export class WrongLabels {}

// @ts-expect-error the function, not what it returns
@SwarmWorker({ strategy: ring })
export class WrongStrategy {}

// @ts-expect-error a misspelt option
@SwarmWorker({ maxRestart: 5 })
export class WrongOption {}

@SwarmWorker()
export class WrongWorker {
  // @ts-expect-error the reason is a DieReason
  @OnHandoff('die')
  close(_reason: number): void {}

  // @ts-expect-error no such phase
  @OnHandoff('start')
  open(): void {}

  // @ts-expect-error a decision is missing
  @OnHandoff('begin')
  pack(): void {}

  // @ts-expect-error a state is no decision
  @OnHandoff('begin')
  async packAll(): Promise<{ state: number }> {
    return { state: 1 };
  }

  // @ts-expect-error it is asked without anything
  @OnHandoff('begin')
  packMore(_reason: DieReason): HandoffDecision<number> {
    return resume(1);
  }

  // @ts-expect-error there is the state, and nothing else
  @OnHandoff('end')
  unpack(_state: number, _from: string): void {}

  // @ts-expect-error there is the state, and nothing else
  @OnHandoff('conflict')
  merge(_state: number, _from: string): void {}

  @OnHandoff('begin')
  packText(): HandoffDecision<number> {
    // @ts-expect-error the state is a number
    return resume('1');
  }

  onWorkerStart(ctx: WorkerContext): void {
    // @ts-expect-error an Error, not its message
    ctx.fail('the line is dead');
    // @ts-expect-error a reason is missing
    ctx.fail();
    // @ts-expect-error it takes no reason
    ctx.stop('done');
    // @ts-expect-error it gives nothing
    ctx.stop().toString();
    // @ts-expect-error only the swarm gives a fence
    ctx.fence = 1;
  }
}

// @ts-expect-error made by resume, restart and ignore only
export const decision = new HandoffDecision(1);
// @ts-expect-error made by resume, restart and ignore only
export const plain: HandoffDecision<number> = { state: 1 };
// @ts-expect-error what is packed is for the swarm
export const packed = resume(1).state;
// @ts-expect-error no such reason
export const reason: DieReason = 'killed';

export class WrongStart implements OnWorkerStart<{ model: string }> {
  // @ts-expect-error the hook takes what it says it takes
  onWorkerStart(_ctx: WorkerContext, _args: { model: number }): void {}
}
