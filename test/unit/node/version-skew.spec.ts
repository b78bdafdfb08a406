import { describe, expect, it } from 'vitest';
import { resume } from '../../../lib/workers/handoff-decision.js';
import { KernelSwarm, type KernelSwarmNode, workerType } from './support/kernel-swarm.js';

const OLD = { min: 1, max: 1 };
const NEW = { min: 1, max: 2 };
const NEWEST = { min: 2, max: 2 };
const CALL = { data: undefined, timeoutMs: 2_000, chain: [] };

/** Counts its messages, and takes the count along. */
const counter = workerType('Device', {
  create: () => ({ total: 0 }),
  begin: (instance) => resume((instance as { total: number }).total),
  end: (instance, total) => void ((instance as { total: number }).total = total as number),
  handler: () => ({ accepts: 'message', invoke: (instance) => ++(instance as { total: number }).total }),
});

function namesOf({ kernel }: KernelSwarmNode): string[] {
  return [...kernel.rows({})].filter(({ node }) => node === kernel.self.id).map(({ name }) => name);
}

describe('builds with different protocols', () => {
  it.each([
    ['the older build', OLD, NEW],
    ['the newer build', NEW, OLD],
  ])(
    'that have one in common are one swarm, and %s hands workers over to the other',
    async (_, first, second) => {
      const swarm = new KernelSwarm();
      const boot = (protocol: typeof OLD): KernelSwarmNode => swarm.boot({ types: [counter], protocol });
      const leaves = boot(first);
      await swarm.settle(leaves.kernel.ready({ nodes: 1 }));
      const names = Array.from({ length: 20 }, (_unused, index) => `n${index}`);
      for (const name of names) await swarm.settle(leaves.kernel.register(name, 'Device', undefined, {}));
      for (const name of names) await swarm.settle(leaves.kernel.call(name, { ...CALL, pattern: 'add' }));
      const stays = boot(second);
      await swarm.settle(stays.kernel.ready({ nodes: 2 }));
      await swarm.settle(Promise.all([leaves, stays].map(({ kernel }) => kernel.settled({}))));
      expect(namesOf(stays).length).toBeGreaterThan(0);
      await swarm.settle(leaves.kernel.drain({}));
      for (const name of names)
        expect(await swarm.outcome(stays.kernel.call(name, { ...CALL, pattern: 'add' }))).toBe(2);
      expect(namesOf(stays).sort()).toEqual([...names].sort());
    },
  );

  it('that have none in common refuse each other, and both say which they speak', async () => {
    const swarm = new KernelSwarm();
    const [old, newest] = [swarm.boot({ protocol: OLD }), swarm.boot({ protocol: NEWEST })];
    await swarm.settle(Promise.all([old, newest].map(({ kernel }) => kernel.ready({ nodes: 1 }))));
    await swarm.scheduler.advance(10_000);
    for (const { kernel } of [old, newest]) expect(kernel.nodes().length).toBe(1);
    const why = [old, newest].map(({ kernel }) => kernel.whyAlone().join());
    expect(why.join()).toMatch(
      /speaks protocol 1 to 1, .* speaks 2 to 2|speaks protocol 2 to 2, .* speaks 1 to 1/,
    );
  });
});
