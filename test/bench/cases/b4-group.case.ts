import type { BenchCase, Plan } from '../harness/bench-case.interface.js';
import { BenchSwarm } from '../harness/bench-swarm.js';
import { mean } from '../harness/stats.js';

const MEMBERS = 1_000;
const IN_FLIGHT = 64;
const GROUP = 'all';
/** Messages per sample, one after the other. */
const ROUNDS = 20;
const WARM_UP = 3;

export const groupCase: BenchCase = {
  id: 'B4',
  title: `a group of ${MEMBERS} members on 3 nodes, addressed from one of them`,
  run: (bench) =>
    BenchSwarm.with([{}, {}, {}], bench.execArgv, async (swarm) => {
      await swarm.node(0).ask('register', 'member-', 0, MEMBERS, IN_FLIGHT, { group: GROUP });
      await swarm.node(0).ask('knows', MEMBERS);
      const members = await swarm.node(0).ask<number>('members', GROUP);
      if (members !== MEMBERS) throw new Error(`${members} of ${MEMBERS} workers are members`);
      await bench.measure([publishing(swarm), calling(swarm)], WARM_UP);
    }),
};

function publishing(swarm: BenchSwarm): Plan {
  return {
    rows: [
      {
        title: 'publish, until the last member has it',
        unit: 'ms',
        note: `each sample is the mean of ${ROUNDS} messages, one after the other`,
      },
    ],
    sample: async () => {
      const times: number[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        await swarm.all('arm');
        const [published, last] = await Promise.all([
          swarm.node(0).ask<number>('publish', GROUP, MEMBERS),
          swarm.all<number>('lastDelivery'),
        ]);
        times.push(Math.max(...last) - published);
      }
      return [mean(times)];
    },
  };
}

function calling(swarm: BenchSwarm): Plan {
  return {
    rows: [
      {
        title: 'multiCall, until all answers are there',
        unit: 'ms',
        note: `each sample is the mean of ${ROUNDS} messages, one after the other`,
      },
    ],
    sample: async () => {
      const times: number[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        times.push(await swarm.node(0).ask<number>('multiCall', GROUP, MEMBERS));
      }
      return [mean(times)];
    },
  };
}
