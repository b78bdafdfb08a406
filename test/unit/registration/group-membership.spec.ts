import { describe, expect, it } from 'vitest';
import { staticQuorumRing } from '../../../lib/distribution/index.js';
import type { WorkerDefinition } from '../../../lib/workers/worker-definition.interface.js';
import { KernelSwarm, workerType, type KernelSwarmNode } from '../node/support/kernel-swarm.js';

const CALL = { pattern: 'echo', data: 7, timeoutMs: undefined, chain: [] };

/** Asks for a worker whose node has crashed, by each of the ways, `afterMs` later; how long each took. */
async function ask(
  swarm: KernelSwarm,
  { kernel, runtime }: KernelSwarmNode,
): Promise<Array<readonly [unknown, number]>> {
  const asked: Array<readonly [unknown, number]> = [];
  for (const way of [
    () => kernel.call('lamp', CALL),
    () => kernel.joinGroup('g', 'lamp'),
    () => kernel.leaveGroup('g', 'lamp'),
  ]) {
    const began = runtime.now();
    asked.push([await swarm.outcome(way()), runtime.now() - began]);
  }
  return asked;
}

describe('joining or leaving a group', () => {
  it.each<[string, WorkerDefinition]>([
    ['no other node has the class', workerType('Lamp')],
    ['too few nodes are left', workerType('Lamp', { strategy: staticQuorumRing({ size: 2 }) })],
  ])('fails at once, as a call does, when the node of the worker is gone and %s', async (_, type) => {
    const swarm = new KernelSwarm();
    const [other] = await swarm.form(1);
    const hosts = await swarm.form(2, { types: [type] });
    await swarm.until(() => other!.kernel.inspect().nodes.length === 3);
    await swarm.settle(hosts[0]!.kernel.register('lamp', 'Lamp', undefined, {}));
    for (const host of hosts) swarm.crash(host);
    const refused = ['ERR_SWARM_NO_NODE_AVAILABLE', 0] as const;
    await swarm.scheduler.advance(10_000);
    expect(await ask(swarm, other!)).toEqual([refused, refused, refused]);
  });

  it('waits for the worker of a node that is gone where another starts it', async () => {
    const swarm = new KernelSwarm();
    const [other, host] = await swarm.form(2);
    const name = swarm.nameFor(host!);
    await swarm.settle(other!.kernel.register(name, 'Device', undefined, {}));
    swarm.crash(host!);
    expect(await swarm.outcome(other!.kernel.joinGroup('g', name))).toBe('ok');
    expect([...other!.kernel.members('g')].map((row) => row.name)).toEqual([name]);
  });
});
