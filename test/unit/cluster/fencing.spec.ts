import { describe, expect, it } from 'vitest';
import { staticQuorumRing } from '../../../lib/distribution/index.js';
import type { SwarmEvent } from '../../../lib/events/index.js';
import { KernelSwarm, type KernelSwarmNode, workerType } from '../node/support/kernel-swarm.js';

const LEASE_MS = 3_000;

function once(size = 2) {
  return workerType('Once', { strategy: staticQuorumRing({ size }) });
}

const CALL = { pattern: 'echo', data: 1, timeoutMs: 1_000, chain: [] };

/** A swarm whose nodes all host `Once`, and what they told of fences and leases, with the time. */
async function formed(count: number, size = 2, types = [once(size)]) {
  const swarm = new KernelSwarm();
  const events: Array<SwarmEvent & { readonly on: string; readonly when: number }> = [];
  const follow = (node: KernelSwarmNode): KernelSwarmNode => {
    node.kernel.onEvent((event) => events.push({ ...event, on: node.key, when: swarm.scheduler.now }));
    return node;
  };
  const nodes = await swarm.form(count, { types });
  await swarm.until(() =>
    nodes.every(({ kernel }) => kernel.inspect().leases.every(({ leftMs }) => leftMs > 0)),
  );
  nodes.forEach(follow);
  const boot = (port?: number): KernelSwarmNode =>
    follow(swarm.boot({ types: [once(size)], ...(port !== undefined && { port }) }));
  const told = (type: SwarmEvent['type'], on?: KernelSwarmNode) =>
    events.filter((event) => event.type === type && (on === undefined || event.on === on.key));
  return { swarm, nodes, boot, told };
}

/** A name that belongs to this node. */
function nameOn({ kernel }: KernelSwarmNode): string {
  for (let i = 0; ; i++) if (kernel.ownerOf(`name-${i}`, 'Once') === kernel.self.id) return `name-${i}`;
}

function isolate(swarm: KernelSwarm, node: KernelSwarmNode): void {
  for (const other of swarm.nodes) if (other !== node) swarm.network.cut(node.key, other.key);
}

