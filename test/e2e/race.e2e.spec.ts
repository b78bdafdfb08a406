import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AppError, type AppProcess } from './support/app-process.js';
import { AppSwarm } from './support/app-swarm.js';

const RACES = 500;
let swarm: AppSwarm;

beforeAll(async () => {
  swarm = await AppSwarm.boot(3);
});

afterAll(() => swarm.end());

/** The same name from several processes in one instant; returns who got it. */
async function race(op: string, name: string, apps: readonly AppProcess[]): Promise<string[]> {
  const outcomes = await Promise.allSettled(apps.map((app) => app.ask<{ node: string }>(op, name)));
  return outcomes.flatMap((outcome) => {
    if (outcome.status === 'fulfilled') return [outcome.value.node];
    const error: unknown = outcome.reason;
    expect(error).toBeInstanceOf(AppError);
    expect((error as AppError).failure).toMatchObject({
      code: 'ERR_SWARM_ALREADY_REGISTERED',
      ref: { name },
    });
    return [];
  });
}

describe(`${RACES} races for a name`, () => {
  it('with registerLocal on two nodes: exactly one wins', async () => {
    const contenders = swarm.apps.slice(0, 2);
    for (let i = 0; i < RACES; i++) {
      const winners = await race('registerLocal', `local-${i}`, contenders);
      expect(winners).toHaveLength(1);
      expect(contenders.map(({ node }) => node)).toContain(winners[0]);
    }
  });

  it('with register from three nodes: exactly one wins, and one worker lives', async () => {
    for (let i = 0; i < RACES; i++) expect(await race('register', `shared-${i}`, swarm.apps)).toHaveLength(1);
    const hosted = (await swarm.all<string[]>('hosted')).flat();
    expect(hosted).toHaveLength(RACES);
    expect(new Set(hosted).size).toBe(RACES);
  });
});
