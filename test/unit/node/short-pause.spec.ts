import { describe, expect, it } from 'vitest';
import { staticQuorumRing } from '../../../lib/distribution/index.js';
import { KernelSwarm, workerType } from './support/kernel-swarm.js';

const ECHO = { pattern: 'echo', data: 7, timeoutMs: undefined, chain: [] };
const NAMES = 12;

describe('a node that is stopped for less than its lease, under a quorum', () => {
  it.each([500, 1_300, 1_600, 2_000, 2_500])(
    'fails none of the calls that have waited for it meanwhile, after %i ms',
    async (ms) => {
      const swarm = new KernelSwarm();
      const type = workerType('Once', { strategy: staticQuorumRing({ size: 2 }) });
      const [caller, stopped] = await swarm.form(3, { types: [type] });
      for (let i = 0; i < NAMES; i++)
        await swarm.settle(caller!.kernel.register(`name-${i}`, 'Once', undefined, {}), 20_000);
      const outcomes = new Set<unknown>();
      for (let round = 0; round < 10; round++) {
        // At another time between two pings.
        await swarm.scheduler.advance(5_000 + round * 97);
        swarm.network.pause(stopped!.key);
        stopped!.runtime.pause();
        const calls: Array<Promise<unknown>> = [];
        for (let at = 0; at < ms; at += 50) {
          for (let i = 0; i < NAMES; i++) calls.push(caller!.kernel.call(`name-${i}`, ECHO));
          await swarm.scheduler.advance(50);
        }
        stopped!.runtime.resume();
        swarm.network.resume(stopped!.key);
        for (const call of calls) outcomes.add(await swarm.outcome(call));
      }
      expect([...outcomes]).toEqual([7]);
    },
  );
});
