import type { LoadReport } from '../apps/steady-load.js';
import type { BenchCase, Plan } from '../harness/bench-case.interface.js';
import { BenchSwarm } from '../harness/bench-swarm.js';

const NAMES = 10_000;
const IN_FLIGHT = 256;
const PREFIX = 'worker-';
const CALLS_PER_SECOND = 10_000;
/** The load's code is compiled, and its own pauses are known, before the join. */
const BEFORE_MS = 2_000;

export const joinCase: BenchCase = {
  id: 'B7',
  title: `a 4th node joins: ${NAMES / 1000} k stateful workers on 3 nodes, ${CALLS_PER_SECOND} calls/s from a 5th process`,
  run: (bench) => bench.measure([joining(bench.execArgv)], 0),
};

function joining(execArgv: readonly string[]): Plan {
  const client = 3;
  return {
    rows: [
      {
        title: 'all workers where they belong, after the node was seen up',
        unit: 'ms',
        note: 'five fresh processes per sample; a quarter of the workers moves',
      },
      { title: 'calls that failed', unit: 'calls' },
      { title: 'acknowledged additions that were lost', unit: 'calls' },
      {
        title: 'longest pause of a name',
        unit: 'ms',
        note: 'the longest call while the node joins; each name is called once a second, at any time of its move',
      },
      { title: 'longest pause of a name without a join', unit: 'ms', note: 'in the second before' },
    ],
    sample: () =>
      BenchSwarm.with([{}, {}, {}, { hosting: false }], execArgv, async (swarm) => {
        const caller = swarm.node(client);
        await caller.ask('register', PREFIX, 0, NAMES, IN_FLIGHT);
        await swarm.all('knows', NAMES);
        await caller.ask('addAll', PREFIX, NAMES, 0, IN_FLIGHT);
        await caller.ask('load', PREFIX, NAMES, CALLS_PER_SECOND);
        await passed(BEFORE_MS / 2);
        await caller.ask('beginPhase');
        await passed(BEFORE_MS / 2);
        const { longestMs: usualMs } = await caller.ask<LoadReport>('phase');
        const up = caller.ask<number>('upAt', swarm.nodes.length + 1);
        const joiner = await swarm.join();
        const belong = await joiner.ask<number>('belongTo', joiner.address, PREFIX, NAMES);
        const settled = await caller.ask<number>('hostsAt', joiner.address, belong);
        const misplaced = await caller.ask<number>('misplaced', PREFIX, NAMES);
        if (misplaced > 0) throw new Error(`${misplaced} workers are not where they belong`);
        const { failed, lost, longestMs } = await caller.ask<LoadReport>('endLoad');
        const failures = Object.values(failed).reduce((sum, count) => sum + count, 0);
        return [settled - (await up), failures, lost, longestMs, usualMs];
      }),
  };
}

function passed(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
