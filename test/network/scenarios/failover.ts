import { type ChildProcess, spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { setTimeout as lasts } from 'node:timers/promises';
import { expect } from 'vitest';
import { now } from '../support/network-swarm.js';
import { expectNobodyDown, type Scenario } from '../support/scenario.js';
import { CRASH_MS, FAILOVER_MS, LEASE_MS } from '../support/times.js';

/** How long all cores are kept busy; longer where there is time for it. */
const BURN_MS = Number(process.env['NETWORK_BURN_S'] ?? 5) * 1_000;
const BLOCK_MS = 2_000;

/** A process that keeps one core busy, and ends by itself if nobody ends it. */
function burner(): ChildProcess {
  return spawn(process.execPath, ['-e', `for (const end = Date.now() + ${2 * BURN_MS}; Date.now() < end;);`]);
}

export const FAILOVERS: readonly Scenario[] = [
  {
    name: 'one that is killed: the others run what it ran',
    nodes: 3,
    size: 2,
    keeps: [],
    async run(swarm) {
      const killedAt = now();
      await swarm.kill(2);
      const [ring, quorum] = await Promise.all([
        swarm.reached(0, 'ring-', killedAt),
        swarm.reached(1, 'once-', killedAt),
      ]);
      swarm.times['ring after SIGKILL'] = ring;
      swarm.times['quorum after SIGKILL'] = quorum;
      expect(ring).toBeLessThan(CRASH_MS);
      expect(quorum).toBeLessThan(LEASE_MS + FAILOVER_MS);
    },
  },
  {
    name: 'a busy machine, and a worker that holds up its process for two seconds: nobody is given up',
    nodes: 3,
    size: 2,
    underLoad: true,
    alone: true,
    keeps: ['ring-', 'once-'],
    async run(swarm) {
      const burners = Array.from({ length: availableParallelism() }, burner);
      try {
        await lasts(BURN_MS);
        swarm.heldUp.add(1);
        await swarm.ask(0, 'call', await swarm.nameOn(1, 'ring-'), 'block', BLOCK_MS, 3 * BLOCK_MS);
      } finally {
        for (const one of burners) one.kill('SIGKILL');
      }
      await expectNobodyDown(swarm);
    },
  },
];
