import { expect, it } from 'vitest';
import { SimulatedSwarm } from './simulated-swarm.js';

const SLOW_MS = 4_000;

it('a leaving node whose links break keeps its workers until the last handler has ended', async () => {
  const swarm = new SimulatedSwarm({ seed: 1 });
  await swarm.form(3);
  const [leaving, other] = swarm.nodes;
  const names = Array.from({ length: 30 }, (_, i) => `name-${i}`);
  await swarm.settle(
    Promise.all(names.map((name) => other!.kernel.register(name, 'Counter', undefined, {}))),
  );
  const busy = names.find((name) => swarm.activations.live.get(name)?.has(leaving!.key));
  const call = { pattern: 'slow', data: SLOW_MS, timeoutMs: undefined, chain: [] };
  const answer = leaving!.kernel.call(busy!, call).catch((error: unknown) => error);
  await swarm.advance(10);

  const stopped = swarm.stop(leaving!);
  await swarm.advance(100);
  swarm.network.breakLink(leaving!.key, other!.key);
  const newcomer = swarm.boot();
  await swarm.settle(newcomer.started);
  await swarm.advance(SLOW_MS / 2);
  expect([...(swarm.activations.live.get(busy!) ?? [])], 'it still runs where it was').toEqual([
    leaving!.key,
  ]);

  await swarm.settle(stopped);
  expect(await answer).toBe('done');
  await swarm.advance(100);
  await swarm.settle(
    Promise.all(
      names.map((name) =>
        other!.kernel.call(name, { pattern: 'where', data: 0, timeoutMs: undefined, chain: [] }),
      ),
    ),
  );
  expect(swarm.activations.violations).toEqual([]);
  expect(other!.kernel.count()).toBe(names.length);
});
