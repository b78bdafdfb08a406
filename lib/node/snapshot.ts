// Makes the picture of a node that `inspect()` shows.
import type { Member } from '../cluster/member.js';
import type { RowTable } from '../tracker/row-table.js';
import { RowStatus } from '../tracker/row.js';
import type { Assembly } from './assembly.js';
import type { Transport } from '../transport/transport.interface.js';
import type { WorkerHost } from '../workers/worker-host.interface.js';
import type { SwarmNode, SwarmSnapshot } from './swarm-snapshot.interface.js';

/** Moves under way that are listed one by one. */
const MOVES_SHOWN = 100;

/** What is under way on a node, `undefined` if it is at rest. */
export function unrestOf(assembly: Assembly): string | undefined {
  const { membership, members, orphans, view, stream, replicas } = assembly;
  const { starts, takeover, rebalancer, arrivals, conflicts } = assembly;
  const { status } = members.self;
  if (status !== 'up') return `it is ${status}`;
  if (!membership.mayStart || !stream.isLevel || !replicas.isLevel) return 'it reads or sends rows';
  if (!orphans.isSettled) return 'the rows of a dead node are not agreed upon';
  if (view.isPending) return 'its view has just changed';
  const busy = {
    starts: starts.size,
    restarts: takeover.size,
    moves: rebalancer.size,
    arrivals: arrivals.size,
    conflicts: conflicts.size,
  };
  const queues = Object.entries(busy).filter(([, size]) => size > 0);
  return queues.length > 0 ? queues.map(([queue, size]) => `${size} ${queue}`).join(', ') : undefined;
}

export function toSwarmNode({ info, status, suspected }: Member): SwarmNode {
  const { id, name, host, port, incarnation, weight, labels, hosting, types } = info;
  const shown = suspected ? 'suspect' : status;
  return { id, name, host, port, incarnation, status: shown, weight, labels, hosting, types };
}

export function snapshotOf(
  assembly: Assembly,
  counters: Readonly<Record<string, number>>,
  transport: Transport,
  host: WorkerHost,
): SwarmSnapshot {
  const {
    members,
    membership,
    placements,
    stream,
    replicas,
    orphans,
    router,
    groups,
    questions,
    starts,
    takeover,
    waiters,
  } = assembly;
  const { view, rebalancer, moves, arrivals, conflicts, quorum, supervisor } = assembly;
  const { workers, waiting } = host.inspect();
  return {
    self: toSwarmNode(members.self),
    nodes: [members.self, ...members.peers()].map(toSwarmNode),
    ring: members.ring().flatMap(({ info }) => (info.hosting ? [info.id] : [])),
    rows: [stream.log.table, ...replicas.tables(), ...orphans.tables()].map((table) =>
      countRows(table, placements),
    ),
    workers,
    pausing: supervisor.size,
    withoutQuorum: quorum.types,
    leases: membership.leases.list(),
    missing: membership.fencing.list(),
    exceeded: host.types.flatMap((type) => {
      const nodes = placements.beyond(type);
      return nodes.length > 0 ? { type, nodes } : [];
    }),
    moves: [...moves.list()].slice(0, MOVES_SHOWN),
    queues: {
      starts: starts.size,
      restarts: takeover.size,
      viewChanges: view.isPending ? 1 : 0,
      moves: rebalancer.size,
      arrivals: arrivals.size,
      conflicts: conflicts.size,
      unsettledDead: orphans.isSettled ? 0 : 1,
      questions: questions.size,
      waitingForNames: waiters.size,
      waitingForAcks: stream.waiting,
      calls: router.pending.size,
      multiCalls: groups.size,
      parkedMessages: router.parked.size,
      waitingMessages: waiting,
    },
    counters: { ...counters },
    transport: transport.inspect(),
  };
}

function countRows(table: RowTable, placements: Assembly['placements']): SwarmSnapshot['rows'][number] {
  let starting = 0;
  let running = 0;
  let orphaned = 0;
  let arriving = 0;
  let parked = 0;
  for (const row of table.values()) {
    // An orphan that no node may host waits for a quorum, as those do that were stopped for want of it.
    if (row.orphaned && placements.ownerOf(row.name, row.type) === undefined) parked++;
    else if (row.orphaned) orphaned++;
    else if (row.status === RowStatus.running) running++;
    else if (row.status === RowStatus.arriving) arriving++;
    else if (row.status === RowStatus.parked) parked++;
    else starting++;
  }
  const { node, incarnation, seq, digest } = table;
  return { node, incarnation, seq, digest, starting, running, arriving, parked, orphaned };
}
