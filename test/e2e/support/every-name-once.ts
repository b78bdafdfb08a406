import { expect } from 'vitest';
import { waitUntil } from '../../support/wait-until.js';
import type { AppSwarm } from './app-swarm.js';

/** Every worker lives once, in exactly one process, and all registries say the same. */
export async function expectEveryNameOnce(swarm: AppSwarm, names: number): Promise<void> {
  await waitUntil(
    async () => new Set(await swarm.all<string>('fingerprint')).size === 1,
    'the registries are equal',
  );
  const hosted = (await swarm.all<string[]>('hosted')).flat();
  expect(hosted).toHaveLength(names);
  expect(new Set(hosted).size).toBe(names);
  expect((await swarm.all<string>('fingerprint'))[0]).toMatch(new RegExp(`^${names} `));
}
