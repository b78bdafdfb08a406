import { describe, expect, it } from 'vitest';
import { AppSwarm } from './support/app-swarm.js';

/** `BOOTS=20` boots as often: what goes wrong at a boot does so once in a while. */
const BOOTS = Number(process.env['BOOTS'] ?? 5);

/** Boots `count` processes at once, has each register and call a worker, and ends them. */
async function bootAndUse(count: number): Promise<void> {
  const swarm = await AppSwarm.boot(count);
  try {
    await Promise.all(
      swarm.apps.map(async (app, index) => {
        await app.ask('register', `worker-${index}`);
        expect(await app.ask('call', `worker-${index}`, 'add', 3)).toBe(3);
      }),
    );
    for (const nodes of await swarm.all<string[]>('nodes')) {
      expect(nodes.filter((node) => node.endsWith(' up'))).toHaveLength(count);
    }
  } finally {
    await swarm.end();
  }
}

describe('processes started in the same instant form one swarm, and every call is answered', () => {
  it(`three, ${BOOTS} times`, async () => {
    for (let boot = 0; boot < BOOTS; boot++) await bootAndUse(3);
  });

  it(`ten, ${Math.ceil(BOOTS / 5)} times`, async () => {
    for (let boot = 0; boot < BOOTS; boot += 5) await bootAndUse(10);
  });

  it('twenty', () => bootAndUse(20));
});
