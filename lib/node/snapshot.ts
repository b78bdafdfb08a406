// Makes the picture of a node that `inspect()` shows.
import type { Member } from '../cluster/member.js';
import type { RowTable } from '../tracker/row-table.js';
import { RowStatus } from '../tracker/row.js';
import type { Assembly } from './assembly.js';
import type { KernelParts } from './kernel-parts.js';
import type { SwarmNode, SwarmSnapshot } from './swarm-snapshot.js';

export function toSwarmNode({ info, status }: Member): SwarmNode {
  const { id, name, host, port, incarnation, weight, labels, hosting, types } = info;
  return { id, name, host, port, incarnation, status, weight, labels, hosting, types };
}

export function snapshotOf(
  assembly: Assembly,
  counters: Readonly<Record<string, number>>,
  { transport, host }: KernelParts,
): SwarmSnapshot {
  const { members, stream, replicas, orphans, router, groups, questions, starts, takeover, waiters } =
    assembly;
  const { workers, waiting } = host.inspect();
  return {
    self: toSwarmNode(members.self),
    nodes: [members.self, ...members.peers()].map(toSwarmNode),
    ring: members.ring().map(({ info }) => info.id),
    rows: [stream.log.table, ...replicas.tables(), ...orphans.tables()].map(countRows),
    workers,
    queues: {
      starts: starts.size,
      restarts: takeover.size,
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

function countRows(table: RowTable): SwarmSnapshot['rows'][number] {
  let starting = 0;
  let running = 0;
  let orphaned = 0;
  for (const row of table.values()) {
    if (row.orphaned) orphaned++;
    else if (row.status === RowStatus.running) running++;
    else starting++;
  }
  const { node, incarnation, seq, digest } = table;
  return { node, incarnation, seq, digest, starting, running, orphaned };
}