describe('a node that runs workers under a quorum', () => {
  it('and dies is released when a quorum has fenced it and its lease is over, not before', async () => {
    const { swarm, nodes, told } = await formed(3);
    const [a, b, c] = nodes;
    const name = nameOn(c!);
    await swarm.settle(a!.kernel.register(name, 'Once', undefined, {}));
    const diedAt = swarm.scheduler.now;
    swarm.crash(c!);
    await swarm.until(
      () => a!.kernel.lookup(name) !== undefined && a!.kernel.lookup(name)?.node !== c!.kernel.self.id,
    );
    const took = swarm.scheduler.now - diedAt;
    expect(took).toBeGreaterThan(LEASE_MS - 1_000);
    expect(took).toBeLessThan(LEASE_MS + 1_500);
    for (const node of [a, b]) {
      expect(told('node-fenced', node)).toMatchObject([{ node: c!.kernel.self.id }]);
      expect(told('node-released', node)).toMatchObject([{ workerTypes: ['Once'] }]);
    }
    expect(a!.kernel.inspect().missing).toEqual([]);
  });

  it('is waited for by those workers only: all others start elsewhere at once', async () => {
    const { swarm, nodes } = await formed(3, 2, [once(2), workerType('Ring', {})]);
    const [a, , c] = nodes;
    const ownerOf = (name: string): string | undefined => a!.kernel.ownerOf(name, 'Ring');
    const names = Array.from({ length: 50 }, (_, i) => `ring-${i}`).filter(
      (name) => ownerOf(name) === c!.kernel.self.id,
    );
    for (const name of names) await swarm.settle(a!.kernel.register(name, 'Ring', undefined, {}));
    swarm.crash(c!);
    const isElsewhere = (name: string): boolean => {
      const node = a!.kernel.lookup(name)?.node;
      return node !== undefined && node !== c!.kernel.self.id;
    };
    await swarm.until(() => names.every(isElsewhere), 1_000);
    expect(names.length).toBeGreaterThan(0);
    expect(a!.kernel.inspect().missing).toMatchObject([{ node: c!.kernel.self.id }]);
  });

  it('keeps its place while it is missing: what belongs there waits, all else goes on', async () => {
    const { swarm, nodes } = await formed(3);
    const [a, b, c] = nodes;
    const [there, here] = [nameOn(c!), nameOn(b!)];
    swarm.crash(c!);
    await swarm.until(() => a!.kernel.inspect().missing.length === 1, 1_000);
    expect(a!.kernel.ownerOf(there, 'Once')).toBe(c!.kernel.self.id);
    const began = swarm.scheduler.now;
    await swarm.settle(a!.kernel.register(here, 'Once', undefined, {}));
    expect(swarm.scheduler.now - began).toBeLessThan(100);
    await swarm.settle(a!.kernel.register(there, 'Once', undefined, {}));
    expect(swarm.scheduler.now - began).toBeGreaterThan(1_000);
  });

  it('and is cut off pauses, is fenced, stops them, and joins again under a new incarnation', async () => {
    const { swarm, nodes, told } = await formed(3);
    const [a, , c] = nodes;
    const name = nameOn(c!);
    await swarm.settle(a!.kernel.register(name, 'Once', undefined, {}));
    const { incarnation } = c!.kernel.self;
    isolate(swarm, c!);
    await swarm.until(() => told('lease-lost', c!).length === 1, LEASE_MS + 500);
    expect(await swarm.outcome(c!.kernel.call(name, CALL))).toBe('ERR_SWARM_CALL_TIMEOUT');
    await swarm.until(() => a!.kernel.lookup(name)?.node === a!.kernel.ownerOf(name, 'Once'));
    swarm.network.heal();
    await swarm.until(() => told('self-fenced', c!).length > 0, 5_000);
    await swarm.until(() => c!.kernel.self.status === 'up');
    expect(c!.kernel.self.incarnation).toBeGreaterThan(incarnation);
    await swarm.until(() => swarm.nodes.every(({ kernel }) => kernel.nodes().length === 3));
    await swarm.settle(Promise.all(swarm.nodes.map(({ kernel }) => kernel.settled({}))));
    const fences = (): Set<number | undefined> =>
      new Set(swarm.nodes.map(({ kernel }) => kernel.lookup(name)?.fence));
    await swarm.until(() => fences().size === 1 && !fences().has(undefined), 1_000);
    for (const { kernel } of swarm.nodes) expect(await swarm.outcome(kernel.call(name, CALL))).toBe(1);
  });

  it('and that alone does not hear another makes nobody join again', async () => {
    const { swarm, nodes, told } = await formed(3);
    const before = nodes.map(({ kernel }) => kernel.self.incarnation);
    const [, , c] = nodes;
    isolate(swarm, c!);
    await swarm.until(() => told('node-down', c!).length === 2, 6_000);
    expect(told('node-fenced', c!)).toEqual([]);
    swarm.network.heal();
    await swarm.until(() =>
      swarm.nodes.every(({ kernel }) => kernel.nodes().filter((n) => n.status === 'up').length === 3),
    );
    const after = nodes.map(({ kernel }) => kernel.self.incarnation);
    expect(after.slice(0, 2)).toEqual(before.slice(0, 2));
    expect(after[2]).toBeGreaterThan(before[2]!);
  });

  it('and is restarted under its id has to be fenced, too: the process before it may only have been cut off', async () => {
    const { swarm, nodes, boot, told } = await formed(3);
    const [a, , c] = nodes;
    const name = nameOn(c!);
    await swarm.settle(a!.kernel.register(name, 'Once', undefined, {}));
    const diedAt = swarm.scheduler.now;
    swarm.crash(c!);
    const again = boot(Number(c!.key.split(':')[1]));
    await swarm.settle(again.started);
    await swarm.until(
      () => a!.kernel.lookup(name)?.fence !== undefined && told('node-released', a!).length > 0,
    );
    expect(swarm.scheduler.now - diedAt).toBeGreaterThan(LEASE_MS - 1_000);
    await swarm.until(() => a!.kernel.lookup(name) !== undefined);
    expect(await swarm.outcome(a!.kernel.call(name, CALL))).toBe(1);
  });

  it('hosts none of a type for which it is one too many, until another has left', async () => {
    const { swarm, nodes, boot, told } = await formed(3);
    const surge = boot();
    await swarm.settle(surge.started);
    await swarm.until(() => nodes.every(({ kernel }) => kernel.nodes().length === 4));
    await swarm.until(() => told('quorum-exceeded').length >= 1);
    const exceeded = [{ type: 'Once', nodes: [surge.kernel.self.id] }];
    expect(swarm.nodes.map(({ kernel }) => kernel.inspect().exceeded)).toEqual(
      nodes.map(() => exceeded).concat([exceeded]),
    );
    const owners = Array.from({ length: 200 }, (_, i) => surge.kernel.ownerOf(`name-${i}`, 'Once'));
    expect(owners).not.toContain(surge.kernel.self.id);
    await swarm.settle(nodes[0]!.kernel.drain({}));
    await swarm.until(() => surge.kernel.inspect().exceeded.length === 0, 5_000);
    const after = Array.from({ length: 200 }, (_, i) => surge.kernel.ownerOf(`name-${i}`, 'Once'));
    expect(after).toContain(surge.kernel.self.id);
  });

  it('and comes new to a part that has lost its quorum does not make one with it', async () => {
    const { swarm, nodes, boot } = await formed(3);
    const [, , c] = nodes;
    isolate(swarm, c!);
    await swarm.until(() => c!.kernel.inspect().missing.length === 2, 6_000);
    const fresh = boot();
    for (const other of nodes.slice(0, 2)) swarm.network.cut(fresh.key, other.key);
    await swarm.until(() =>
      fresh.kernel.nodes().some(({ id, status }) => id === c!.kernel.self.id && status === 'up'),
    );
    await swarm.scheduler.advance(10_000);
    for (const { kernel } of [c!, fresh]) {
      expect(kernel.inspect().leases).toEqual([{ type: 'Once', leftMs: 0 }]);
      expect(await swarm.outcome(kernel.register('new', 'Once', undefined, { timeoutMs: 500 }))).toMatch(
        /NO_NODE_AVAILABLE|OPERATION_TIMEOUT/,
      );
    }
  });
});

