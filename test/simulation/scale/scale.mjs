// `npm run simulate:scale -- [--nodes 10,100] [--names 10] [--seed 1] …`: what swarms of these sizes cost, in virtual time.
// Each case runs in a process of its own, from a build of the sources as they are.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

import { compile } from '../compiled.mjs';

const USAGE = `npm run simulate:scale -- [--nodes 10,100] [--names 10] [--seed 1]
  --budget 600       seconds of processor time after which a case is given up
  --rolling 100      nodes up to which a rolling start is measured too
  --markdown <file>  writes the table there as well
  --json <file>      writes all that was measured
  --profile <folder> writes a processor profile of each case`;
/** Past its budget a case says how far it has come; one that does not, with time for other work on the machine, is stopped. */
const GRACE_SECONDS = 120;
const GRACE_SHARE = 4;
/** Whole swarms live in one heap. */
const HEAP_MIB = 16_384;
/** What is on its way between many nodes outlives many small collections. */
const YOUNG_MIB = 256;
/**
 * To look through the heap of a thousand nodes takes tens of seconds of processor time, and half of what is found is
 * what has travelled: not before there is as much. The collector would also look whenever little is allocated for a while.
 */
const FIRST_LOOK_MIB = 8_192;

const options = read();
const entry = compile('scale/scale-case', 'scale');
const { table } = await import(pathToFileURL(join(entry, '../scale-table.js')).href);
const results = [];
for (const nodes of options.nodes) {
  const result = await run('start', nodes);
  if (nodes <= options.rolling) {
    const rolling = await run('rolling', nodes);
    Object.assign(result, rolling, { unfinished: result.unfinished ?? rolling.unfinished });
  }
  results.push(result);
}
const text = table(results);
console.log(`\n${text}`);
if (options.markdown) writeFileSync(options.markdown, `${text}\n`);
if (options.json) writeFileSync(options.json, `${JSON.stringify(results, undefined, 2)}\n`);
process.exit(results.some(({ unfinished }) => unfinished) ? 1 : 0);

/** @returns what the case printed as its last line */
async function run(kind, nodes) {
  const { names, seed, budget, profile } = options;
  const began = performance.now();
  const child = spawn(
    process.execPath,
    [
      ...[
        '--expose-gc',
        `--max-old-space-size=${HEAP_MIB}`,
        `--min-semi-space-size=${YOUNG_MIB}`,
        `--max-semi-space-size=${YOUNG_MIB}`,
        `--initial-old-space-size=${FIRST_LOOK_MIB}`,
        '--no-memory-reducer',
        '--enable-source-maps',
      ],
      ...(profile
        ? ['--cpu-prof', `--cpu-prof-dir=${profile}`, `--cpu-prof-name=${kind}-${nodes}.cpuprofile`]
        : []),
      entry,
      JSON.stringify({ kind, nodes, names, seed, budgetSeconds: budget }),
    ],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: (budget * GRACE_SHARE + GRACE_SECONDS) * 1000,
      killSignal: 'SIGKILL',
    },
  );
  let output = '';
  child.stdout.on('data', (data) => (output += String(data)));
  const [code, signal] = await once(child, 'close');
  const seconds = ((performance.now() - began) / 1000).toFixed(0);
  const last = output.trimEnd().split('\n').findLast(isWhole);
  const result = last ? JSON.parse(last) : { nodes, names, seed };
  if (code !== 0) result.unfinished = whyDead(code, signal, seconds);
  console.log(
    `${kind} of ${nodes} nodes: ${seconds} s${result.unfinished ? `, UNFINISHED in ${result.unfinished}` : ''}`,
  );
  return result;
}

/** The last line of a process that was stopped may be cut. */
function isWhole(line) {
  return line.startsWith('{') && line.endsWith('}');
}

function whyDead(code, signal, seconds) {
  return `its process, which ended with ${signal ?? code} after ${seconds} s`;
}

function read() {
  try {
    const { values } = parseArgs({
      options: {
        nodes: { type: 'string', default: '10,100' },
        names: { type: 'string', default: '10' },
        seed: { type: 'string', default: '1' },
        budget: { type: 'string', default: '600' },
        rolling: { type: 'string', default: '100' },
        markdown: { type: 'string' },
        json: { type: 'string' },
        profile: { type: 'string' },
      },
    });
    const nodes = values.nodes.split(',').map(Number);
    const [names, seed, budget, rolling] = [values.names, values.seed, values.budget, values.rolling].map(
      Number,
    );
    const isCount = (value) => Number.isSafeInteger(value) && value >= 0;
    if (
      nodes.every((count) => isCount(count) && count > 1 && count <= 2_000) &&
      [names, seed, budget, rolling].every(isCount)
    ) {
      if (values.profile) mkdirSync(values.profile, { recursive: true });
      return { ...values, nodes, names, seed, budget, rolling };
    }
  } catch {
    // Told below.
  }
  console.log(USAGE);
  process.exit(2);
}
