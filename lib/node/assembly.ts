// The composition root of the kernel: builds every part of one node and says who is told of what.
import type { Member } from '../cluster/member.js';
import { QUIET_LOG_MS } from '../cluster/failure-detector.js';
import { Membership } from '../cluster/membership.js';
import { ViewChanges } from '../cluster/view-changes.js';
import { Placements } from '../distribution/placements.js';
import { ring } from '../distribution/ring.strategy.js';
import { GroupFanOut } from '../messaging/group-fan-out.js';
import { PendingReplies } from '../messaging/pending-replies.js';
import { Router } from '../messaging/router.js';
import { Arbiter } from '../registration/arbiter.js';
import { Endings } from '../registration/endings.js';
import { GroupMembership } from '../registration/group-membership.js';
import { Registrar } from '../registration/registrar.js';
import type { RegistrationParts } from '../registration/registration-parts.js';
import { Starts } from '../registration/starts.js';
import { Takeover } from '../registration/takeover.js';
import { HybridLogicalClock } from '../runtime/hybrid-logical-clock.js';
import type { Runtime } from '../runtime/runtime.interface.js';
import { Forgotten } from '../tracker/forgotten.js';
import { NameWaiters } from '../tracker/name-waiters.js';
import { Orphans } from '../tracker/orphans.js';
import { OwnRows } from '../tracker/own-rows.js';
import { OwnStream } from '../tracker/own-stream.js';
import { RegistryIndex } from '../tracker/registry-index.js';
import { RegistryWatch } from '../tracker/registry-watch.js';
import { Replicas } from '../tracker/replicas.js';
import { FrameKind, type ResponseFrame } from '../transport/frame.js';
import { nodeIdOf, type Address, type NodeId, type NodeInfo } from '../transport/node-info.js';
import type { TransportHandler } from '../transport/transport.interface.js';
import type { EventLog } from '../events/index.js';
import { dispatch, type FrameReceivers } from './frame-dispatch.js';
import type { KernelOptions } from './kernel-options.js';
import type { KernelParts } from './kernel-parts.js';

/** The protocols that this build speaks. */
const PROTOCOL = { min: 1, max: 1 } as const;

/** Everything of one node once its address is known. */
export type Assembly = ReturnType<typeof assemble>;

