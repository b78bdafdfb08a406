// One node of the swarm: starts and stops the parts in order, and is what the services call.
import {
  CallTimeoutError,
  NotStartedError,
  OperationTimeoutError,
  ShuttingDownError,
  WorkerNotFoundError,
} from '../errors/index.js';
import type { DrainReport } from '../handoff/drain-report.js';
import { exceededMessage, quorumWarnings } from '../distribution/quorum-warnings.js';
import { RelayTransport } from '../transport/relay/relay.transport.js';
import { enter, type InRing, leave, Ring } from '../runtime/ring.js';
import type { Timer } from '../runtime/runtime.interface.js';
import { ScopedRuntime } from '../runtime/scoped.runtime.js';
import type { WorkerDefinition } from '../workers/worker-definition.interface.js';
import { assemble, type Assembly } from './assembly.js';
import { EventLog } from '../events/index.js';
import type { KernelOptions } from './kernel-options.js';
import type { KernelParts } from './kernel-parts.js';
import type { OutgoingCall } from '../messaging/outgoing-call.js';
import type { Kernel, RegistryRow, RowFilter } from './kernel.interface.js';
import { explain } from './explanation.js';
import type { PlacementExplanation } from './placement-explanation.interface.js';
import { eachProvider } from './providers.js';
import { snapshotOf, toSwarmNode, unrestOf } from './snapshot.js';
import type { RegistryEvent, SwarmEvent } from '../events/index.js';
import type { SwarmNode, SwarmSnapshot } from './swarm-snapshot.interface.js';

/** A view that has not changed for so long is taken for that of the whole swarm. */
const STEADY_VIEW_MS = 5_000;

/** Something that is under way when the node stops, perhaps. */
class Operation implements InRing {
  previous: InRing | undefined;
  next: InRing | undefined;

  constructor(private readonly reject: (error: Error) => void) {}

  interrupt(): void {
    leave(this);
    this.reject(new ShuttingDownError());
  }
}

export class KernelNode implements Kernel {
  private readonly runtime: ScopedRuntime;
  private readonly events: EventLog;
  private readonly transport: RelayTransport;
  /** Ends operations that wait when the node stops. */
  private readonly operations = new Ring<Operation>();
  private assembly: Assembly | undefined;
  private starting: Promise<void> | undefined;
  private listening: Promise<void> | undefined;
  private stopping: Promise<DrainReport> | undefined;
  private stopped: Promise<void> | undefined;
  /** Its workers are gone, and whoever calls it comes too late. */
  private closed = false;
  private readonly warned = new Set<string>();
  /** By type: the nodes that were told to be too many for its quorum. */
  private readonly exceeded = new Map<string, string>();
  private quorumWarning: Timer | undefined;

  constructor(
    private readonly options: KernelOptions,
    private readonly parts: KernelParts,
  ) {
    this.runtime = new ScopedRuntime(parts.runtime);
    this.events = new EventLog(this.runtime, parts.logger);
    const { events } = this;
    this.transport = new RelayTransport(parts.transport, {
      runtime: this.runtime,
      relayed(node, via) {
        events.emit({ type: 'relay-opened', node, via });
        parts.logger.warn(
          `${node} is not to be reached from here, frames to it go by way of ${via}: check the network between the two`,
        );
      },
      relayEnded(node, via, reason) {
        events.emit({ type: 'relay-closed', node, via, reason });
        parts.logger.log(`frames to ${node} go by way of ${via} no more: ${reason}`);
      },
    });
  }

  start(): Promise<void> {
    this.starting ??= this.open();
    return this.starting;
  }

  stop(): Promise<void> {
    this.stopped ??= this.leave(this.options.drain.timeoutMs).then(() => undefined);
    return this.stopped;
  }

  async drain({ timeoutMs = this.options.drain.timeoutMs }: { timeoutMs?: number }): Promise<DrainReport> {
    this.assembled();
    return this.leave(timeoutMs);
  }

