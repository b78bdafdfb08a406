import type { BenchCase, Row, Unit } from './bench-case.interface.js';
import type { Environment } from './environment.js';
import type { Goal, Rows } from './goals.js';
import type { BenchOptions } from './options.js';

export function printEnvironment(env: Environment, { repeats }: BenchOptions): void {
  const versions = Object.entries(env.versions).map(([name, version]) => `${name} ${version}`);
  console.log(`${env.cpu}, ${env.cores} cores, ${env.memoryGiB} GiB, ${env.system}
load average at the start ${env.loadAverage.join(', ')}; commit ${env.commit}; ${env.at}
${versions.join(', ')}
Every process is one of the system's, on loopback. ${repeats} samples per row.`);
}

/** One table per case, with the notes below it. */
export function printCase({ id, title }: BenchCase, rows: readonly Row[]): void {
  console.log(`\n${id} ${title}`);
  const width = Math.max(...rows.map((row) => row.title.length), 0);
  const notes: string[] = [];
  console.log(`  ${''.padEnd(width)}${['min', 'median', 'max'].map((head) => head.padStart(12)).join('')}`);
  for (const row of rows) {
    const mark = row.note === undefined ? '' : ` [${noteNumber(notes, row.note)}]`;
    console.log(`  ${row.title.padEnd(width)}${figures(row)}${mark}`);
  }
  notes.forEach((note, index) => console.log(`  [${index + 1}] ${note}`));
}

/** One line per goal; returns how many were missed. */
export function printVerdicts(goals: readonly Goal[], rows: Rows): number {
  console.log('\ngoals, for a machine as fast as this one');
  const width = Math.max(...goals.map(({ title }) => title.length));
  let missed = 0;
  for (const { case: id, title, unit, check } of goals) {
    const verdict = check(rows);
    if (verdict && !verdict.isMet) missed++;
    const cells = verdict
      ? [verdict.goal, verdict.reached].map((value) => amount(value).padStart(12)).join('')
      : ''.padEnd(24);
    const word = verdict ? (verdict.isMet ? 'reached' : 'MISSED') : 'not measured';
    console.log(`  ${id.padEnd(4)}${title.padEnd(width)}${cells} ${unit.padEnd(15)} ${word}`);
  }
  console.log(missed === 0 ? '  all that were measured are reached' : `  ${missed} missed`);
  return missed;
}

/** The results for a machine: every sample, beside what they come to. */
export function toJson(results: {
  before: Environment;
  after: Environment;
  tookS: number;
  repeats: number;
  rows: readonly Row[];
}): string {
  return `${JSON.stringify(results, undefined, 2)}\n`;
}

function figures({ summary, unit, ratio, beside, notMeasured }: Row): string {
  if (!summary) return `  not measured: ${notMeasured}`;
  const { min, median, max } = summary;
  const cells = [min, median, max].map((value) => formatted(value, unit).padStart(12)).join('');
  const share = ratio ? `   ${ratio.median.toFixed(2)} of ${beside}` : '';
  return `${cells} ${unit.padEnd(5)}${share}`;
}

function formatted(value: number, unit: Unit): string {
  const maximumFractionDigits = unit === 'ms' && value < 100 ? 2 : 0;
  return value.toLocaleString('en-US', { maximumFractionDigits, useGrouping: true });
}

function amount(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: Math.abs(value) < 100 ? 2 : 0 });
}

function noteNumber(notes: string[], note: string): number {
  if (!notes.includes(note)) notes.push(note);
  return notes.indexOf(note) + 1;
}
