import type { BenchCase } from '../harness/bench-case.interface.js';
import { lifetime } from './names-lifetime.js';

/** Those of three nodes are B6. */
const NODES = [5, 10];
const NAMES = [10_000, 30_000, 100_000];

export const growthCase: BenchCase = {
  id: 'B12',
  title: 'cost as it grows: more nodes on the same cores, more names',
  run: async (bench) => {
    for (const nodes of NODES) {
      for (const names of NAMES) await bench.measure([lifetime(nodes, names, bench.execArgv)], 0);
    }
  },
};
