import type { BenchCase, Plan } from '../harness/bench-case.interface.js';
import { BenchSwarm } from '../harness/bench-swarm.js';

const NAMES = 100_000;
const IN_FLIGHT = 256;

/** `process.memoryUsage()` after a garbage collection. */
interface Memory {
  readonly heap: number;
  readonly external: number;
  readonly rss: number;
}

/** One node runs all workers, the other only knows of them: their difference is what a worker takes. */
export const memoryCase: BenchCase = {
  id: 'B8',
  title: `memory per name at ${NAMES / 1000} k names, per node`,
  run: (bench) => bench.measure([holding(bench.execArgv)], 0),
};

function holding(execArgv: readonly string[]): Plan {
  const note = 'two fresh processes per sample; growth after garbage collection, divided by the names';
  return {
    rows: [
      { title: 'registry, node without the workers: heap', unit: 'B', note },
      { title: 'registry, node without the workers: external', unit: 'B' },
      { title: 'registry, node without the workers: RSS', unit: 'B' },
      { title: 'registry and worker, node that runs them: heap', unit: 'B' },
      { title: 'registry and worker, node that runs them: external', unit: 'B' },
      { title: 'registry and worker, node that runs them: RSS', unit: 'B' },
    ],
    sample: () =>
      BenchSwarm.with([{}, { hosting: false }], [...execArgv, '--expose-gc'], async (swarm) => {
        const before = await swarm.all<Memory>('memory');
        await swarm.node(0).ask('register', 'device-', 0, NAMES, IN_FLIGHT);
        await swarm.node(1).ask('knows', NAMES);
        const after = await swarm.all<Memory>('memory');
        return [1, 0].flatMap((index) => perName(before[index], after[index]));
      }),
  };
}

function perName(before: Memory | undefined, after: Memory | undefined): number[] {
  const keys = ['heap', 'external', 'rss'] as const;
  return keys.map((key) => ((after?.[key] ?? NaN) - (before?.[key] ?? NaN)) / NAMES);
}
