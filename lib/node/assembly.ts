// The composition root of the kernel: builds every part of one node and says who is told of what.
import type { Member } from '../cluster/member.js';
import { QUIET_LOG_MS } from '../cluster/failure-detector.js';
import { Membership } from '../cluster/membership.js';
import { CoalescedChanges } from '../cluster/coalesced-changes.js';
import { Placements } from '../distribution/placements.js';
import { ring } from '../distribution/ring.strategy.js';
import { messageOf } from '../errors/thrown.js';
import { Arrivals } from '../handoff/arrivals.js';
import { Conflicts } from '../handoff/conflicts.js';
import { Drain } from '../handoff/drain.js';
import type { HandoffParts } from '../handoff/handoff-parts.js';
import { Moves } from '../handoff/moves.js';
import { Quorum } from '../handoff/quorum.js';
import { Rebalancer } from '../handoff/rebalancer.js';
import { GroupFanOut } from '../messaging/group-fan-out.js';
import { PendingReplies } from '../messaging/pending-replies.js';
import { Router } from '../messaging/router.js';
import { Arbiter } from '../registration/arbiter.js';
import { Copies } from '../registration/copies.js';
import { Endings } from '../registration/endings.js';
import { GroupMembership } from '../registration/group-membership.js';
import { Recall } from '../registration/recall.js';
import { Registrar } from '../registration/registrar.js';
import type { RegistrationParts } from '../registration/registration-parts.js';
import { Starts } from '../registration/starts.js';
import { Supervisor } from '../registration/supervisor.js';
import { Takeover } from '../registration/takeover.js';
import { HybridLogicalClock } from '../runtime/hybrid-logical-clock.js';
import { LimitedLogger } from '../runtime/limited.logger.js';
import { Rest } from '../runtime/rest.js';
import type { Runtime } from '../runtime/runtime.interface.js';
import { Forgotten } from '../tracker/forgotten.js';
import { NameWaiters } from '../tracker/name-waiters.js';
import { Orphans } from '../tracker/orphans.js';
import { OwnRows } from '../tracker/own-rows.js';
import { OwnStream } from '../tracker/own-stream.js';
import { PacedSender } from '../tracker/paced-sender.js';
import { RegistryIndex } from '../tracker/registry-index.js';
import { RegistryWatch } from '../tracker/registry-watch.js';
import { Replicas } from '../tracker/replicas.js';
import type { Row } from '../tracker/row.js';
import type { ResponseFrame } from '../transport/frame.js';
import type { Address, NodeId } from '../transport/node-info.js';
import type { RelayTransport } from '../transport/relay/relay.transport.js';
import type { TransportHandler } from '../transport/transport.interface.js';
import { type EventLog, PlacementHistory } from '../events/index.js';
import { dispatch, type FrameReceivers } from './frame-dispatch.js';
import type { KernelOptions } from './kernel-options.js';
import type { KernelParts } from './kernel-parts.js';
import { membershipNews } from './membership-news.js';
import { ownInfo, ownQuorums } from './own-info.js';
import { ViewLog } from './view-log.js';

/** The protocols that this build speaks. */
const PROTOCOL = { min: 2, max: 2 } as const;

/** Everything of one node once its address is known. */
export type Assembly = ReturnType<typeof assemble>;

