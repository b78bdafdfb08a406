import type { BenchCase, Plan } from '../harness/bench-case.interface.js';
import { BenchSwarm } from '../harness/bench-swarm.js';

const IN_FLIGHT = 64;
const WARM_UP = 2;
/** Names per sample. */
const ONE_BY_ONE = 1_500;
const AT_ONCE = 10_000;
/** Names that are registered while others are unregistered. */
const HELD = 50_000;

/** Registered from one of three nodes, so that a third of the workers is its own. */
export const registerCase: BenchCase = {
  id: 'B1',
  title: 'register and unregister workers that the ring spreads over 3 nodes, from one of them',
  run: (bench) =>
    BenchSwarm.with([{}, {}, {}], bench.execArgv, async (swarm) => {
      await bench.measure(
        [registering(swarm, 'one-', ONE_BY_ONE, 1), registering(swarm, 'many-', AT_ONCE, IN_FLIGHT)],
        WARM_UP,
      );
      await bench.measure([unregistering(swarm, ONE_BY_ONE, 1), unregistering(swarm, AT_ONCE, IN_FLIGHT)], 1);
    }),
};

function registering(swarm: BenchSwarm, prefix: string, count: number, width: number): Plan {
  let next = 0;
  return {
    rows: [
      {
        title: `register, ${width} in flight`,
        unit: '/s',
        note: `${count} new names per sample; those of earlier samples stay`,
      },
    ],
    sample: async () => {
      const ms = await swarm.node(0).ask<number>('register', prefix, next, count, width);
      next += count;
      return [(count / ms) * 1000];
    },
  };
}

function unregistering(swarm: BenchSwarm, count: number, width: number): Plan {
  return {
    rows: [
      {
        title: `unregister, ${width} in flight`,
        unit: '/s',
        note: `${count} names per sample, with ${HELD} or more others held; then registered again`,
      },
    ],
    sample: async () => {
      const node = swarm.node(0);
      const held = await node.ask<number>('count');
      const missing = HELD - held;
      if (missing > 0) await node.ask('register', 'held-', held, missing, IN_FLIGHT);
      const prefix = `gone-${width}-`;
      await node.ask('register', prefix, 0, count, IN_FLIGHT);
      const ms = await node.ask<number>('unregister', prefix, 0, count, width);
      return [(count / ms) * 1000];
    },
  };
}
