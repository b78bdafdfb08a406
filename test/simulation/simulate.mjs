// `npm run simulate -- [--seeds 2000] [--first 1] [--all]`: many seeds of the simulation, on all cores. Ends with how many
// ran and the first that broke a promise; with `--all` goes on behind it, and ends with all that did.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const USAGE = 'npm run simulate -- [--seeds 2000] [--first 1] [--all]';
/** Seeds of one process: enough that its start is cheap beside them, few enough that a failure is soon told. */
const SLICE = 500;
const SPEC = 'test/simulation/model/histories.simulation.spec.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const { seeds, first, all } = options();
const slices = sliced(first, seeds);
const reports = mkdtempSync(join(tmpdir(), 'nestjs-swarm-simulate-'));
const began = Date.now();
let ran = 0;
/** Seeds that broke a promise, and which; the lowest first. */
const failures = [];

try {
  await Promise.all(Array.from({ length: availableParallelism() }, work));
} finally {
  rmSync(reports, { recursive: true, force: true });
}
const seconds = ((Date.now() - began) / 1000).toFixed(0);
console.log(`${ran} of ${seeds} seeds ran, from ${first}, in ${seconds} s`);
for (const { seed, why } of all ? failures : failures.slice(0, 1)) {
  console.log(`${all ? '' : 'first '}failing seed: ${seed}\n\n${why}`);
  console.log(`\nagain: npm run simulate -- --seeds 1 --first ${seed}\n`);
}
if (failures.length === 0) console.log('all kept their promises');
else if (all) console.log(`failing seeds: ${failures.map(({ seed }) => seed).join(', ')}`);
process.exit(failures.length > 0 ? 1 : 0);

/** Takes slices until there are none left, or none below the first failing seed. */
async function work() {
  const isWanted = (slice) => slice && (all || !(failures[0]?.seed < slice.first));
  for (let slice = slices.shift(); isWanted(slice); slice = slices.shift()) {
    const found = await run(slice);
    const end = slice.first + slice.seeds;
    ran += found ? found.seed - slice.first + 1 : slice.seeds;
    console.log(`seeds ${slice.first} to ${end - 1}: ${found ? `FAILED at ${found.seed}` : 'ok'}`);
    if (!found) continue;
    failures.push(found);
    failures.sort((a, b) => a.seed - b.seed);
    // Where it is no seed that failed, the next would fail alike.
    if (all && found.isSeed && found.seed + 1 < end)
      slices.unshift({ first: found.seed + 1, seeds: end - found.seed - 1 });
  }
}

/** @returns the slice's first failing seed, if there is one */
async function run({ first: from, seeds: count }) {
  const report = join(reports, `${from}.json`);
  const child = spawn(
    process.execPath,
    [
      join(root, 'node_modules/vitest/vitest.mjs'),
      ...['run', SPEC, '--project=unit', '--reporter=json', `--outputFile=${report}`],
    ],
    { cwd: root, env: { ...process.env, SEEDS: String(count), FIRST_SEED: String(from) } },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += String(text)));
  const [code] = await once(child, 'close');
  const tests = read(report)?.testResults.flatMap(({ assertionResults }) => assertionResults) ?? [];
  const failed = tests.filter(({ status }) => status === 'failed').map(failureOf);
  const [earliest] = failed.filter(({ seed }) => seed >= from).sort((a, b) => a.seed - b.seed);
  if (earliest) return earliest;
  if (code === 0 && tests.some(({ status }) => status === 'passed')) return undefined;
  return {
    seed: from,
    isSeed: false,
    why: `no seed of this slice is known to have failed, but vitest did:\n${output}`,
  };
}

function failureOf({ title, failureMessages }) {
  const why = failureMessages.join('\n');
  return { seed: Number(/\bseed (\d+)/.exec(why)?.[1] ?? NaN), isSeed: true, why: `${title}\n${why}` };
}

function read(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

/** All cores have work to the end, also when there are few seeds. */
function sliced(from, count) {
  const size = Math.min(SLICE, Math.ceil(count / availableParallelism()));
  const starts = Array.from({ length: Math.ceil(count / size) }, (_, index) => index * size);
  return starts.map((start) => ({ first: from + start, seeds: Math.min(size, count - start) }));
}

function options() {
  try {
    const { values } = parseArgs({
      options: {
        seeds: { type: 'string', default: '2000' },
        first: { type: 'string', default: '1' },
        all: { type: 'boolean', default: false },
      },
    });
    const [count, from] = [Number(values.seeds), Number(values.first)];
    if (Number.isSafeInteger(count) && count > 0 && Number.isSafeInteger(from) && from >= 0) {
      return { seeds: count, first: from, all: values.all };
    }
  } catch {
    // Told below.
  }
  console.log(USAGE);
  process.exit(2);
}
