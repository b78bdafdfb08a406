import { expect, it } from 'vitest';
import { FrameKind } from '../../lib/transport/frame.js';
import { SimulatedSwarm } from './simulated-swarm.js';

/** Belongs to the first of three nodes, to the second when that leaves, and to the fourth that comes. */
const NAME = 'name-7';
const SUSPICION_MS = 4_000;

it('a worker that was prepared for one node, and has moved to another, goes on there only when its source dies', async () => {
  let cut: (() => void) | undefined;
  const swarm = new SimulatedSwarm({
    seed: 1,
    loses(_random, _from, _to, { kind }) {
      if (!cut || kind !== FrameKind.Prepared) return false;
      cut();
      cut = undefined;
      return true;
    },
  });
  await swarm.form(3);
  const [source, first] = swarm.nodes;
  await swarm.settle(source!.kernel.register(NAME, 'Counter', undefined, {}));
  expect(swarm.activations.nodesOf(NAME)).toEqual([source!.key]);

  let isCut = false;
  cut = (): void => {
    isCut = true;
    swarm.network.cut(source!.key, first!.key);
    swarm.network.breakLink(source!.key, first!.key);
  };
  void swarm.stop(source!).catch(() => undefined);
  expect(await swarm.scheduler.runUntil(() => isCut, 1_000), 'the first was prepared').toBe(true);
  const { node: second, started } = swarm.boot();
  await swarm.settle(started);
  const hasMoved = (): boolean => second.kernel.lookup(NAME)?.node.endsWith(second.key) === true;
  expect(await swarm.scheduler.runUntil(hasMoved, 1_000), 'it has moved to the second').toBe(true);
  const fence = second.kernel.lookup(NAME)?.fence;

  swarm.crash(source!);
  await swarm.advance(SUSPICION_MS);
  swarm.activations.look(NAME);
  expect(swarm.activations.violations, swarm.story.join('\n')).toEqual([]);
  expect(swarm.activations.nodesOf(NAME)).toEqual([second.key]);
  for (const { kernel } of swarm.alive) {
    expect(kernel.lookup(NAME)).toMatchObject({ node: second.kernel.self.id, fence });
    expect(kernel.explain(NAME).rivals).toEqual([]);
  }
});
