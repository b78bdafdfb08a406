import type { DynamicModule, INestApplicationContext } from '@nestjs/common';
import type { Observable } from 'rxjs';
import {
  AlreadyRegisteredError,
  type Answer,
  type CallOptions,
  CallTimeoutError,
  type DiscoveryProvider,
  type DistributionStrategy,
  type DrainReport,
  HandoffDecision,
  ignore,
  isSwarmContext,
  localMachine,
  type MemberOutcome,
  OperationTimeoutError,
  type PlacementExplanation,
  type RegistryEvent,
  RemoteError,
  restart,
  type RestartPolicy,
  resume,
  ring,
  staticPeers,
  SwarmCluster,
  SwarmError,
  type SwarmEvent,
  SwarmGroups,
  SwarmModule,
  type SwarmNode,
  type SwarmOptionsFactory,
  SwarmRegistry,
  type SwarmSnapshot,
  type WorkerRef,
} from '../../lib/index.js';
import { SwarmTestCluster } from '../../lib/testing/index.js';
import {
  ContextOnlyWorker,
  DeviceWorker,
  MovingWorker,
  OptionalArgsWorker,
  PlainWorker,
  type Reading,
  RefWorker,
  UnknownArgsWorker,
} from './workers.js';

/** Compiles only if both types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function is<_A extends true>(): void {}

export async function registering(registry: SwarmRegistry): Promise<void> {
  const device = await registry.register('a', DeviceWorker, { model: 'x' });
  is<Same<typeof device, WorkerRef<DeviceWorker>>>();
  await registry.register('a', DeviceWorker, { model: 'x' }, { timeoutMs: 100 });
  await registry.register('a', PlainWorker);
  await registry.register('a', PlainWorker, undefined, { timeoutMs: 100 });
  await registry.register('a', ContextOnlyWorker);
  await registry.register('a', OptionalArgsWorker);
  await registry.register('a', OptionalArgsWorker, { model: 'x' });
  await registry.register('a', UnknownArgsWorker, [1, 2]);
  await registry.register('a', UnknownArgsWorker);
  const untyped = await registry.register('a', 'device', { any: 'thing' }, { timeoutMs: 100 });
  is<Same<typeof untyped, WorkerRef>>();
  const got = await registry.registerOrGet('a', DeviceWorker, { model: 'x' });
  is<Same<typeof got, WorkerRef<DeviceWorker>>>();
  await registry.registerOrGet('a', 'device');
  const local = await registry.registerLocal('a', new PlainWorker());
  is<Same<typeof local, WorkerRef<PlainWorker>>>();
  const freed: boolean = await registry.unregister('a');
  void freed;
}

export async function finding(registry: SwarmRegistry): Promise<void> {
  is<Same<ReturnType<typeof registry.count>, number>>();
  const any = registry.whereis('a');
  is<Same<typeof any, WorkerRef | undefined>>();
  const device = registry.whereis('a', DeviceWorker);
  is<Same<typeof device, WorkerRef<DeviceWorker> | undefined>>();
  const located = await registry.locate<DeviceWorker>('a', { timeoutMs: 5 });
  is<Same<typeof located, WorkerRef<DeviceWorker> | undefined>>();
  for (const ref of registry.registered({ type: DeviceWorker, prefix: 'a', node: 'n', group: 'g' })) {
    is<Same<typeof ref, WorkerRef<DeviceWorker>>>();
  }
  for (const ref of registry.registered()) await ref.call('any pattern', { any: 'data' });
  const names = Array.from(registry.registered({ type: 'device' }), (ref) => ref.name);
  is<Same<typeof names, string[]>>();
  const changes: Observable<RegistryEvent> = registry.watch({ type: DeviceWorker });
  changes.subscribe(({ type, name, node, fence, groups, workerType }) => [
    type,
    name,
    node,
    fence,
    groups,
    workerType,
  ]);
  registry.watch();
}

export async function calling(registry: SwarmRegistry, device: WorkerRef<DeviceWorker>): Promise<void> {
  const total = await device.call('record', 1);
  is<Same<typeof total, number>>();
  await device.call('record', 1, { timeoutMs: 100 });
  const text = await device.call('contextFirst', 'a');
  is<Same<typeof text, string>>();
  await device.call('onlyContext');
  await device.call('onlyContext', undefined, { timeoutMs: 100 });
  const optional = await device.call('optional');
  is<Same<typeof optional, number | undefined>>();
  await device.call('optional', 1);
  const reading: Reading = await device.call('object', { value: 1 });
  const last = await device.call('stream');
  is<Same<typeof last, number>>();
  const unwrapped = await device.call('later');
  is<Same<typeof unwrapped, string>>();
  await device.call('anything', reading);
  await device.call('anything');
  device.cast('reset');
  device.cast('record', 1);
  const viaRegistry = await registry.call(device, 'record', 1, { timeoutMs: 100 });
  is<Same<typeof viaRegistry, number>>();
  const typed = await registry.call<{ total: number }>('a', 'record', 1);
  is<Same<typeof typed, { total: number }>>();
  const untyped = await registry.call('a', 'record');
  is<Same<typeof untyped, unknown>>();
  registry.cast('a', 'record', 1);
  registry.cast(device, 'record', 1);
  is<Same<Answer<DeviceWorker, 'record'>, number>>();
}

export async function refs(meeting: WorkerRef<RefWorker>, other: WorkerRef<PlainWorker>): Promise<void> {
  const pong = await meeting.call('meet', other);
  is<Same<typeof pong, 'pong'>>();
  const untyped: WorkerRef = other;
  await untyped.call('anything', 1, { timeoutMs: 1 });
  untyped.cast('anything');
  const { name, type, node, fence } = other.toJSON();
  is<Same<[typeof name, typeof type], [string, string]>>();
  is<Same<[typeof node, typeof fence], [string | undefined, number | undefined]>>();
}

export async function grouping(groups: SwarmGroups, device: WorkerRef<DeviceWorker>): Promise<void> {
  await groups.join('g', 'a');
  await groups.join('g', device);
  await groups.leave('g', device);
  const members: WorkerRef[] = groups.members('g');
  const all: string[] = groups.groups();
  const addressed: number = groups.publish('g', 'record', 1);
  const answers = await groups.multiCall<number>('g', 'record', 1, { timeoutMs: 100 });
  is<Same<typeof answers, number[]>>();
  const outcomes = await groups.multiCallSettled<number>('g', 'record');
  is<Same<typeof outcomes, Array<MemberOutcome<number>>>>();
  for (const outcome of outcomes) {
    if (outcome.error) outcome.error.message.toUpperCase();
    else outcome.value.toFixed();
    outcome.member.name.toUpperCase();
  }
  void [members, all, addressed];
}

export async function watching(cluster: SwarmCluster): Promise<void> {
  const self: SwarmNode = cluster.self;
  const nodes: SwarmNode[] = cluster.nodes();
  const placed: string | undefined =
    cluster.ownerOf('a', DeviceWorker) ?? cluster.ownerOf('a', 'device') ?? cluster.ownerOf('a');
  await cluster.ready();
  await cluster.ready({ nodes: 3, timeoutMs: 100 });
  await cluster.settled();
  await cluster.settled({ timeoutMs: 100 });
  const report: DrainReport = await cluster.drain({ timeoutMs: 100 });
  for (const { name, type, reason } of report.left) [name, type, reason, report.moved, report.tookMs].join();
  const explanation: PlacementExplanation = cluster.explain('a');
  const owner: string | undefined = explanation.owner;
  const snapshot: SwarmSnapshot = cluster.inspect();
  const events: Observable<SwarmEvent> = cluster.events$;
  events.subscribe((event) => {
    if (event.type === 'worker-started') event.fence.toFixed(event.at);
    if (event.type === 'message-dropped') event.reason.toUpperCase();
    if (event.type === 'worker-moved') [event.from, event.to, event.fence].join();
    if (event.type === 'handoff-failed') event.reason.toUpperCase();
    if (event.type === 'worker-failed') event.pauseMs.toFixed();
    if (event.type === 'quorum-lost' || event.type === 'quorum-regained') event.workerTypes.join();
  });
  void [self, nodes, placed, owner, snapshot];
}

export function deciding(total: number): HandoffDecision<number> {
  const carried = resume(total);
  is<Same<typeof carried, HandoffDecision<number>>>();
  is<Same<ReturnType<typeof restart>, HandoffDecision<never>>>();
  is<Same<ReturnType<typeof ignore>, HandoffDecision<never>>>();
  const policies: RestartPolicy[] = ['transient', 'permanent', 'temporary'];
  if (policies.length === 0) return restart();
  return total > 0 ? carried : ignore();
}

export async function moving(worker: WorkerRef<MovingWorker>): Promise<void> {
  const fence = await worker.call('check', 1);
  is<Same<typeof fence, number>>();
}

class OptionsFactory implements SwarmOptionsFactory {
  createSwarmOptions(): { cluster: string } {
    return { cluster: 'shop' };
  }
}
const anywhere: DiscoveryProvider = {
  name: 'anywhere',
  candidates: async () => [{ host: '127.0.0.1', port: 1 }],
};
const first: DistributionStrategy = { place: (nodes) => ({ nodeFor: () => nodes[0]?.id }) };

export const modules: DynamicModule[] = [
  SwarmModule.forRoot(),
  SwarmModule.forRoot({
    cluster: 'shop',
    node: { name: 'a', port: 1, labels: { zone: 'a' }, hosting: false },
  }),
  SwarmModule.forRoot({
    discovery: [localMachine(), staticPeers(['127.0.0.1:7946']), anywhere],
    strategy: ring(),
  }),
  SwarmModule.forRoot({
    strategy: first,
    heartbeatMs: 100,
    debug: true,
    handoff: { timeoutMs: 100 },
    drain: {},
  }),
  SwarmModule.forRootAsync({ useFactory: async (name: string) => ({ cluster: name }), inject: ['NAME'] }),
  SwarmModule.forRootAsync({ useClass: OptionsFactory }),
  SwarmModule.forRootAsync({ useExisting: OptionsFactory, imports: [] }),
];

export async function testing(): Promise<void> {
  const cluster = await SwarmTestCluster.create({
    nodes: 3,
    module: (options) => SwarmModule.forRoot(options),
    seed: 1,
  });
  const app: INestApplicationContext = cluster.app(0);
  cluster.cut(0, 1);
  cluster.heal();
  await cluster.settled();
  await Promise.all([cluster.kill(1), cluster.stop(2)]);
  await cluster.close();
  void app;
}

export function errors(error: unknown): void {
  if (error instanceof SwarmError) [error.code, error.status, error.statusCode, error.expose].join();
  if (error instanceof AlreadyRegisteredError) {
    const holder: WorkerRef = error.ref;
    void holder.call('record', 1, { timeoutMs: 100 });
  }
  const taken = error as AlreadyRegisteredError<WorkerRef<DeviceWorker>>;
  is<Same<typeof taken.ref, WorkerRef<DeviceWorker>>>();
  if (error instanceof RemoteError) [error.remote.name, error.remote.payload].join();
  const timeout: OperationTimeoutError = new CallTimeoutError('call', 1);
  const options: CallOptions = { timeoutMs: timeout.timeoutMs };
  void [isSwarmContext, options];
}
