import type { Row } from './bench-case.interface.js';
import type { Environment } from './environment.js';

/** What a run has written with `--json`. */
export interface Results {
  readonly before: Environment;
  readonly repeats: number;
  readonly rows: readonly Row[];
}

const BEGIN = '<!-- performance: made by "npm run bench -- --readme file" of what --json wrote -->';
const END = '<!-- end of performance -->';

/** What is told beside calls, in the order of the table: case, title of its row, what it says to a reader. */
const FIGURES: ReadonlyArray<readonly [id: string, title: string, what: string]> = [
  ['B3', 'call a worker here, 64 in flight', 'call a worker of the same node, 64 in flight'],
  ['B1', 'register, 1 in flight', 'register workers on 3 nodes, one after the other'],
  ['B1', 'register, 64 in flight', 'register workers on 3 nodes, 64 in flight'],
  ['B1', 'unregister, 64 in flight', 'unregister, 64 in flight, 50,000 names held'],
  ['B5', 'after the last answer', '10,000 registrations: known to all 3 nodes after the last answer'],
  ['B2', 'whereis, 10 k names', '`whereis` among 10,000 names'],
  ['B2', 'whereis, 100 k names', '`whereis` among 100,000 names, in no order'],
  [
    'B4',
    'publish, until the last member has it',
    'publish to 1,000 members on 3 nodes, until the last has it',
  ],
  ['B4', 'multiCall, until all answers are there', '`multiCall` of 1,000 members on 3 nodes'],
  ...['10 k', '30 k', '100 k'].map(
    (names) =>
      [
        'B6',
        `3 nodes, ${names} names: all answer after SIGKILL of one`,
        `SIGKILL of one of 3 nodes, ${names.replace(' k', ',000')} names: all answer again after`,
      ] as const,
  ),
  [
    'B7',
    'all workers where they belong, after the node was seen up',
    'a 4th node joins 10,000 stateful workers under 10,000 calls/s: settled after',
  ],
  ['B7', 'calls that failed', '… calls that failed'],
  ['B7', 'longest pause of a name', '… longest pause of a name'],
  ['B9', 'until the node has left, for 10 k workers', 'SIGTERM: 10,000 stateful workers handed over within'],
  ['B9', 'workers that lost their state', '… workers that lost their state'],
  [
    'B10',
    'until all registries are equal, with each name once',
    'a 2\\|2 partition heals, 2,000 names on both sides: one each after',
  ],
  ['B11', 'node that they leave: p99', 'event loop of a node that 10,000 workers leave, above idle: p99'],
  [
    'B11',
    'node that sends the registry: p99',
    'event loop of a node that sends 100,000 rows, above idle: p99',
  ],
  ['B8', 'registry, node without the workers: heap', 'memory per name on each node'],
  [
    'B8',
    'registry and worker, node that runs them: heap',
    'memory per name on the node that runs it, worker included',
  ],
];

/** The section of the README, with its marks. What a run has not measured is not in it. */
export function performanceSection({ before, repeats, rows }: Results): string {
  const versions = Object.entries(before.versions).map(([name, version]) => `${name} ${version}`);
  const text = [
    BEGIN,
    '<!-- prettier-ignore-start -->',
    '',
    `Medians of ${repeats} samples, measured by \`npm run bench\` in one run on ${before.cpu} with ${before.cores} cores` +
      ` (${versions.join(', ')}). Every process is one of the system's, on loopback; they share the cores, so read the` +
      ' figures as ratios.',
    '',
    'Calls per second to one worker on another node, which sends back what it gets:',
    '',
    ...callTable(rows),
    '',
    "JSON, which Nest's TCP and Moleculer send, has no bytes: they get a text of as many characters instead.",
    '',
    '| what | median |',
    '| --- | --- |',
    ...FIGURES.flatMap(([id, title, what]) => {
      const row = rows.find((one) => one.case === id && one.title === title);
      return row?.summary ? [`| ${what} | ${figure(row.summary.median, row.unit)} |`] : [];
    }),
    '',
    '<!-- prettier-ignore-end -->',
    END,
  ];
  return text.join('\n');
}

/** The README with its section made anew. @throws Error if it has none */
export function withPerformance(readme: string, results: Results): string {
  const [from, to] = [readme.indexOf(BEGIN), readme.indexOf(END)];
  if (from < 0 || to < from) throw new Error(`the README has no section between "${BEGIN}" and "${END}"`);
  return readme.slice(0, from) + performanceSection(results) + readme.slice(to + END.length);
}

function callTable(rows: readonly Row[]): string[] {
  const table = [
    '| message | in flight | bare `node:net` echo | nestjs-swarm | of echo | Nest TCP | Moleculer TCP |',
    '| --- | --- | --- | --- | --- | --- | --- |',
  ];
  for (const kind of ['Buffer', 'object']) {
    for (const size of ['50 B', '1 KiB', '64 KiB']) {
      for (const width of [1, 64]) {
        const of = (what: string): Row | undefined =>
          rows.find(({ case: id, title }) => id === 'B3' && title === `${what}, ${width} in flight, ${size}`);
        const own = of(`call a worker elsewhere, ${kind}`);
        if (!own?.summary) continue;
        const peers = ['@nestjs/microservices TCP', 'Moleculer TCP'].map((peer) => of(`${peer}, ${kind}`));
        const message = `${kind === 'object' ? 'an object' : 'a Buffer'}, ${size}`;
        const share = own.ratio ? own.ratio.median.toFixed(2) : '';
        const cells = [message, width, rate(of('bare node:net echo')), rate(own), share, ...peers.map(rate)];
        table.push(`| ${cells.join(' | ')} |`);
      }
    }
  }
  return table;
}

function rate(row: Row | undefined): string {
  return row?.summary ? rounded(row.summary.median) : '';
}

function figure(value: number, unit: Row['unit']): string {
  if (unit === '/s') return `${rounded(value)}/s`;
  if (unit === 'calls' || unit === 'names') return rounded(value);
  return `${rounded(value)} ${unit}`;
}

/** Three figures are as many as a run can repeat. */
function rounded(value: number): string {
  if (value === 0) return '0';
  if (Math.abs(value) < 1) return value.toFixed(1);
  return Number(value.toPrecision(3)).toLocaleString('en-US', { maximumFractionDigits: 2 });
}