/** Builds a node that listens at `bound`. `runtime` ends with the node; `viewChanged` is told once per `coalesceMs` at most. */
export function assemble(
  options: KernelOptions,
  parts: KernelParts,
  runtime: Runtime,
  bound: Address,
  events: EventLog,
  viewChanged: () => void,
) {
  const { transport, host, codec, refs, logger, discovery } = parts;
  const clock = new HybridLogicalClock(runtime);
  const self: NodeInfo = {
    id: nodeIdOf(options.node.name, bound),
    name: options.node.name,
    host: bound.host,
    port: bound.port,
    incarnation: clock.next(),
    weight: options.node.weight,
    labels: options.node.labels,
    hosting: options.node.hosting,
    types: host.types,
  };
  const count = (counter: string): void => events.count(counter);
  const dropped = (name: string, pattern: string, reason: string): void =>
    events.messageDropped(name, pattern, reason);

  const waiters = new NameWaiters(runtime);
  const views = new NameWaiters(runtime);
  const watch = new RegistryWatch((error) =>
    logger.error(`a listener of the registry threw: ${String(error)}`),
  );
  const contested = new Set<string>();
  const index = new RegistryIndex({
    changed(name, row) {
      arbiter.changed(name);
      waiters.wake(name);
      router.parked.retry(name);
      watch.changed(name, row);
    },
    contested(name) {
      if (contested.size === 0) runtime.defer(settleContested);
      contested.add(name);
    },
  });
  const settleContested = (): void => {
    const names = [...contested];
    contested.clear();
    for (const name of names) endings.contested(name);
  };

  const membership: Membership = new Membership({
    runtime,
    clock,
    transport,
    logger,
    discovery,
    self,
    options: { ...options, protocol: PROTOCOL },
    listener: {
      linked(member) {
        const { id, incarnation } = member.info;
        firstHave.add(id);
        stream.open(id);
        replicas.open(id, incarnation, orphans.revive(id, incarnation));
      },
      unlinked({ info: { id } }) {
        stream.close(id);
        orphans.unlinked(id);
        questions.unlinked(id);
        router.unlinked(id);
        groups.unlinked(id);
      },
      down(member, reason) {
        const { id, incarnation } = member.info;
        if (announced.delete(id)) events.emit({ type: 'node-down', node: id, reason });
        stream.peerLost();
        orphans.add(id, incarnation, replicas.take(id));
        downReasons.set(id, reason);
      },
      statusChanged: (member) => announce(member),
      selfUp: () => announce(membership.members.self),
      reincarnated: (incarnation) => (stream.log.table.incarnation = incarnation),
      changed,
      logState: (peer) => stream.stateFor(peer),
    },
  });
  const { members } = membership;

  /** Members whose `node-up` was told. */
  const announced = new Set<NodeId>();
  const downReasons = new Map<NodeId, string>();
  const announce = ({ status, info: { id } }: Member): void => {
    if (status !== 'up' || announced.has(id)) return;
    announced.add(id);
    events.emit({ type: 'node-up', node: id });
  };
  const view = new ViewChanges(runtime, options.coalesceMs, viewChanged);
  function changed(): void {
    waiters.wakeAll();
    views.wakeAll();
    router.parked.retryAll();
    takeover.scan();
    view.note();
  }

  const firstHave = new Set<NodeId>();
  let pingDue = false;
  const pingWhenQuiet = (): void => {
    if (pingDue) return;
    pingDue = true;
    runtime.after(QUIET_LOG_MS, () => {
      pingDue = false;
      if (runtime.now() - stream.movedAt < QUIET_LOG_MS) pingWhenQuiet();
      else membership.detector.pingAll();
    });
  };
  const stream = new OwnStream({
    node: self.id,
    incarnation: self.incarnation,
    runtime,
    transport,
    caughtUp(peer) {
      orphans.sendAll(peer, () => ({ kind: FrameKind.Adopted, members: members.addresses() }));
    },
    moved: pingWhenQuiet,
    peerCount: (): number => members.peerCount,
  });
  const rows = new OwnRows(self.id, stream.log, index);
  const forgotten = new Forgotten();
  const replicas = new Replicas({ runtime, transport, clock, index, forgotten, count });
  const orphans = new Orphans({
    runtime,
    transport,
    index,
    forgotten,
    pollMs: options.pollMs,
    linkedPeers: () => members.linkedIds(),
    isMember: (node, incarnation) => members.get(node)?.info.incarnation === incarnation,
    settled: changed,
  });

  const placements = new Placements(members, options.strategy, ring());
  const questions = new PendingReplies<ResponseFrame>(runtime);
  const registration: RegistrationParts = {
    self: self.id,
    runtime,
    clock,
    transport,
    membership,
    placements,
    index,
    rows,
    stream,
    replicas,
    orphans,
    forgotten,
    waiters,
    host,
    questions,
    codec,
    refs,
    logger,
    acks: options.acks,
    registerTimeoutMs: options.registerTimeoutMs,
    maxArgsBytes: options.maxArgsBytes,
    emit: (event) => events.emit(event),
    count,
  };
  const arbiter = new Arbiter(registration);
  const starts = new Starts(registration, arbiter);
  const endings = new Endings(registration);
  const registrar = new Registrar(registration, starts, arbiter, endings);
  const takeover = new Takeover(registration, starts);
  const groupMembership = new GroupMembership(registration);

  const messaging = {
    self: self.id,
    runtime,
    transport,
    index,
    host,
    codec,
    refs,
    callTimeoutMs: options.callTimeoutMs,
    maxPayloadBytes: options.maxPayloadBytes,
    isLinked: (node: NodeId) => members.get(node)?.linked === true,
    isJoining: () => members.self.status === 'joining',
    dropped,
  };
  const router = new Router(messaging);
  const groups = new GroupFanOut(messaging);

  host.attach({
    node: self.id,
    joinGroup: (group, name) => groupMembership.change(group, name, true),
    leaveGroup: (group, name) => groupMembership.change(group, name, false),
  });

  const receivers: FrameReceivers = {
    stream,
    replicas,
    orphans,
    questions,
    membership,
    router,
    groups,
    registrar,
    groupMembership,
    endings,
    isFirstHave: (peer) => firstHave.delete(peer),
  };
  const handler: TransportHandler = {
    hello: () => membership.hello(),
    admit: (hello) => membership.admit(hello),
    linkOpened: (peer) => membership.linkOpened(peer),
    linkClosed: (peer, reason) => membership.linkClosed(peer, reason),
    drained(peer) {
      membership.drained(peer);
      stream.drained(peer);
    },
    dialed: (address, outcome) => membership.dialed(address, outcome),
    frame(from, frame) {
      const member = members.get(from);
      if (!member?.linked) return;
      member.heardAt = runtime.now();
      dispatch(receivers, from, frame);
    },
  };

  return {
    self,
    handler,
    membership,
    members,
    placements,
    index,
    rows,
    stream,
    replicas,
    orphans,
    waiters,
    views,
    watch,
    questions,
    starts,
    arbiter,
    endings,
    registrar,
    takeover,
    groupMembership,
    router,
    groups,
    downReasons,
  };
}
