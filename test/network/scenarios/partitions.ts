import { setTimeout as lasts } from 'node:timers/promises';
import { expect } from 'vitest';
import { now, type NetworkSwarm } from '../support/network-swarm.js';
import { expectNobodyDown, type Scenario } from '../support/scenario.js';
import { FAILOVER_MS, SUSPECT_AFTER_MS } from '../support/times.js';

/** Calls from one node to both types on another. */
async function callAcross(swarm: NetworkSwarm, from: number, to: number): Promise<void> {
  for (const prefix of ['ring-', 'once-'] as const) await swarm.call(from, await swarm.nameOn(to, prefix));
}

export const PARTITIONS: readonly Scenario[] = [
  {
    name: 'two and two: neither half is a quorum',
    nodes: 4,
    size: 3,
    underLoad: true,
    keeps: ['ring-'],
    async run(swarm) {
      const cutAt = now();
      await swarm.network.partition([0, 1], [2, 3]);
      for (const { index } of swarm.alive) await swarm.until(index, 'lease-lost', { since: cutAt });
      for (const [index, node] of [
        [0, 3],
        [1, 2],
        [2, 1],
        [3, 0],
      ] as const)
        await swarm.until(index, 'node-down', { node });
      // A ring goes on in both halves, and with new names, also with the same one.
      for (const index of [0, 3]) await swarm.reached(index, 'ring-', cutAt);
      for (const index of [0, 3]) {
        await swarm.registerOn(index, 'ring-both');
        await swarm.registerOn(index, `ring-of-${index}`);
        const refused = swarm.ask(index, 'register', ['once-new'], 5_000);
        await expect(refused).rejects.toMatchObject({ code: 'ERR_SWARM_NO_NODE_AVAILABLE' });
      }
      await swarm.network.heal();
    },
  },
  {
    name: 'three and two: three go on',
    nodes: 5,
    size: 3,
    underLoad: true,
    keeps: ['ring-'],
    async run(swarm) {
      const cutAt = now();
      await swarm.network.partition([0, 1, 2], [3, 4]);
      swarm.times['ring after the cut'] = await swarm.reached(0, 'ring-', cutAt);
      swarm.times['quorum after the cut'] = await swarm.reached(1, 'once-', cutAt);
      for (const index of [3, 4]) await swarm.until(index, 'lease-lost', { since: cutAt });
      await swarm.reached(4, 'ring-', cutAt);
      await swarm.registerOn(1, 'once-new');
      await swarm.registerOn(2, 'ring-both');
      await swarm.registerOn(3, 'ring-both');
      await swarm.network.heal();
      for (const index of [3, 4]) await swarm.until(index, 'self-fenced', { since: cutAt });
    },
  },
  {
    name: 'one that is cut off',
    nodes: 3,
    size: 2,
    keeps: ['ring-'],
    async run(swarm) {
      const cutAt = now();
      await swarm.network.partition([0, 1], [2]);
      const ring = await swarm.reached(0, 'ring-', cutAt);
      swarm.times['ring after a silent cut'] = ring;
      expect(ring).toBeLessThan(SUSPECT_AFTER_MS + FAILOVER_MS);
      swarm.times['quorum after a silent cut'] = await swarm.reached(1, 'once-', cutAt);
      await swarm.network.heal();
      await swarm.until(2, 'self-fenced', { since: cutAt });
    },
  },
  {
    name: 'two that do not reach each other while a third reaches both',
    nodes: 3,
    size: 2,
    underLoad: true,
    keeps: ['ring-', 'once-'],
    async run(swarm) {
      await swarm.network.separate(0, 1);
      await Promise.all([
        swarm.until(0, 'relay-opened', { node: 1 }),
        swarm.until(1, 'relay-opened', { node: 0 }),
      ]);
      await Promise.all([callAcross(swarm, 0, 1), callAcross(swarm, 1, 0)]);
      await swarm.registerOn(0, 'once-new');
      await swarm.registerOn(1, 'ring-new');
      await swarm.network.heal();
      await Promise.all([
        swarm.until(0, 'relay-closed', { node: 1 }),
        swarm.until(1, 'relay-closed', { node: 0 }),
      ]);
      await expectNobodyDown(swarm);
    },
  },
  {
    name: 'one that hears another and is not heard by it, while a third reaches both',
    nodes: 3,
    size: 2,
    underLoad: true,
    keeps: ['ring-', 'once-'],
    async run(swarm) {
      await swarm.network.block(0, 1);
      // What was under way over the links that they replace is lost.
      await Promise.all([
        swarm.until(0, 'relay-opened', { node: 1 }),
        swarm.until(1, 'relay-opened', { node: 0 }),
      ]);
      await Promise.all([callAcross(swarm, 0, 1), callAcross(swarm, 1, 0)]);
      await swarm.network.heal();
      await Promise.all([
        swarm.until(0, 'relay-closed', { node: 1 }),
        swarm.until(1, 'relay-closed', { node: 0 }),
      ]);
      await expectNobodyDown(swarm);
    },
  },
  {
    name: 'links that flap: of one node to all, then between two',
    nodes: 3,
    size: 2,
    underLoad: true,
    keeps: ['ring-', 'once-'],
    async run(swarm) {
      for (let flap = 0; flap < 5; flap++) {
        await swarm.network.partition([0, 1], [2]);
        await lasts(600);
        await swarm.network.heal();
        await lasts(400);
      }
      for (let flap = 0; flap < 4; flap++) {
        await swarm.network.separate(0, 1);
        await lasts(1_000);
        await swarm.network.heal();
        await lasts(300);
      }
      await expectNobodyDown(swarm);
    },
  },
];
