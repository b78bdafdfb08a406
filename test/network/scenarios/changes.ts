// Cuts in the middle of changes that take a while, and everything at once.
import { setTimeout as lasts } from 'node:timers/promises';
import { expect } from 'vitest';
import { waitUntil } from '../../support/wait-until.js';
import { now } from '../support/network-swarm.js';
import type { Scenario } from '../support/scenario.js';

/** Long enough for both sides to give each other up. */
const CUT_MS = 5_000;
/** How long each worker is on its way at least. */
const PACK_MS = 500;

export const CHANGES: readonly Scenario[] = [
  {
    name: 'all nodes are started anew at once',
    nodes: 3,
    size: 2,
    underLoad: true,
    keeps: [],
    async run(swarm) {
      const { alive } = swarm;
      const names = swarm.names['ring-'].length;
      const startAnew = async (): Promise<void> => {
        await swarm.startAll([0, 1, 2]);
        // Registrations are kept in memory.
        swarm.names['ring-'] = [];
        swarm.names['once-'] = [];
        await swarm.register(names);
        await swarm.startLoad();
      };
      await Promise.all(alive.map(({ index }) => swarm.kill(index)));
      await startAnew();
      const leftAt = now();
      await Promise.all(alive.map(({ index }) => swarm.terminate(index)));
      swarm.times['all have left after'] = now() - leftAt;
      await startAnew();
    },
  },
  {
    name: 'a cut in the middle of a join, and again while workers move there',
    nodes: 3,
    size: 3,
    room: 4,
    underLoad: true,
    keeps: ['ring-'],
    async run(swarm) {
      // The join has to wait for one that does not answer.
      swarm.pause(2);
      const joined = swarm.start(3);
      await waitUntil(async () => (await swarm.statusOf(0, 3)) !== undefined, 'the new node is heard of');
      await swarm.network.partition([0, 1, 2], [3]);
      expect(await swarm.statusOf(0, 3)).toBe('joining');
      swarm.wake(2);
      await lasts(CUT_MS);
      await swarm.all('packFor', PACK_MS);
      await swarm.network.heal();
      await swarm.moves(0);
      await swarm.network.partition([0, 1, 2], [3]);
      await lasts(CUT_MS);
      await swarm.network.heal();
      await joined;
    },
  },
  {
    name: 'a cut in the middle of a drain',
    nodes: 5,
    size: 3,
    underLoad: true,
    keeps: ['ring-'],
    async run(swarm) {
      await swarm.all('packFor', PACK_MS);
      const ended = swarm.terminate(4);
      await waitUntil(async () => (await swarm.statusOf(0, 4)) === 'leaving', 'the node leaves');
      await swarm.network.partition([0, 1, 2], [3, 4]);
      expect(await swarm.statusOf(0, 4)).toBe('leaving');
      await lasts(CUT_MS);
      await swarm.network.heal();
      await ended;
    },
  },
];