describe('a node that only some do not hear', () => {
  it('is reached by way of one that hears it also when it was fenced, and has joined again since', async () => {
    const { swarm, nodes } = await formed(3);
    const [a, b, c] = nodes;
    const { incarnation } = c!.kernel.self;
    isolate(swarm, c!);
    await swarm.until(
      () => a!.kernel.inspect().missing.length === 0 && a!.kernel.nodes().length === 2,
      10_000,
    );
    swarm.network.healBetween(b!.key, c!.key);
    await swarm.until(() => c!.kernel.self.incarnation > incarnation, 10_000);
    const seesAll = ({ kernel }: KernelSwarmNode): boolean =>
      kernel.nodes().filter(({ status }) => status === 'up').length === 3;
    await swarm.until(() => nodes.every(seesAll), 10_000);
    const via = b!.kernel.self.id;
    expect(a!.kernel.inspect().transport.links).toContainEqual(
      expect.objectContaining({ peer: c!.kernel.self.id, via }),
    );
    const warned = a!.logger.lines.filter((line) => line.includes('is a member for others'));
    expect(warned).toEqual([]);
  });

  it('stays, and is reached by way of one that hears it', async () => {
    const { swarm, nodes, told } = await formed(3);
    const [a, b, c] = nodes;
    swarm.network.cut(a!.key, b!.key);
    await swarm.until(() => told('relay-opened').length >= 2, 8_000);
    expect(told('node-down')).toEqual([]);
    expect(told('suspicion-refuted')).toContainEqual(expect.objectContaining({ heardBy: c!.kernel.self.id }));
    const name = nameOn(b!);
    await swarm.settle(a!.kernel.register(name, 'Once', undefined, {}));
    expect(await swarm.outcome(a!.kernel.call(name, CALL))).toBe(1);
    swarm.network.heal();
    await swarm.until(() => told('relay-closed').length >= 2, 10_000);
    expect(await swarm.outcome(a!.kernel.call(name, CALL))).toBe(1);
    expect(told('node-down')).toEqual([]);
  });
});
