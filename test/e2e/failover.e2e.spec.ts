import { afterEach, describe, expect, it } from 'vitest';
import { waitUntil } from '../support/wait-until.js';
import { AppSwarm } from './support/app-swarm.js';

let swarm: AppSwarm;

afterEach(() => swarm.end());

/** Every worker lives once, in exactly one process, and all registries say the same. */
async function expectEveryNameOnce(names: number): Promise<void> {
  await waitUntil(
    async () => new Set(await swarm.all<string>('fingerprint')).size === 1,
    'the registries are equal',
  );
  const hosted = (await swarm.all<string[]>('hosted')).flat();
  expect(hosted).toHaveLength(names);
  expect(new Set(hosted).size).toBe(names);
  expect((await swarm.all<string>('fingerprint'))[0]).toMatch(new RegExp(`^${names} `));
}

describe.each([
  { names: 10_000, withinMs: 2_000 },
  { names: 30_000, withinMs: 4_000 },
])('$names workers on three processes', ({ names, withinMs }) => {
  it(`all answer again within ${withinMs} ms after one process is killed`, async () => {
    swarm = await AppSwarm.boot(3);
    const share = Math.ceil(names / 3);
    await Promise.all(
      swarm.apps.map((app, index) =>
        app.ask('registerMany', 'worker-', index * share, Math.min(names, (index + 1) * share)),
      ),
    );
    await expectEveryNameOnce(names);

    const [survivor, , victim] = swarm.apps;
    expect((await victim!.ask<string[]>('hosted')).length).toBeGreaterThan(names / 5);
    const killedAt = performance.now();
    await swarm.kill(victim!);
    await survivor!.ask('reachAll', 'worker-', names);
    const took = performance.now() - killedAt;
    console.log(`${names} names: all answered ${took.toFixed(0)} ms after the kill`);
    expect(took).toBeLessThan(withinMs);
    await expectEveryNameOnce(names);
  });
});
