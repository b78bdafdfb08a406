import { expect, it } from 'vitest';
import { SimulatedSwarm } from './simulated-swarm.js';

/** From the first boot until every node sees all others up; the original waited five seconds, or for ever. */
const FORMED_WITHIN_MS = 2_000;

it.each([
  { nodes: 3, find: 'all', seeds: 60 },
  { nodes: 10, find: 'all', seeds: 15 },
  { nodes: 20, find: 'all', seeds: 5 },
  { nodes: 5, find: 'one', seeds: 30 },
  { nodes: 15, find: 'one', seeds: 8 },
  { nodes: 15, find: 'two', seeds: 8 },
] as const)(
  '$nodes nodes booted in the same instant that find $find form one swarm, over $seeds seeds',
  async ({ nodes, find, seeds }) => {
    for (let seed = 1; seed <= seeds; seed++) {
      const swarm = new SimulatedSwarm({ seed, seeds: { one: 1, two: 2, all: nodes }[find] });
      await swarm.form(nodes);
      expect(swarm.now, `seed ${seed}`).toBeLessThan(FORMED_WITHIN_MS);
      const answers = swarm.nodes.map(async ({ kernel }, index) => {
        await kernel.register(`name-${index}`, 'Counter', undefined, {});
        return kernel.call(`name-${index}`, {
          pattern: 'add',
          data: `${seed}/${index}`,
          timeoutMs: undefined,
          chain: [],
        });
      });
      expect(await swarm.settle(Promise.all(answers)), `seed ${seed}`).toEqual(swarm.nodes.map(() => 1));
      expect(swarm.activations.violations, `seed ${seed}`).toEqual([]);
    }
  },
);
