import { expect, it } from 'vitest';
import { SimulatedSwarm } from './simulated-swarm.js';

/** From the first boot until every node sees all others up; the original waited five seconds, or for ever. */
const FORMED_WITHIN_MS = 2_000;

it.each([
  { nodes: 3, seeds: 60 },
  { nodes: 10, seeds: 15 },
  { nodes: 20, seeds: 5 },
])('$nodes nodes booted in the same instant form one swarm, over $seeds seeds', async ({ nodes, seeds }) => {
  for (let seed = 1; seed <= seeds; seed++) {
    const swarm = new SimulatedSwarm({ seed });
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
});
