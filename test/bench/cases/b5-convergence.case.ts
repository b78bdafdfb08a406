import type { BenchCase, Plan } from '../harness/bench-case.interface.js';
import { BenchSwarm } from '../harness/bench-swarm.js';

const NAMES = 10_000;
const IN_FLIGHT = 64;

export const convergenceCase: BenchCase = {
  id: 'B5',
  title: `convergence: ${NAMES / 1000} k registrations, until all of 3 nodes know every name`,
  run: (bench) =>
    BenchSwarm.with([{}, {}, {}], bench.execArgv, (swarm) => bench.measure([converging(swarm)], 1)),
};

/** The clock runs from the moment at which the last registration is confirmed. */
function converging(swarm: BenchSwarm): Plan {
  let held = 0;
  return {
    rows: [
      {
        title: 'after the last answer',
        unit: 'ms',
        note: 'looked at every millisecond; registered from one node, those of earlier samples stay',
      },
    ],
    sample: async () => {
      const [first, ...others] = swarm.nodes;
      const known = others.map((node) => node.ask<number>('knownAt', held + NAMES));
      await first?.ask('register', 'name-', held, NAMES, IN_FLIGHT);
      const answered = (await first?.ask<number>('now')) ?? NaN;
      held += NAMES;
      return [Math.max(0, Math.max(...(await Promise.all(known))) - answered)];
    },
  };
}
