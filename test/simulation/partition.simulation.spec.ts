import { expect, it } from 'vitest';
import { seeds } from '../support/seeds.js';
import { Load } from './load.js';
import { type SimulatedNode, SimulatedSwarm } from './simulated-swarm.js';

const NAMES = Array.from({ length: 200 }, (_, i) => `name-${i}`);
const SEEDS = seeds(20);
const TIMEOUT_MS = 1_800_000;

/** Longer than a suspicion: each half takes the other for dead and starts its workers. */
const PARTITION_MS = 6_000;
/** From the heal until one activation per name is left everywhere (P3), links and all. */
const ONE_AGAIN_WITHIN_MS = 4_000;

it(
  `two halves that were cut off from each other become one swarm again, every name once, no count lost, over ${SEEDS.length} seeds`,
  { timeout: TIMEOUT_MS },
  async () => {
    for (const seed of SEEDS) {
      const swarm = new SimulatedSwarm({ seed });
      await swarm.form(4);
      const [a, b, c, d] = swarm.nodes.map(({ key }) => key);
      const [left, , right] = swarm.nodes.map(({ kernel }) => kernel);
      await swarm.settle(Promise.all(NAMES.map((name) => left!.register(name, 'Counter', undefined, {}))));
      const load = new Load(swarm, NAMES, 5);
      await swarm.advance(500);

      for (const mine of [a, b]) for (const theirs of [c, d]) swarm.network.cut(mine!, theirs!);
      await swarm.advance(PARTITION_MS);
      expect([left!.count(), right!.count()], `seed ${seed}: each half runs every name`).toEqual([
        NAMES.length,
        NAMES.length,
      ]);
      await swarm.settle(left!.unregister('name-0'));
      await swarm.settle(right!.register('only-right', 'Counter', undefined, {}));

      swarm.network.heal();
      await swarm.advance(ONE_AGAIN_WITHIN_MS);
      await load.end();
      const story = (): string => `seed ${seed}\n${swarm.story.join('\n')}`;
      for (const [name, nodes] of swarm.activations.live) {
        expect([...nodes], `${name} lives once, ${story()}`).toHaveLength(1);
      }
      expect(swarm.activations.live.size, story()).toBe(NAMES.length);
      await swarm.settle(Promise.all(swarm.alive.map(({ kernel }) => kernel.settled({}))));
      await swarm.advance(1_500);
      const views = swarm.nodes.map(({ kernel }) =>
        JSON.stringify([...kernel.rows({})].map(({ name, node, fence }) => [name, node, fence]).sort()),
      );
      expect(new Set(views).size, `all registries are equal, ${story()}`).toBe(1);
      expect(left!.lookup('only-right')?.node, `seed ${seed}`).toBe(right!.lookup('only-right')?.node);
      expect(left!.lookup('name-0'), `what was unregistered does not come back, ${story()}`).toBeUndefined();
      const misplaced = [...left!.rows({})].filter(({ name, node }) => left!.ownerOf(name) !== node);
      expect(misplaced, `every name is where it belongs, ${story()}`).toEqual([]);

      // A call that failed may have been counted; none that was answered may be missing.
      const lost = (await load.differences(NAMES.slice(1))).filter(({ total, counted }) => total < counted);
      expect(lost, story()).toEqual([]);
    }
  },
);

it('2,000 names that two halves both run are one again everywhere within 2 s, each with the state of both', async () => {
  const swarm = new SimulatedSwarm({ seed: 1 });
  await swarm.form(4);
  const names = Array.from({ length: 2_000 }, (_, i) => `name-${i}`);
  const [a, b, c, d] = swarm.nodes.map(({ key }) => key);
  const [left, , right] = swarm.nodes.map(({ kernel }) => kernel);
  await swarm.settle(Promise.all(names.map((name) => left!.register(name, 'Counter', undefined, {}))));
  for (const mine of [a, b]) for (const theirs of [c, d]) swarm.network.cut(mine!, theirs!);
  await swarm.advance(PARTITION_MS);
  let token = 0;
  for (const side of [left!, right!]) {
    expect(side.count()).toBe(names.length);
    const add = (name: string): Promise<unknown> =>
      side.call(name, { pattern: 'add', data: `token ${++token}`, timeoutMs: undefined, chain: [] });
    await swarm.settle(Promise.all(names.map(add)));
  }

  swarm.network.heal();
  await swarm.scheduler.runUntil(() => swarm.isWhole, 10_000);
  const metAt = swarm.now;
  const isOne = (): boolean => {
    const views = swarm.nodes.map(({ kernel }) =>
      [...kernel.rows({})]
        .map(({ name, node, fence }) => `${name} ${node} ${fence}`)
        .sort()
        .join(),
    );
    return new Set(views).size === 1 && names.every((name) => swarm.activations.nodesOf(name).length === 1);
  };
  let tookMs = Infinity;
  while (tookMs === Infinity && swarm.now - metAt < 10_000) {
    await swarm.advance(100);
    if (isOne()) tookMs = swarm.now - metAt;
  }
  expect(tookMs).toBeLessThan(2_000);
  const total = (name: string): Promise<unknown> =>
    left!.call(name, { pattern: 'total', data: undefined, timeoutMs: undefined, chain: [] });
  expect(new Set(await swarm.settle(Promise.all(names.map(total))))).toEqual(new Set([2]));
});

it('a start that hangs and has given way does not end what goes on in its place, when its time is over', async () => {
  const swarm = new SimulatedSwarm({ seed: 1 });
  await swarm.form(2);
  const [here, there] = swarm.nodes as [SimulatedNode, SimulatedNode];
  const name = NAMES.find((one) => here.kernel.ownerOf(one, 'Counter') === here.kernel.self.id)!;
  const total = (): Promise<unknown> =>
    here.kernel.call(name, { pattern: 'total', data: undefined, timeoutMs: undefined, chain: [] });
  swarm.network.cut(here.key, there.key);
  await swarm.advance(PARTITION_MS);
  await swarm.settle(there.kernel.register(name, 'Counter', undefined, {}));
  await swarm.advance(10);
  const hanging = here.kernel.register(name, 'Counter', { takesMs: 'hang' }, { timeoutMs: 20_000 });
  let isOver = false;
  const over = hanging.then(
    () => (isOver = true),
    () => (isOver = true),
  );

  swarm.network.heal();
  const isMoved = (): boolean =>
    swarm.nodes.every(({ kernel }) => kernel.lookup(name)?.node === here.kernel.self.id);
  expect(await swarm.scheduler.runUntil(isMoved, 15_000), swarm.story.join('\n')).toBe(true);
  expect(await swarm.settle(total())).toBe(0);
  expect(isOver).toBe(false);
  await swarm.settle(over);
  expect(await swarm.settle(total())).toBe(0);
});
