import { describe, expect, it } from 'vitest';
import { staticQuorumRing } from '../../../lib/distribution/index.js';
import type { DrainReport } from '../../../lib/handoff/drain-report.js';
import type { DieReason } from '../../../lib/workers/worker-definition.interface.js';
import { KernelSwarm, workerType, type KernelSwarmNode } from '../node/support/kernel-swarm.js';

const NAMES = 30;

/** Why workers of the present swarm have ended. */
const ended: DieReason[] = [];

async function swarmOfThree(): Promise<{ swarm: KernelSwarm; nodes: KernelSwarmNode[]; names: string[] }> {
  ended.length = 0;
  const swarm = new KernelSwarm();
  const nodes = await swarm.form(3, types(2));
  const names = Array.from({ length: NAMES }, (_, index) => `name-${index}`);
  for (const name of names)
    await swarm.settle(nodes[0]!.kernel.register(name, 'Once', undefined, {}), 20_000);
  return { swarm, nodes, names };
}

function types(size: number): { types: [ReturnType<typeof workerType>] } {
  return {
    types: [
      workerType('Once', { strategy: staticQuorumRing({ size }), die: (_, reason) => ended.push(reason) }),
    ],
  };
}

async function leave(swarm: KernelSwarm, node: KernelSwarmNode): Promise<DrainReport> {
  const report = await swarm.settle(node.kernel.drain({}));
  await swarm.settle(node.kernel.stop());
  swarm.nodes.splice(swarm.nodes.indexOf(node), 1);
  return report;
}

/** A node joins in the place of one that has left, and is ready when all three see each other. */
async function join(swarm: KernelSwarm, port: number, size = 2): Promise<void> {
  const fresh = swarm.boot({ ...types(size), port });
  await swarm.settle(fresh.started);
  await swarm.settle(fresh.kernel.ready({ nodes: 3 }));
}

describe('a node that leaves a quorum', () => {
  // A node that has left keeps its place until no lease can depend on its word. Until then one that came in its stead
  // hosts nothing, and with one more node gone too few would be left.
  it.each([0, 20, 60, 100, 500])(
    'hands its workers off although the node that came before has no place yet, in deploys that go on %i ms after it is ready',
    async (pauseMs) => {
      const { swarm, nodes, names } = await swarmOfThree();
      let port = 7_100;
      for (const node of nodes) {
        const report = await leave(swarm, node);
        expect(report.left).toEqual([]);
        expect(report.tookMs).toBeLessThan(4_000);
        await join(swarm, port++);
        await swarm.scheduler.advance(pauseMs);
      }
      expect(ended.filter((reason) => reason !== 'moved' && reason !== 'drained')).toEqual([]);
      const echo = { pattern: 'echo', data: 7, timeoutMs: undefined, chain: [] };
      for (const name of names) expect(await swarm.outcome(swarm.nodes[0]!.kernel.call(name, echo))).toBe(7);
    },
  );

  // Nobody is left to acknowledge the third one, whose lease ends just before the new node counts.
  it('costs no worker of a third one, also where two leave at once and the new node is there', async () => {
    const { swarm, nodes } = await swarmOfThree();
    await leave(swarm, nodes[0]!);
    await join(swarm, 7_100);
    const second = nodes[1]!;
    await swarm.settle(second.kernel.stop());
    swarm.nodes.splice(swarm.nodes.indexOf(second), 1);
    await swarm.scheduler.advance(10_000);
    expect(ended.filter((reason) => reason !== 'moved' && reason !== 'drained')).toEqual([]);
  });

  it('stops its workers when the one that waits for a place of a node which is not heard cannot get it', async () => {
    const { swarm, nodes } = await swarmOfThree();
    swarm.boot({ ...types(2), port: 7_100 });
    await swarm.scheduler.advance(2_000);
    swarm.crash(nodes[0]!);
    swarm.crash(nodes[1]!);
    await swarm.until(() => ended.includes('no-quorum'), 15_000);
  });

  it('waits for no start that has come to nothing because it leaves', async () => {
    let creations = 0;
    let fail = (): void => undefined;
    const type = workerType('Device', {
      supervision: { restart: 'permanent', maxRestarts: 5, withinMs: 60_000 },
      create: () =>
        creations++ === 0 ? {} : new Promise((_, reject) => (fail = () => reject(new Error('too late')))),
      handler: () => ({
        accepts: 'message',
        invoke: (_, __, context) => context.worker.fail(new Error('on purpose')),
      }),
    });
    const swarm = new KernelSwarm();
    const [node] = await swarm.form(2, { types: [type] });
    const kernel = node!.kernel;
    await swarm.settle(kernel.register(swarm.nameFor(node!), 'Device', undefined, {}), 20_000);
    await swarm.outcome(kernel.call('name-0', { pattern: 'x', data: 0, timeoutMs: undefined, chain: [] }));
    await swarm.until(() => creations === 2);
    const draining = kernel.drain({});
    await swarm.scheduler.advance(100);
    fail();
    expect((await swarm.settle(draining)).tookMs).toBeLessThan(1_000);
  });

  it('waits for no node that will not host them: one that leaves too, or that names another size', async () => {
    const { swarm, nodes } = await swarmOfThree();
    await leave(swarm, nodes[0]!);
    await join(swarm, 7_100, 3);
    const report = await leave(swarm, nodes[1]!);
    expect(report.left.map(({ reason }) => reason)).toContain('no other node may host it');
    expect(report.tookMs).toBeLessThan(1_000);
  });
});
