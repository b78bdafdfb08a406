import { expect, it } from 'vitest';
import { seededRandom } from '../../lib/runtime/virtual.runtime.js';
import { seeds } from '../support/seeds.js';
import { Load } from './load.js';
import { isUp, SimulatedSwarm, type SimulatedNode } from './simulated-swarm.js';

const RINGS = Array.from({ length: 40 }, (_, i) => `name-${i}`);
const ONCES = Array.from({ length: 20 }, (_, i) => `once-${i}`);
const SEEDS = seeds(10);
const TIMEOUT_MS = 1_800_000;

/** Longer than a suspicion: the others take it for dead and start its workers. */
const PAUSE_MS = 5_000;
/** Of a join, until some moves have ended and others have not. */
const MOVING_MS = 900;
/** From the moment at which all nodes see each other until one activation per name is left (P3). */
const ONCE_WITHIN_MS = 2_000;
/** One frame in thirty waits for so long, as on a machine that is busy. */
const DELAYED_MS = 400;

function isMoving({ kernel }: SimulatedNode): boolean {
  return isUp(kernel) && kernel.inspect().moves.length > 0;
}

it(
  `one that is stopped while it takes over workers and another while it hands them off make no name live twice for long, over ${SEEDS.length} seeds`,
  { timeout: TIMEOUT_MS },
  async () => {
    for (const seed of SEEDS) {
      const random = seededRandom(seed ^ 0xa11);
      const latencyMs = (chance: () => number): number => (chance() < 1 / 30 ? DELAYED_MS : 0.1) + chance();
      const swarm = new SimulatedSwarm({ seed, quorum: 3, latencyMs });
      await swarm.form(3);
      const { kernel } = swarm.nodes[0]!;
      const plan = { handoff: 'slow' };
      await swarm.settle(Promise.all(RINGS.map((name) => kernel.register(name, 'Counter', plan, {}))));
      await swarm.settle(Promise.all(ONCES.map((name) => kernel.register(name, 'Once', undefined, {}))));
      const load = new Load(swarm, RINGS, 5);
      for (const stopped of [3, 0]) {
        const { started } = swarm.boot();
        await swarm.scheduler.runUntil(() => isMoving(swarm.nodes[0]!), 5_000);
        await swarm.advance(random() * MOVING_MS);
        swarm.pause(swarm.nodes[stopped]!);
        await swarm.advance(PAUSE_MS);
        swarm.resume(swarm.nodes[stopped]!);
        await swarm.settle(started);
        await swarm.scheduler.runUntil(() => swarm.isWhole, 10_000);
      }

      const story = (): string => `seed ${seed}\n${swarm.story.join('\n')}`;
      expect(swarm.isWhole, story()).toBe(true);
      const liveOnce = (): boolean => RINGS.every((name) => swarm.activations.nodesOf(name).length === 1);
      expect(await swarm.scheduler.runUntil(liveOnce, ONCE_WITHIN_MS), story()).toBe(true);
      await load.end();
      await swarm.settle(Promise.all(swarm.alive.map((node) => node.kernel.settled({}))));
      expect(liveOnce(), story()).toBe(true);
    }
  },
);
