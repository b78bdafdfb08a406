import type { BenchCase, Plan } from '../harness/bench-case.interface.js';
import { BenchSwarm } from '../harness/bench-swarm.js';

const SIZES = [10_000, 100_000];
const SAMPLE_MS = 300;
const WARM_UP = 1;
const IN_FLIGHT = 256;
const PREFIX = 'name-';

/** On a node that runs none of the workers: every row came to it over the wire. */
export const whereisCase: BenchCase = {
  id: 'B2',
  title: 'whereis of names that run on another node',
  run: (bench) =>
    BenchSwarm.with([{}, { hosting: false }], bench.execArgv, async (swarm) => {
      let held = 0;
      for (const size of SIZES) {
        await swarm.node(0).ask('register', PREFIX, held, size - held, IN_FLIGHT);
        await swarm.node(1).ask('knows', size);
        held = size;
        await bench.measure([lookingUp(swarm, size, false), lookingUp(swarm, size, true)], WARM_UP);
      }
    }),
};

function lookingUp(swarm: BenchSwarm, size: number, anew: boolean): Plan {
  return {
    rows: [
      {
        title: `whereis, ${size / 1000} k names${anew ? ', name put together for each' : ''}`,
        unit: '/s',
        note: anew
          ? 'with the time that putting it together takes'
          : 'the names are strings that the caller holds',
      },
    ],
    sample: async () => [await swarm.node(1).ask<number>('lookupRate', PREFIX, size, SAMPLE_MS, anew)],
  };
}
