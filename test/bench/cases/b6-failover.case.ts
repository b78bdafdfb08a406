import type { BenchCase } from '../harness/bench-case.interface.js';
import { lifetime } from './names-lifetime.js';

const NODES = 3;

export const failoverCase: BenchCase = {
  id: 'B6',
  title: 'failover: SIGKILL of one of 3 nodes, until every name has answered a call',
  run: async (bench) => {
    for (const names of [10_000, 30_000, 100_000])
      await bench.measure([lifetime(NODES, names, bench.execArgv)], 0);
  },
};
