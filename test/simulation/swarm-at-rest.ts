import type { Registrations } from './registrations.js';
import type { SimulatedNode, SimulatedSwarm } from './simulated-swarm.js';

/** Queues of `inspect()` that are empty when nothing is under way. */
export const QUEUES_AT_REST = [
  'starts',
  'restarts',
  'moves',
  'arrivals',
  'conflicts',
  'questions',
  'waitingForAcks',
  'unsettledDead',
  'waitingForNames',
  'calls',
  'multiCalls',
  'parkedMessages',
] as const;

/** What keeps a swarm whose nodes all live from being at rest, as violations of promises; nothing if it is. */
export async function restOf(
  swarm: SimulatedSwarm,
  registrations: Registrations,
  nodes: number,
): Promise<string[]> {
  const { alive } = swarm;
  const found = alive.length >= nodes ? [] : [`membership: ${alive.length} of ${nodes} nodes are alive`];
  const quorumIsLost = isQuorumLost(alive);
  for (const node of alive) found.push(...unrestOf(node, alive, quorumIsLost));
  if (found.length > 0) return found;
  found.push(...differences(alive));
  const names = registrations.names.filter((name) => !quorumIsLost || registrations.typeOf(name) !== 'Once');
  for (const name of names) found.push(...faultsOf(swarm, name, registrations));
  return found.length > 0 ? found : unanswered(swarm, names);
}

/**
 * Where most of those that count are gone for good, and came back under other ids, nobody can say that they have ended:
 * nothing of a type with a quorum runs until all are started anew.
 */
function isQuorumLost(alive: readonly SimulatedNode[]): boolean {
  const seen = alive.map(({ kernel }) => kernel.inspect());
  return (
    seen.every(({ missing }) => missing.length > 0) &&
    seen.every(({ leases }) => leases.every(({ leftMs }) => leftMs <= 0))
  );
}

/** What every node believes, for the story of a swarm that does not come to rest. */
export function* beliefs(swarm: SimulatedSwarm, registrations: Registrations): IterableIterator<string> {
  for (const { kernel, key } of swarm.alive) {
    const { self, nodes, queues, moves, missing, leases } = kernel.inspect();
    const known = nodes.map(({ id, incarnation, status }) => `${id} ${incarnation} ${status}`);
    yield `${key} is ${self.status} in ${self.incarnation} and knows ${known.join(', ')}`;
    yield `${key} has ${JSON.stringify({ queues, moves, missing, leases })}`;
    for (const name of registrations.names) {
      const { status, node, fence, rivals, reason, misplaced, history } = kernel.explain(name);
      if (status === 'running' && rivals.length === 0 && !misplaced) continue;
      if (status === 'unknown' && registrations.fateOf(name) !== 'present') continue;
      yield `${key} "${name}" ${registrations.fateOf(name)} ${status} ${node} ${fence} ${JSON.stringify(rivals)}: ${reason} (${history.map(({ what }) => what).join('; ')})`;
    }
  }
}

/** Each node sees all others up, and has nothing left to do. */
function unrestOf(
  { kernel, key }: SimulatedNode,
  alive: readonly SimulatedNode[],
  quorumIsLost: boolean,
): string[] {
  const found: string[] = [];
  const up = new Set(
    kernel
      .nodes()
      .filter(({ status }) => status === 'up')
      .map(({ host, port }) => `${host}:${port}`),
  );
  const unseen = alive.filter((node) => !up.has(node.key)).map((node) => node.key);
  if (unseen.length > 0) found.push(`membership: ${key} does not see ${unseen.join(', ')} up`);
  if (up.size + unseen.length > alive.length) found.push(`membership: ${key} sees ${[...up].join(', ')} up`);
  const { queues, missing } = kernel.inspect();
  for (const queue of QUEUES_AT_REST) {
    if (queues[queue] !== 0) found.push(`at rest ${key} still has ${queue}: ${queues[queue]}`);
  }
  if (missing.length > 0 && !quorumIsLost)
    found.push(`at rest ${key} still misses ${JSON.stringify(missing)}`);
  return found;
}

/** P6: registries and logs are equal everywhere. */
export function differences(alive: readonly SimulatedNode[]): string[] {
  const found: string[] = [];
  const views = alive.map(({ kernel }) =>
    JSON.stringify([...kernel.rows({})].map(({ name, node, fence }) => [name, node, fence]).sort()),
  );
  if (new Set(views).size > 1) found.push(`P6: the registries differ:\n${views.join('\n')}`);
  const logs = alive.map(({ kernel }) =>
    JSON.stringify(
      kernel
        .inspect()
        .rows.filter(({ orphaned, seq }) => orphaned === 0 && seq > 0)
        .map(({ node, incarnation, seq, digest }) => [node, incarnation, seq, digest])
        .sort(),
    ),
  );
  if (new Set(logs).size > 1) found.push(`P6: the logs differ:\n${logs.join('\n')}`);
  return found;
}

/** P3 and P4 of one name: it lives once or not at all, as its row says, where it belongs. */
function faultsOf(swarm: SimulatedSwarm, name: string, registrations: Registrations): string[] {
  const found: string[] = [];
  const kernel = swarm.alive[0]?.kernel;
  const row = kernel?.lookup(name);
  const fate = registrations.fateOf(name);
  if (fate === 'present' && !row) {
    found.push(`P4: "${name}" was registered and is gone (${kernel?.explain(name).status})`);
  }
  if (fate === 'absent' && row)
    found.push(`P4: "${name}" was unregistered and is back on ${row.node}, fence ${row.fence}`);
  const lives = swarm.activations.nodesOf(name);
  if (lives.length !== (row ? 1 : 0))
    found.push(
      `P3: "${name}" has ${row ? `a row on ${row.node}` : 'no row'} and lives on [${lives.join(', ')}]`,
    );
  if (row && kernel?.explain(name).misplaced)
    found.push(`P3: "${name}" is misplaced: ${kernel.explain(name).reason}`);
  for (const node of swarm.alive) {
    const { status, reason } = node.kernel.explain(name);
    if (status !== (row ? 'running' : 'unknown'))
      found.push(`P4: for ${node.key} "${name}" is ${status} although nothing is under way: ${reason}`);
  }
  return found;
}

/** Every name that is there answers, from any node. */
async function unanswered(swarm: SimulatedSwarm, names: readonly string[]): Promise<string[]> {
  const { alive } = swarm;
  const asked = names.map(async (name, index) => {
    const node = alive[index % alive.length];
    if (!node?.kernel.lookup(name)) return [];
    const call = { pattern: 'total', data: undefined, timeoutMs: 1_000, chain: [] };
    try {
      await node.kernel.call(name, call);
      return [];
    } catch (error) {
      return [`P3: "${name}" does not answer ${node.key}: ${String(error)}`];
    }
  });
  return (await swarm.settle(Promise.all(asked))).flat();
}
