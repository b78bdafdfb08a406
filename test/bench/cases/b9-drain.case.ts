import type { BenchCase, Plan } from '../harness/bench-case.interface.js';
import { BenchSwarm } from '../harness/bench-swarm.js';

/** On each of three nodes about ten thousand. */
const NAMES = 30_000;
const IN_FLIGHT = 256;
const PREFIX = 'worker-';

export const drainCase: BenchCase = {
  id: 'B9',
  title: 'drain: one of 3 nodes hands over its 10 k stateful workers and leaves',
  run: (bench) => bench.measure([draining(bench.execArgv)], 0),
};

function draining(execArgv: readonly string[]): Plan {
  return {
    rows: [
      {
        title: 'until the node has left, for 10 k workers',
        unit: 'ms',
        note: `fresh processes per sample, ${NAMES / 1000} k workers on 3 nodes; the time is divided by the thousands that moved, times ten`,
      },
      { title: 'workers that lost their state', unit: 'names' },
    ],
    sample: () =>
      BenchSwarm.with([{}, {}, {}], execArgv, async (swarm) => {
        const [stays, leaves] = [swarm.node(0), swarm.node(2)];
        await stays.ask('register', PREFIX, 0, NAMES, IN_FLIGHT);
        await swarm.all('knows', NAMES);
        await stays.ask('addAll', PREFIX, NAMES, 1, IN_FLIGHT);
        const { ms, moved } = await leaves.ask<{ ms: number; moved: number }>('drain');
        const sum = await stays.ask<number>('addAll', PREFIX, NAMES, 0, IN_FLIGHT);
        return [(ms / moved) * 10_000, NAMES - sum];
      }),
  };
}
