import { expect, it } from 'vitest';
import { SimulatedSwarm } from './simulated-swarm.js';

const NAMES = 200;
const SEEDS = 20;

/** Longer than a suspicion: each half takes the other for dead and starts its workers. */
const PARTITION_MS = 6_000;

it(`two halves that were cut off from each other become one swarm again, every name once, over ${SEEDS} seeds`, async () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const swarm = new SimulatedSwarm({ seed });
    await swarm.form(4);
    const [a, b, c, d] = swarm.nodes.map(({ key }) => key);
    const names = Array.from({ length: NAMES }, (_, i) => `name-${i}`);
    const [left, , right] = swarm.nodes.map(({ kernel }) => kernel);
    await swarm.settle(Promise.all(names.map((name) => left!.register(name, 'Counter', undefined, {}))));

    for (const mine of [a, b]) for (const theirs of [c, d]) swarm.network.cut(mine!, theirs!);
    await swarm.advance(PARTITION_MS);
    expect([left!.count(), right!.count()], `seed ${seed}: each half runs every name`).toEqual([
      NAMES,
      NAMES,
    ]);
    await swarm.settle(left!.unregister('name-0'));
    await swarm.settle(right!.register('only-right', 'Counter', undefined, {}));

    swarm.network.heal();
    await swarm.advance(PARTITION_MS);
    const views = swarm.nodes.map(({ kernel }) =>
      JSON.stringify([...kernel.rows({})].map(({ name, node, fence }) => [name, node, fence]).sort()),
    );
    expect(new Set(views).size, `seed ${seed}: all registries are equal\n${swarm.story.join('\n')}`).toBe(1);
    expect(left!.lookup('only-right')?.node, `seed ${seed}`).toBe(right!.lookup('only-right')?.node);
    expect(left!.lookup('name-0'), `seed ${seed}: what was unregistered does not come back`).toBeUndefined();
    for (const [name, nodes] of swarm.activations.live) {
      expect([...nodes], `seed ${seed}: ${name} lives once`).toHaveLength(1);
    }
    expect(swarm.activations.live.size, `seed ${seed}`).toBe(NAMES);
  }
});