  async settled({ timeoutMs = this.options.settledTimeoutMs }: { timeoutMs?: number }): Promise<void> {
    const deadline = this.runtime.now() + timeoutMs;
    return this.interruptible(async (assembly) => {
      if (await assembly.rest.until(deadline, () => unrestOf(assembly) === undefined)) return;
      const why = unrestOf(assembly);
      if (why !== undefined)
        throw new OperationTimeoutError('waiting for this node to settle', timeoutMs, why);
    });
  }

  explain(name: string): PlacementExplanation {
    return explain(this.running(), name);
  }

  register(
    name: string,
    type: string,
    args: unknown,
    { timeoutMs }: { timeoutMs?: number },
  ): Promise<RegistryRow> {
    return this.interruptible(({ registrar }) =>
      registrar.register(name, type, args, timeoutMs ?? this.options.registerTimeoutMs),
    );
  }

  registerLocal(name: string, definition: WorkerDefinition, instance: object): Promise<RegistryRow> {
    return this.interruptible(({ registrar }) => registrar.registerLocal(name, definition, instance));
  }

  unregister(name: string): Promise<boolean> {
    return this.interruptible(({ registrar }) => registrar.unregister(name));
  }

  locate(name: string, { timeoutMs }: { timeoutMs?: number }): Promise<RegistryRow | undefined> {
    return this.interruptible(({ registrar }) =>
      registrar.locate(name, timeoutMs ?? this.options.callTimeoutMs),
    );
  }

  lookup(name: string): RegistryRow | undefined {
    return this.running().index.lookup(name);
  }

  *rows({ prefix, type, node, group }: RowFilter): IterableIterator<RegistryRow> {
    const { index } = this.running();
    for (const row of group === undefined ? index.listedRows() : index.group(group)) {
      if (prefix !== undefined && !row.name.startsWith(prefix)) continue;
      if (type !== undefined && row.type !== type) continue;
      if (node !== undefined && row.node !== node) continue;
      yield row;
    }
  }

  count(): number {
    return this.running().index.count;
  }

