import { afterEach, expect, it } from 'vitest';
import { AppSwarm } from './support/app-swarm.js';

let swarm: AppSwarm;

afterEach(() => swarm.end());

it('no timer, listener or socket outlives app.close()', async () => {
  swarm = await AppSwarm.boot(2);
  const [app] = swarm.apps;
  await app!.ask('registerMany', 'worker-', 0, 100);
  await app!.ask('close');
  const resources = await app!.ask<string[]>('resources');
  // What is left is the pipe on which the test asks.
  expect(resources.filter((resource) => /tcp|timeout|immediate|fsevent/i.test(resource))).toEqual([]);
  await app!.release();
});

it('100,000 registered names take less than 1 KB of heap each, worker included', async () => {
  const names = 100_000;
  swarm = await AppSwarm.boot(1, { execArgv: ['--expose-gc'] });
  const [app] = swarm.apps;
  const before = await app!.ask<number>('heapUsed');
  await app!.ask('registerMany', 'device-', 0, names);
  const perName = ((await app!.ask<number>('heapUsed')) - before) / names;
  console.log(`${perName.toFixed(0)} bytes per name`);
  expect(perName).toBeLessThan(1_000);
});
