import type { BenchCase, Plan } from '../harness/bench-case.interface.js';
import { BenchSwarm } from '../harness/bench-swarm.js';

const NAMES = 10_000;
const IN_FLIGHT = 512;
const PREFIX = 'worker-';

export const failoverCase: BenchCase = {
  id: 'B6',
  title: 'failover: SIGKILL of one of 3 nodes, until every name has answered a call',
  run: (bench) => bench.measure([killing(bench.execArgv)], 0),
};

/** The clock runs from the kill to the answer of the last name, of all names and not only of those that died. */
function killing(execArgv: readonly string[]): Plan {
  return {
    rows: [
      {
        title: `${NAMES / 1000} k names, all answer`,
        unit: 'ms',
        note: `three fresh processes per sample, every name called once before; ${IN_FLIGHT} calls in flight`,
      },
      { title: `${NAMES / 1000} k names, names that the killed node ran per second`, unit: '/s' },
    ],
    sample: () =>
      BenchSwarm.with([{}, {}, {}], execArgv, async (swarm) => {
        const [survivor, victim] = [swarm.node(0), swarm.node(2)];
        await survivor.ask('register', PREFIX, 0, NAMES, IN_FLIGHT);
        await swarm.all('knows', NAMES);
        await survivor.ask('reachAll', PREFIX, NAMES, IN_FLIGHT);
        const lost = await victim.ask<number>('hosted');
        const killed = performance.now();
        victim.kill();
        await survivor.ask('reachAll', PREFIX, NAMES, IN_FLIGHT);
        const ms = performance.now() - killed;
        await survivor.ask('knows', NAMES);
        return [ms, (lost / ms) * 1000];
      }),
  };
}