  call(name: string, call: OutgoingCall): Promise<unknown> {
    try {
      const { index, router } = this.running();
      const row = index.get(name);
      return row ? router.call(name, call, row) : this.callUnknown(name, call);
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  cast(name: string, pattern: string, data: unknown): void {
    this.running().router.cast(name, pattern, data);
  }

  joinGroup(group: string, name: string): Promise<void> {
    return this.interruptible(async (assembly) => {
      await this.awaitRow(assembly, name, this.options.registerTimeoutMs);
      return assembly.groupMembership.change(group, name, true);
    });
  }

  leaveGroup(group: string, name: string): Promise<void> {
    return this.interruptible(async (assembly) => {
      await this.awaitRow(assembly, name, this.options.registerTimeoutMs);
      return assembly.groupMembership.change(group, name, false);
    });
  }

  members(group: string): RegistryRow[] {
    return [...this.running().index.group(group)];
  }

  groups(): string[] {
    return this.running().index.groups();
  }

  publish(group: string, pattern: string, data: unknown): number {
    return this.running().groups.publish(group, pattern, data);
  }

  multiCall(
    group: string,
    call: OutgoingCall,
  ): Promise<Array<{ row: RegistryRow; value: unknown } | { row: RegistryRow; error: Error }>> {
    return this.interruptible(({ groups }) => groups.multiCall(group, call));
  }

  get self(): SwarmNode {
    return toSwarmNode(this.assembled().members.self);
  }

  nodes(): SwarmNode[] {
    const { members } = this.assembled();
    return [members.self, ...members.peers()].map(toSwarmNode).sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  whyAlone(): string[] {
    return this.assembled().membership.whyAlone();
  }

  ownerOf(name: string, type?: string): string | undefined {
    const { placements, index } = this.running();
    const known = type ?? index.get(name)?.type;
    return known === undefined ? placements.arbiterOf(name) : placements.ownerOf(name, known);
  }

  ready({
    nodes = 1,
    timeoutMs = this.options.readyTimeoutMs,
  }: {
    nodes?: number;
    timeoutMs?: number;
  }): Promise<void> {
    const deadline = this.runtime.now() + timeoutMs;
    return this.interruptible(async (assembly) => {
      while (!isReady(assembly, nodes)) {
        if (await assembly.views.changed('view', deadline)) continue;
        const up = this.nodes().filter(({ status }) => status === 'up').length;
        const waiting = assembly.membership.barrier.blockers();
        throw new OperationTimeoutError(
          `waiting for ${nodes} node(s)`,
          timeoutMs,
          `${up} up${waiting.length > 0 ? `, waiting for ${waiting.join(', ')}` : ''}`,
        );
      }
    });
  }

  inspect(): SwarmSnapshot {
    return snapshotOf(this.assembled(), this.events.counters, this.transport, this.parts.host);
  }

  onEvent(listener: (event: SwarmEvent) => void): () => void {
    return this.events.listen(listener);
  }

  onRegistryChange(listener: (event: RegistryEvent) => void): () => void {
    return this.assembled().watch.listen(listener);
  }

  private async open(): Promise<void> {
    const { logger, secrets = [] } = this.parts;
    const { transport } = this;
    const { cluster, joinTimeoutMs } = this.options;
    this.listening = transport.open((bound) => {
      this.assembly = assemble(this.options, this.parts, transport, this.runtime, bound, this.events, () =>
        this.viewChanged(),
      );
      return this.assembly.handler;
    });
    await this.listening;
    if (this.stopping) return;
    const assembly = this.assembled();
    const { self, membership, views } = assembly;
    const context = { cluster, self, secrets, changed: () => membership.lookNow() };
    await eachProvider(this.runtime, this.parts, 'could not start', (provider) => provider.start?.(context));
    if (this.stopping) return;
    membership.start();
    const deadline = this.runtime.now() + joinTimeoutMs;
    while (!isReady(assembly, 1) && !this.stopping) {
      if (await views.changed('view', deadline)) continue;
      logger.warn(
        `not joined after ${joinTimeoutMs} ms, goes on joining; waits for ${membership.barrier.blockers().join(', ') || 'discovery'}`,
      );
      return;
    }
  }

  private leave(timeoutMs: number): Promise<DrainReport> {
    this.stopping ??= this.close(timeoutMs);
    return this.stopping;
  }

  private async close(timeoutMs: number): Promise<DrainReport> {
    // Stopped while it starts: what is being bound must be closed, too.
    await this.listening?.catch(() => undefined);
    const { assembly } = this;
    let report: DrainReport = { moved: 0, left: [], tookMs: 0 };
    if (assembly) {
      const { membership, starts, drain, router, groups, questions, waiters, views } = assembly;
      membership.announce('leaving');
      starts.close();
      waiters.wakeAll();
      report = await drain.run(timeoutMs, () => (this.closed = true));
      assembly.stream.log.flush();
      membership.announce('left');
      for (const operation of this.operations.members()) operation.interrupt();
      const closed = (): ShuttingDownError => new ShuttingDownError();
      router.close(closed);
      groups.close(closed);
      questions.close(closed);
      views.wakeAll();
    }
    this.closed = true;
    await eachProvider(this.runtime, this.parts, 'could not withdraw this node', (provider) =>
      provider.stop?.(),
    );
    await this.transport.close();
    this.runtime.close();
    return report;
  }

  /** The name may have been registered just now on another node: its arbiter knows, before this node's replica does. */
  private callUnknown(name: string, call: OutgoingCall): Promise<unknown> {
    return this.interruptible(async (assembly) => {
      const { router } = assembly;
      const timeoutMs = call.timeoutMs ?? this.options.callTimeoutMs;
      const deadline = this.runtime.now() + timeoutMs;
      const data = router.snapshot(call.data);
      try {
        await this.awaitRow(assembly, name, timeoutMs);
      } catch (error) {
        if (!(error instanceof OperationTimeoutError)) throw error;
        throw new CallTimeoutError(`the call "${call.pattern}" to "${name}"`, timeoutMs);
      }
      return router.call(name, { ...call, data, timeoutMs: Math.max(1, deadline - this.runtime.now()) });
    });
  }

  /** What was registered on another node just now is waited for, if its arbiter knows it. */
  private async awaitRow(
    { index, registrar, waiters }: Assembly,
    name: string,
    timeoutMs: number,
  ): Promise<void> {
    const deadline = this.runtime.now() + timeoutMs;
    while (!index.get(name)) {
      if (!(await registrar.find(name, deadline - this.runtime.now()))) throw new WorkerNotFoundError(name);
      if (!index.get(name) && !(await waiters.changed(name, deadline)))
        throw new OperationTimeoutError(`the wait for the row of "${name}"`, timeoutMs);
    }
  }

  /** The node as soon as it listens, also while it stops. */
  private assembled(): Assembly {
    if (!this.assembly) throw new NotStartedError();
    return this.assembly;
  }

  private running(): Assembly {
    if (this.closed) throw new ShuttingDownError();
    return this.assembled();
  }

  /** Runs an operation that ends with `ShuttingDownError` when the node stops before it has settled. */
  private interruptible<T>(work: (assembly: Assembly) => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const assembly = this.running();
      const operation = new Operation(reject);
      enter(this.operations, operation);
      work(assembly).then(
        (value) => {
          leave(operation);
          resolve(value);
        },
        (error: Error) => {
          leave(operation);
          reject(error);
        },
      );
    });
  }

  /** While nodes are started one after the other their number is on its way to what it shall be. */
  private warnAboutQuorumsWhenSteady(assembly: Assembly): void {
    this.quorumWarning?.cancel();
    this.quorumWarning = this.runtime.after(STEADY_VIEW_MS, () => this.warnAboutQuorums(assembly));
  }

  /** Each warning once. */
  private warnAboutQuorums({ placements, members }: Assembly): void {
    if (members.self.status !== 'up') return;
    for (const type of this.parts.host.types) {
      const quorum = placements.quorumOf(type);
      if (quorum === undefined) continue;
      for (const warning of quorumWarnings(type, placements.eligible(type).length, quorum)) {
        if (this.warned.has(warning)) continue;
        this.warned.add(warning);
        this.parts.logger.warn(warning);
      }
      this.tellExceeded(type, quorum, placements.beyond(type));
    }
  }

  /** Again when others are too many. */
  private tellExceeded(type: string, quorum: number, nodes: readonly string[]): void {
    const before = this.exceeded.get(type) ?? '';
    this.exceeded.set(type, nodes.join(' '));
    if (nodes.length === 0 || nodes.join(' ') === before) return;
    this.events.emit({ type: 'quorum-exceeded', workerType: type, nodes });
    this.parts.logger.error(exceededMessage(type, quorum, nodes));
  }

  /** One line for all members that came or went within `coalesceMs`. */
  private viewChanged(): void {
    if (!this.assembly) return;
    const { members, viewLog, quorum, rebalancer } = this.assembly;
    quorum.check();
    rebalancer.scan();
    if (this.stopping) return;
    this.warnAboutQuorumsWhenSteady(this.assembly);
    const view = new Set<string>();
    for (const { status, info } of members.peers()) if (status === 'up') view.add(info.id);
    const line = viewLog.next(view);
    if (line !== undefined) this.parts.logger.log(line);
  }
}

function isReady({ members }: Assembly, nodes: number): boolean {
  if (members.self.status !== 'up') return false;
  let up = 1;
  for (const { status, linked } of members.peers()) if (status === 'up' && linked) up++;
  return up >= nodes;
}