/** Builds a node that listens at `bound`. `runtime` ends with the node; `viewChanged` is told once per `coalesceMs` at most. */
export function assemble(
  options: KernelOptions,
  parts: KernelParts,
  transport: RelayTransport,
  runtime: Runtime,
  bound: Address,
  events: EventLog,
  viewChanged: () => void,
) {
  const { host, codec, refs, logger, discovery, protocol = PROTOCOL } = parts;
  const clock = new HybridLogicalClock(runtime);
  const quorums = ownQuorums(options, host);
  const self = ownInfo(options, host, quorums, bound, clock, logger);
  const count = (counter: string): void => events.count(counter);
  const dropped = (name: string, pattern: string, reason: string): void =>
    events.messageDropped(name, pattern, reason);

  const waiters = new NameWaiters(runtime);
  const views = new NameWaiters(runtime);
  const watch = new RegistryWatch((error) =>
    logger.error(`a listener of the registry threw: ${messageOf(error)}`),
  );
  const rest = new Rest(runtime);
  const history = new PlacementHistory(() => runtime.wallClock());
  const trace = options.debug
    ? (decision: () => string): void => logger.debug(decision())
    : (): void => undefined;
  const touched = new Set<string>();
  /** Moves, arrivals and conflicts look at a name when the index has come to rest. */
  const touch = (name: string): void => {
    if (!moves.follows(name) && !arrivals.has(name) && !conflicts.follows(name)) return;
    if (touched.size === 0) runtime.defer(lookAtTouched);
    touched.add(name);
  };
  const lookAtTouched = (): void => {
    const names = [...touched];
    touched.clear();
    for (const name of names) {
      moves.rowChanged(name);
      arrivals.rowChanged(name);
      if (conflicts.follows(name)) conflicts.noted(name);
    }
  };
  const index = new RegistryIndex({
    changed(name, row, isAnew) {
      arbiter.changed(name);
      waiters.wake(name);
      router.parked.retry(name);
      if (isAnew) watch.changed(name, row);
      touch(name);
      if (row?.orphaned) takeover.appeared(row);
    },
    hiding: (row) => watch.hiding(row),
    contested(name, row) {
      touch(name);
      // A worker that arrives is no rival of the one that it comes from.
      if (!row.isArriving || replicas.isLingering(name)) conflicts.noted(name);
    },
  });

  const news = membershipNews(self.id, events, logger);
  const membership: Membership = new Membership({
    runtime,
    clock,
    transport,
    logger,
    discovery,
    self,
    relays: transport,
    quorums,
    options: { ...options, protocol },
    listener: {
      linked(member) {
        const { id, incarnation } = member.info;
        firstHave.add(id);
        stream.open(id);
        orphans.revive(id, incarnation, (held) => replicas.open(id, incarnation, held));
        arrivals.linked(id);
      },
      unlinked({ info: { id } }) {
        stream.close(id);
        orphans.unlinked(id);
        sender.unlinked(id);
        stateSender.unlinked(id);
        moves.unlinked(id);
        conflicts.unlinked(id);
        drain.onLastWord(id);
        questions.unlinked(id);
        registrar.unlinked(id);
        router.unlinked(id);
        groups.unlinked(id);
      },
      down(member, reason, reborn) {
        const { id, incarnation } = member.info;
        if (announced.delete(id)) events.emit({ type: 'node-down', node: id, reason });
        orphans.add(id, incarnation, replicas.take(id));
        if (!reborn) arrivals.down(id, incarnation);
        viewLog.wentDown(id, reason);
      },
      ...news,
      released(info, types) {
        news.released(info, types);
        arrivals.released(info.id, info.incarnation);
      },
      selfFenced: (by, done) => quorum.selfFenced(by, done),
      leaseExtended: (type, until) => quorum.leaseExtended(type, until),
      leasesChanged(lost, regained) {
        quorum.leasesChanged(lost, regained);
        changed();
      },
      leaseStale: (types, done) => quorum.leaseStale(types, done),
      trustedUntil(until) {
        for (const type of host.types) if (!quorums.has(type)) host.allowUntil(type, until, false);
      },
      statusChanged: (member) => announce(member),
      level: () => conflicts.level(),
      selfUp: () => announce(membership.members.self),
      reincarnated: (incarnation) => (stream.log.table.incarnation = incarnation),
      changed,
      readUpTo(id, incarnation) {
        stream.log.flush();
        const table = replicas.table(id);
        return table?.incarnation === incarnation ? table.seq : orphans.readUpTo(id, incarnation);
      },
      logState: (peer) => stream.stateFor(peer),
      sendBehind: (peer, frame) => orphans.sendBehind(peer, frame),
    },
  });
  const { members } = membership;

  /** Members whose `node-up` was told. */
  const announced = new Set<NodeId>();
  const viewLog = new ViewLog();
  const announce = ({ status, info: { id } }: Member): void => {
    if (status !== 'up' || announced.has(id)) return;
    announced.add(id);
    if (id !== self.id) viewLog.cameUp(id);
    events.emit({ type: 'node-up', node: id });
  };
  const view = new CoalescedChanges(runtime, options.coalesceMs, viewChanged);
  function changed(): void {
    waiters.wakeAll();
    views.wakeAll();
    router.parked.retryAll();
    membership.fencing.check();
    stream.peersChanged();
    takeover.scan();
    view.note();
    rest.changed();
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
      orphans.sendAll(peer, () => membership.adoption());
    },
    moved: pingWhenQuiet,
    peerCount: (): number => members.peerCount,
  });
  const rows = new OwnRows(self.id, stream.log, index);
  const forgotten = new Forgotten();
  const mayLackRows = (except?: NodeId): boolean =>
    members.self.status === 'joining' ||
    membership.isReadingFrom(except) ||
    membership.isExpecting ||
    !orphans.isSettled;
  const replicas = new Replicas({
    ...{ runtime, transport, clock, index, forgotten, mayLackRows, count, trace },
    ended(name, registration) {
      orphans.forget(name, registration);
      // Not while the index changes.
      if (rows.get(name)?.registration === registration)
        runtime.defer(() => endings.ended(name, registration));
    },
  });
  const orphans = new Orphans({
    runtime,
    transport,
    index,
    forgotten,
    pollMs: options.pollMs,
    linkedPeers: () => members.linkedIds(),
    isMember: (node, incarnation) => members.get(node)?.info.incarnation === incarnation,
    isCurrent: (row) => members.isCurrent(row.node) && !replicas.isLetGo(row),
    isLetGo: (row) => replicas.isLetGo(row),
    outlives: ({ type, registration, fence }, holder) =>
      registration !== holder.registration && fence > holder.fence && placements.quorumOf(type) !== undefined,
    settled: changed,
    trace,
  });

  const placements = new Placements(
    members,
    options.strategy,
    ring(),
    (type) => host.definition(type)?.strategy,
    (message) => logger.error(message),
    membership.fencing,
  );
  const questions = new PendingReplies<ResponseFrame>(runtime);
  const sender = new PacedSender(runtime, transport);
  const stateSender = new PacedSender(runtime, transport);
  const shared: RegistrationParts = {
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
    logger: new LimitedLogger(runtime, logger),
    acks: options.acks,
    registerTimeoutMs: options.registerTimeoutMs,
    maxArgsBytes: options.maxArgsBytes,
    history,
    rest,
    knowsAll: () => membership.mayStart && orphans.isSettled,
    emit: (event) => events.emit(event),
    count,
    trace,
    reroute: (name, waiting) => router.reroute(name, waiting),
    cancelMove(row) {
      moves.cancel(row);
      supervisor.release(row);
    },
    settledHere(row, ringVersion) {
      supervisor.runs(row);
      if (ringVersion !== members.ringVersion) rebalancer.consider(row);
    },
  };
  const arbiter = new Arbiter(shared);
  const copies = new Copies(shared);
  const starts = new Starts(shared, arbiter, copies, (row, error) => supervisor.failed(row, error));
  const endings = new Endings(shared);
  const supervisor = new Supervisor(shared, starts, endings);
  const registrar = new Registrar(shared, starts, arbiter, endings, copies);
  const recall = new Recall(shared, endings);
  const takeover = new Takeover(shared, starts, recall);
  const groupMembership = new GroupMembership(shared, mayLackRows);

  const handoff: HandoffParts = {
    ...shared,
    copies,
    endings,
    supervisor,
    sender,
    stateSender,
    handoff: options.handoff,
  };
  const moves = new Moves(handoff);
  const arrivals = new Arrivals(handoff);
  const conflicts = new Conflicts(handoff, moves);
  const quorum = new Quorum({
    ...shared,
    quorums,
    leaseMs: options.leaseMs,
    abandonStart: (row) => starts.loseQuorum(row),
    abandonArrival: (row) => arrivals.abandon(row),
    regained: () => rebalancer.scan(),
  });
  const rebalancer = new Rebalancer(handoff, moves, quorum);
  const isIdle = (): boolean => router.pending.size + router.parked.size + groups.size + questions.size === 0;
  const drain = new Drain({ ...handoff, moves, rebalancer, arrivals, conflicts, isIdle });

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
    mayLackRows,
    passedOnDone: rest.changed,
    isArriving: (name: string) => arrivals.has(name),
    isPlaceable: ({ name, type }: Row) => placements.ownerOf(name, type) !== undefined,
    dropped,
  };
  const router = new Router(messaging);
  const groups = new GroupFanOut(messaging, router);

  host.attach({
    node: self.id,
    leaseMs: options.leaseMs,
    renewLeases: () => membership.detector.pingAll(),
    joinGroup: (group, name) => groupMembership.change(group, name, true),
    leaveGroup: (group, name) => groupMembership.change(group, name, false),
    failed: (name, fence, error) => supervisor.wishesToFail(name, fence, error),
    stopped: (name, fence) => supervisor.wishesToStop(name, fence),
  });

  const receivers: FrameReceivers = {
    stream,
    replicas,
    orphans,
    questions,
    membership,
    router,
    groups,
    recall,
    registrar,
    groupMembership,
    endings,
    moves,
    arrivals,
    conflicts,
    drain,
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
      membership.heard(member);
      dispatch(receivers, from, frame);
      rest.changed();
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
    forgotten,
    orphans,
    waiters,
    views,
    watch,
    questions,
    starts,
    arbiter,
    recall,
    registrar,
    takeover,
    groupMembership,
    router,
    groups,
    moves,
    arrivals,
    conflicts,
    rebalancer,
    quorum,
    supervisor,
    drain,
    view,
    rest,
    history,
    viewLog,
  };
}
