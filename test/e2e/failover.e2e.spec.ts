import { afterEach, describe, expect, it } from 'vitest';
import { AppSwarm } from './support/app-swarm.js';
import { expectEveryNameOnce } from './support/every-name-once.js';

let swarm: AppSwarm;

afterEach(() => swarm.end());

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
    await expectEveryNameOnce(swarm, names);

    const [survivor, , victim] = swarm.apps;
    expect((await victim!.ask<string[]>('hosted')).length).toBeGreaterThan(names / 5);
    const killedAt = performance.now();
    await swarm.kill(victim!);
    await survivor!.ask('reachAll', 'worker-', names);
    const took = performance.now() - killedAt;
    console.log(`${names} names: all answered ${took.toFixed(0)} ms after the kill`);
    expect(took).toBeLessThan(withinMs);
    await expectEveryNameOnce(swarm, names);
  });
});
