import type { BenchCase, Plan } from '../harness/bench-case.interface.js';
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

/** The processes of the case: for everything a client and a server. */
interface Peers {
  readonly swarm: BenchSwarm;
  readonly elsewhere: string;
  readonly here: string;
  readonly echo: BenchProcess;
  readonly nest: BenchProcess;
}

/** Everything is sent back: so many bytes there, so many back. */
export const callCase: BenchCase = {
  id: 'B3',
  title: 'call one worker with a Buffer that it sends back; from a process that serves nothing else',
  run: (bench) =>
    BenchSwarm.with([{}, {}], bench.execArgv, async (swarm) => {
      const started: BenchProcess[] = [];
      const start = async (app: string, env: Record<string, string> = {}): Promise<BenchProcess> => {
        const process = await BenchProcess.start(app, env, bench.execArgv);
        started.push(process);
        return process;
      };
      try {
        const echo = await start('echo-client', { PORT: (await start('echo-server')).address });
        const nest = await start('nest-client', { PORT: (await start('nest-server')).address });
        const [client, server] = [swarm.node(0), swarm.node(1)];
        const elsewhere = await client.ask<string>('registerOn', server.address, 'elsewhere-');
        const here = await client.ask<string>('registerOn', client.address, 'here-');
        await bench.measure(plansOf({ swarm, elsewhere, here, echo, nest }), WARM_UP);
      } finally {
        await Promise.all(started.map((process) => process.end()));
      }
    }),
};

function plansOf({ swarm, elsewhere, here, echo, nest }: Peers): Plan[] {
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
      return [
        rate('bare node:net echo', echo, 'echoRate', [], {
          note: 'one write per message; the server writes back each chunk as it comes',
        }),
        rate('call a worker elsewhere', client, 'callRate', [elsewhere], { beside: limit }),
        rate('@nestjs/microservices TCP', nest, 'callRate', [], {
          beside: limit,
          note: 'a text of so many ASCII characters: its messages are JSON, where a Buffer would take several times that',
        }),
        rate('call a worker here', client, 'callRate', [here], {
          beside: limit,
          note: 'by the process that calls elsewhere in between: one that does only either is faster',
        }),
      ];
    }),
  );
}
