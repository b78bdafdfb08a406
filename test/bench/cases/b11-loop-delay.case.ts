import type { LoopDelay } from '../apps/loop-delay.js';
import type { BenchCase, CaseBench, Plan, RowHead } from '../harness/bench-case.interface.js';
import { BenchProcess } from '../harness/bench-process.js';
import { BenchSwarm } from '../harness/bench-swarm.js';

const MOVING = 10_000;
const ROWS = 100_000;
const IN_FLIGHT = 256;
const PREFIX = 'worker-';

export const loopDelayCase: BenchCase = {
  id: 'B11',
  title:
    'event loop of an application that does nothing itself, above the same beside an equal load of the machine',
  run: (bench: CaseBench) =>
    bench.measure([movingWorkers(bench.execArgv), sendingSnapshot(bench.execArgv)], 0),
};

function rowsOf(role: string, note: string): RowHead[] {
  return [
    { title: `${role}: p99`, unit: 'ms', note },
    { title: `${role}: max`, unit: 'ms' },
  ];
}

/** A second node joins one that runs twice as many workers as move; a third has none and only learns of it. */
function movingWorkers(execArgv: readonly string[]): Plan {
  const note = `${MOVING / 1000} k of ${(2 * MOVING) / 1000} k stateful workers move from one node to another that has joined`;
  return {
    rows: [
      ...rowsOf('node that they leave', note),
      ...rowsOf('node that they come to', note),
      ...rowsOf('node that only learns of it', note),
    ],
    sample: async () => {
      const delays = await BenchSwarm.with([{}, { hosting: false }], execArgv, async (swarm) => {
        const [source, bystander] = [swarm.node(0), swarm.node(1)];
        await source.ask('register', PREFIX, 0, 2 * MOVING, IN_FLIGHT);
        await swarm.all('knows', 2 * MOVING);
        await swarm.all('startMeter');
        const target = await swarm.join({ env: { METER: 'boot' } });
        const belong = await target.ask<number>('belongTo', target.address, PREFIX, 2 * MOVING);
        await bystander.ask('hostsAt', target.address, belong);
        return stopped([source, target, bystander]);
      });
      return aboveIdle(delays, execArgv);
    },
  };
}

/** A node joins that runs nothing, and is sent everything that is known. */
function sendingSnapshot(execArgv: readonly string[]): Plan {
  const note = `a registry of ${ROWS / 1000} k rows goes to a node that has joined`;
  return {
    rows: [...rowsOf('node that sends the registry', note), ...rowsOf('node that gets it', note)],
    sample: async () => {
      const delays = await BenchSwarm.with([{}], execArgv, async (swarm) => {
        const sender = swarm.node(0);
        await sender.ask('register', PREFIX, 0, ROWS, IN_FLIGHT);
        await sender.ask('startMeter');
        const receiver = await swarm.join({ hosting: false, env: { METER: 'boot' } });
        await receiver.ask('knows', ROWS);
        return stopped([sender, receiver]);
      });
      return aboveIdle(delays, execArgv);
    },
  };
}

function stopped(nodes: readonly BenchProcess[]): Promise<LoopDelay[]> {
  return Promise.all(nodes.map((node) => node.ask<LoopDelay>('stopMeter')));
}

/** Each beside an idle process that has as much work of others around it. */
async function aboveIdle(delays: readonly LoopDelay[], execArgv: readonly string[]): Promise<number[]> {
  const figures: number[] = [];
  for (const delay of delays) {
    const others = delays.filter((other) => other !== delay).map(({ cpu }) => cpu);
    const idle = await idleBeside(others, delay.tookMs, execArgv);
    figures.push(delay.p99Ms - idle.p99Ms, delay.maxMs - idle.maxMs);
  }
  return figures;
}

async function idleBeside(
  shares: readonly number[],
  forMs: number,
  execArgv: readonly string[],
): Promise<LoopDelay> {
  const burners = await Promise.all(shares.map(() => BenchProcess.start('burner', {}, execArgv)));
  try {
    return await BenchSwarm.with([{}], execArgv, async (swarm) => {
      await Promise.all(burners.map((burner, index) => burner.ask('burn', shares[index])));
      const idle = swarm.node(0);
      await idle.ask('startMeter');
      await new Promise((resolve) => setTimeout(resolve, forMs));
      return idle.ask<LoopDelay>('stopMeter');
    });
  } finally {
    await Promise.all(burners.map((burner) => burner.end()));
  }
}
