import { readFileSync, writeFileSync } from 'node:fs';
import { cases } from './cases/index.js';
import { environment } from './harness/environment.js';
import { Bench } from './harness/bench.js';
import { type BenchOptions, parseOptions, USAGE } from './harness/options.js';
import { printProfiles } from './harness/profile.js';
import { type Results, withPerformance } from './harness/readme.js';
import { goals, Rows } from './harness/goals.js';
import { printCase, printEnvironment, printVerdicts, toJson } from './harness/report.js';

const options = parseOptions(process.argv.slice(2));
if (!options) {
  console.log(USAGE);
  process.exit(2);
}

if (options.readme !== undefined) {
  const results = JSON.parse(readFileSync(options.readme, 'utf8')) as Results;
  writeFileSync('README.md', withPerformance(readFileSync('README.md', 'utf8'), results));
  console.log('README.md is written');
  process.exit(0);
}

const bench = new Bench(options);
const began = performance.now();
const before = environment();
printEnvironment(before, options);

for (const benchCase of cases) {
  if (!bench.wantsCase(benchCase.id)) continue;
  const rows = await bench.run(benchCase);
  printCase(benchCase, rows);
  // What was measured is kept also when a run is ended before its time.
  if (options.json !== undefined) keep(options.json);
}

console.log(
  `\n${bench.rows.length} rows in ${tookS().toFixed(0)} s; load average ${environment().loadAverage.join(', ')}`,
);
if (options.json !== undefined) console.log(`written to ${options.json}`);
if (options.profile !== undefined) printProfiles(options.profile);

const missing = bench.rows.filter(({ notMeasured }) => notMeasured !== undefined).length;
if (missing > 0) console.log(`${missing} rows could not be measured`);
if (bench.rows.length === 0) console.log(`no row begins with ${options.only.join(' or ')}`);
const missed = options.check ? printVerdicts(goals, new Rows(bench.rows)) : 0;
process.exit(missed > 0 || missing > 0 || bench.rows.length === 0 ? 1 : 0);

function tookS(): number {
  return (performance.now() - began) / 1000;
}

function keep(json: string): void {
  const { repeats } = options as BenchOptions;
  writeFileSync(json, toJson({ before, after: environment(), tookS: tookS(), repeats, rows: bench.rows }));
}
