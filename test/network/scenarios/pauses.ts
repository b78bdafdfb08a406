import { setTimeout as lasts } from 'node:timers/promises';
import { expect } from 'vitest';
import { waitUntil } from '../../support/wait-until.js';
import { now, type NetworkSwarm } from '../support/network-swarm.js';
import type { Scenario } from '../support/scenario.js';

const PAUSE_MS = 10_000;
/** Long enough for the others to go on without it. */
const GIVEN_UP_MS = 5_000;
/** How long each worker is on its way at least. */
const PACK_MS = 500;

/** Stops a process until the others have long gone on without it, and looks that it begins nothing before it knows. */
async function pauseAndWake(swarm: NetworkSwarm, index: number): Promise<void> {
  const incarnation = await swarm.ask<number>(index, 'incarnation');
  const pausedAt = now();
  swarm.pause(index);
  await lasts(PAUSE_MS);
  const wokenAt = now();
  swarm.wake(index);
  await swarm.until(index, 'self-fenced', { since: pausedAt });
  await swarm.allUp();
  const joined = await swarm.until(index, 'lease-regained', { since: wokenAt });
  swarm.times['joined again after'] = joined.since - wokenAt;
  const begun = await swarm.ask(index, 'begunUnjoined', wokenAt, incarnation);
  expect(begun, 'messages that began before it had joined again').toEqual([]);
}

export const PAUSES: readonly Scenario[] = [
  {
    name: 'one that is stopped for ten seconds and woken',
    nodes: 3,
    size: 2,
    underLoad: true,
    keeps: ['ring-'],
    run: (swarm) => pauseAndWake(swarm, 2),
  },
  {
    name: 'one that is stopped while it handles a message',
    nodes: 3,
    size: 2,
    keeps: ['ring-'],
    async run(swarm) {
      const name = await swarm.nameOn(2, 'once-');
      const slow = swarm.call(0, name, 'slow', 1_000);
      await waitUntil(
        async () => (await swarm.ask<string[]>(2, 'slow')).includes(name),
        `${name} handles a message`,
      );
      const woken = pauseAndWake(swarm, 2);
      await expect(slow).rejects.toMatchObject({
        code: expect.stringMatching(/^ERR_SWARM_(NODE_UNAVAILABLE|CALL_TIMEOUT)$/) as unknown,
      });
      await swarm.reached(1, 'once-', now());
      await woken;
    },
  },
  {
    name: 'one that is stopped while it takes over workers, another while it hands them off',
    nodes: 3,
    size: 3,
    room: 5,
    underLoad: true,
    keeps: ['ring-'],
    async run(swarm) {
      await swarm.all('packFor', PACK_MS);
      for (const [joins, pauses] of [
        [3, 3],
        [4, 0],
      ] as const) {
        const joined = swarm.start(joins);
        await swarm.moves(0);
        swarm.pause(pauses);
        await lasts(GIVEN_UP_MS);
        swarm.wake(pauses);
        await joined;
        await swarm.allUp();
      }
    },
  },
];
