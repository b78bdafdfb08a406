import { Laboratory, whyNoLaboratory } from '../../network/support/laboratory.js';
import type { BenchCase, Plan } from '../harness/bench-case.interface.js';
import { BenchSwarm, type NodeSpec } from '../harness/bench-swarm.js';
import { until } from '../harness/until.js';

const NAMES = 2_000;
const IN_FLIGHT = 128;
const PREFIX = 'worker-';
const NODES = 4;
const PORT = 7946;

export const healCase: BenchCase = {
  id: 'B10',
  title: `a partition 2|2 heals: ${NAMES / 1000} k names that both sides run`,
  run: async (bench) => {
    const why = await whyNoLaboratory();
    if (why !== undefined) throw new Error(why);
    await bench.measure([healing(bench.execArgv)], 0);
  },
};

function healing(execArgv: readonly string[]): Plan {
  return {
    rows: [
      {
        title: 'until all registries are equal, with each name once',
        unit: 'ms',
        note: 'processes in networks of their own, whose packets vanish while they are cut; looked at every few milliseconds',
      },
      {
        title: 'names without the additions of both sides',
        unit: 'names',
        note: 'each side has added to every worker meanwhile, and @OnHandoff("conflict") merges what the other has',
      },
    ],
    sample: async () => {
      const laboratory = await Laboratory.open(NODES);
      try {
        return await BenchSwarm.with(specs(laboratory), execArgv, (swarm) => heal(laboratory, swarm));
      } finally {
        await laboratory.close();
      }
    },
  };
}

async function heal(laboratory: Laboratory, swarm: BenchSwarm): Promise<number[]> {
  const [left, right] = [swarm.node(0), swarm.node(2)];
  await left.ask('register', PREFIX, 0, NAMES, IN_FLIGHT);
  await swarm.all('knows', NAMES);
  await laboratory.partition([0, 1], [2, 3]);
  await swarm.all('upAt', NODES / 2);
  // What was lost is started anew where it is called.
  await Promise.all([left, right].map((node) => node.ask('reachAll', PREFIX, NAMES, IN_FLIGHT)));
  await swarm.all('settled');
  const healed = performance.now();
  await laboratory.heal();
  await until(async () => {
    const up = await swarm.all<number>('nodesUp');
    if (up.some((count) => count < NODES)) return false;
    await swarm.all('settled');
    return new Set(await swarm.all<string>('digest')).size === 1;
  });
  const ms = performance.now() - healed;
  const missing = await left.ask<number>('below', PREFIX, NAMES, 2, IN_FLIGHT);
  return [ms, missing];
}

function specs(laboratory: Laboratory): NodeSpec[] {
  const addresses = Array.from({ length: NODES }, (_, node) => laboratory.address(node));
  return addresses.map((address, node) => ({
    launcher: laboratory.launcher(node),
    env: {
      ADDRESS: address,
      PEERS: addresses
        .filter((other) => other !== address)
        .map((other) => `${other}:${PORT}`)
        .join(','),
    },
  }));
}
