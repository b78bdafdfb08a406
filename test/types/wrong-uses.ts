import {
  OnHandoff,
  type OnWorkerStart,
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
  // @ts-expect-error a later issue builds it
  await cluster.drain();
  // @ts-expect-error a later issue builds it
  await cluster.settled();
  // @ts-expect-error a later issue builds it
  cluster.explain('a');
}

// @ts-expect-error no such option
SwarmModule.forRoot({ clusterName: 'shop' });
// @ts-expect-error a later issue builds it
SwarmModule.forRoot({ secret: 'x' });
// @ts-expect-error a port is a number
SwarmModule.forRoot({ node: { port: '7946' } });

// @ts-expect-error a later issue builds it
@SwarmWorker({ restart: 'permanent' })
export class WrongWorker {
  // @ts-expect-error the reason is a DieReason
  @OnHandoff('die')
  close(_reason: number): void {}

  // @ts-expect-error a later issue builds it
  @OnHandoff('begin')
  pack(): void {}
}

export class WrongStart implements OnWorkerStart<{ model: string }> {
  // @ts-expect-error the hook takes what it says it takes
  onWorkerStart(_ctx: WorkerContext, _args: { model: number }): void {}
}
