import type { PayloadKind } from '../apps/payload.js';
import type { BenchCase, CaseBench, Plan } from '../harness/bench-case.interface.js';
import { BenchProcess } from '../harness/bench-process.js';
import { BenchSwarm } from '../harness/bench-swarm.js';

const SAMPLE_MS = 300;
/** Rates rise for about two seconds of load. */
const WARM_UP = 5;
const SIZES = [
  { label: '50 B', bytes: 50 },
  { label: '1 KiB', bytes: 1024 },
  { label: '64 KiB', bytes: 64 * 1024 },
];
const WIDTHS = [1, 64];
const AS_TEXT =
  'a text of so many ASCII characters: its messages are JSON, where a Buffer would take several times that';

/** The processes of the case: for everything a client and a server. */
interface Peers {
  readonly swarm: BenchSwarm;
  readonly elsewhere: string;
  readonly echo: BenchProcess;
  readonly nest: BenchProcess;
  readonly moleculer: BenchProcess;
}

/** Everything is sent back: so many bytes there, so many back. */
export const callCase: BenchCase = {
  id: 'B3',
  title: 'call one worker that sends back what it gets; from a process that serves nothing else',
  run: async (bench) => {
    await elsewhere(bench);
    await here(bench);
  },
};

async function elsewhere(bench: CaseBench): Promise<void> {
  const started: BenchProcess[] = [];
  const start = async (app: string, env: Record<string, string> = {}): Promise<BenchProcess> => {
    const process = await BenchProcess.start(app, env, bench.execArgv);
    started.push(process);
    return process;
  };
  await BenchSwarm.with([{}, {}], bench.execArgv, async (swarm) => {
    try {
      const echo = await start('echo-client', { PORT: (await start('echo-server')).address });
      const nest = await start('nest-client', { PORT: (await start('nest-server')).address });
      const server = await start('moleculer-server');
      const moleculer = await start('moleculer-client', { SERVER: server.address });
      const worker = await swarm.node(0).ask<string>('registerOn', swarm.node(1).address, 'elsewhere-');
      await bench.measure(plansOf({ swarm, elsewhere: worker, echo, nest, moleculer }), WARM_UP);
    } finally {
      await Promise.all(started.map((process) => process.end()));
    }
  });
}

function plansOf({ swarm, elsewhere: worker, echo, nest, moleculer }: Peers): Plan[] {
  const client = swarm.node(0);
  return WIDTHS.flatMap((width) =>
    SIZES.flatMap(({ label, bytes }): Plan[] => {
      const what = `${width} in flight, ${label}`;
      const limit = `bare node:net echo, ${what}`;
      const rate = (
        title: string,
        process: BenchProcess,
        op: string,
        args: unknown[],
        extra: { note?: string; beside?: string } = {},
      ): Plan => ({
        rows: [{ title: `${title}, ${what}`, unit: '/s', ...extra }],
        sample: async () => [await process.ask<number>(op, ...args, bytes, width, SAMPLE_MS)],
      });
      const sent = (title: string, process: BenchProcess, kind: PayloadKind, name?: string): Plan =>
        rate(
          `${title}, ${kind === 'object' ? 'object' : 'Buffer'}`,
          process,
          'callRate',
          name === undefined ? [kind] : [name, kind],
          { beside: limit, ...(kind === 'text' && { note: AS_TEXT }) },
        );
      return [
        rate('bare node:net echo', echo, 'echoRate', [], {
          note: 'one write per message; the server writes back each chunk as it comes',
        }),
        sent('call a worker elsewhere', client, 'Buffer', worker),
        sent('@nestjs/microservices TCP', nest, 'text'),
        sent('Moleculer TCP', moleculer, 'text'),
        sent('call a worker elsewhere', client, 'object', worker),
        sent('@nestjs/microservices TCP', nest, 'object'),
        sent('Moleculer TCP', moleculer, 'object'),
      ];
    }),
  );
}

/** On the same node nothing travels, so the size of a message is the time that its copies take. */
async function here(bench: CaseBench): Promise<void> {
  const direct = await BenchProcess.start('direct', {}, bench.execArgv);
  try {
    await BenchSwarm.with([{}], bench.execArgv, async (swarm) => {
      const node = swarm.node(0);
      const worker = await node.ask<string>('registerOn', node.address, 'here-');
      const plans = WIDTHS.flatMap((width): Plan[] => {
        const limit = `method of an object, ${width} in flight`;
        return [
          {
            rows: [{ title: limit, unit: '/s', note: '{ add: 1 }, an async method that is awaited' }],
            sample: async () => [await direct.ask<number>('callRate', width, SAMPLE_MS)],
          },
          {
            rows: [{ title: `call a worker here, ${width} in flight`, unit: '/s', beside: limit }],
            sample: async () => [await node.ask<number>('addRate', worker, width, SAMPLE_MS)],
          },
        ];
      });
      await bench.measure(plans, WARM_UP);
    });
  } finally {
    await direct.end();
  }
}
