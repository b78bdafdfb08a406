import { describe, expect, it } from 'vitest';
import { SLICE_MS } from '../../../lib/runtime/slices.js';
import { largeRun, type MeasuredTask } from './large-swarm.js';

const NAMES = Number(process.env['NAMES'] ?? 4_000);
/** So many that work which is not cut takes several times the bound also where the engine is fast. */
const UNCUT_NAMES = Math.max(NAMES, 12_000);
const SEED = Number(process.env['SEED'] ?? 1);
/** So often at most a seed is run. */
const RUNS = 5;
/** With so many names a task may take what is promised, `SLICE_MS` and an item that runs over. */
const NAMES_OF_PROMISE = 100_000;
/** With fewer names less: what is not cut grows with them. Below half of it the clock of a busy machine tells nothing. */
const BOUND_MS = Math.max(0.5, NAMES / NAMES_OF_PROMISE) * (SLICE_MS + 1);

/** Where it can be seen that it is made. */
export let garbage: unknown;

describe(`among ${NAMES} names no task of a node`, () => {
  it(`takes more than ${BOUND_MS} ms, when nodes join, are cut off, die and drain, and names end`, async () => {
    let { tasks } = await largeRun({ seed: SEED, names: NAMES });
    // The same seed has the same tasks: what does not take long in each run is garbage, or the machine's.
    for (let run = 1; run < RUNS && longOf(tasks).length > 0; run++) {
      shiftCollections(run);
      const again = await largeRun({ seed: SEED, names: NAMES });
      expect(again.tasks.length, 'as many tasks as before').toBe(tasks.length);
      tasks = tasks.map((task, index) => shorter(task, again.tasks[index]!));
    }
    expect(await described(longOf(tasks))).toEqual([]);
  });

  it(`takes twice as long only where work is not cut into slices, which is noticed among ${UNCUT_NAMES}`, async () => {
    const { tasks } = await largeRun({ seed: SEED, names: UNCUT_NAMES, msPerLook: 0 });
    expect(longOf(tasks)[0]?.ms).toBeGreaterThan(2 * BOUND_MS);
  });
});

/** Tasks that allocate alike would be interrupted alike to collect garbage: runs begin with different rests of it. */
function shiftCollections(run: number): void {
  for (let i = 0; i < run * 50_000; i++) garbage = [i];
}

function shorter(a: MeasuredTask, b: MeasuredTask): MeasuredTask {
  return a.ms < b.ms ? a : b;
}

function longOf(tasks: readonly MeasuredTask[]): MeasuredTask[] {
  return tasks.filter(({ ms }) => ms > BOUND_MS).sort((a, b) => b.ms - a.ms);
}

/** With the lines of the library that scheduled each, for whoever looks for its cause. */
async function described(tasks: readonly MeasuredTask[]): Promise<string[]> {
  if (tasks.length === 0) return [];
  const traced = new Set(tasks.map(({ index }) => index));
  const { traces } = await largeRun({ seed: SEED, names: NAMES, traced });
  return tasks.map(({ ms, phase, index }) => {
    const lines = (traces.get(index) ?? '').split('\n').filter((line) => line.includes('/lib/'));
    const from = lines.map((line) => line.replace(/^\s*at /, '').replace(/\(?[^(]*\/lib\//, '(lib/'));
    return `${ms.toFixed(1)} ms while ${phase}, task ${index}, scheduled by ${from.join(' < ') || 'the test'}`;
  });
}
