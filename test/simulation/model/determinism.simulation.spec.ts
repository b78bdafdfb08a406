import { describe, expect, it } from 'vitest';
import { NodeRuntime } from '../../../lib/runtime/node.runtime.js';
import { gentle, lossy, narrow, rough } from './models.js';
import { planOf, type Model } from './promises.js';

const SEED = 8;
/** A frame of the stack inside the library. */
const LIBRARY = /[\\/]lib[\\/]/;

type Method = (this: unknown, ...args: unknown[]) => unknown;

/** Every look of the library at a clock, a timer or a source of chance of the process meanwhile, with where it was. */
async function looksDuring(work: () => unknown): Promise<string[]> {
  const found: string[] = [];
  const watched: ReadonlyArray<readonly [owner: object, name: string]> = [
    [Date, 'now'],
    [Math, 'random'],
    [performance, 'now'],
    [globalThis, 'setTimeout'],
    [globalThis, 'setInterval'],
  ];
  const originals = watched.map(([owner, name]) => (owner as Record<string, Method>)[name]!);
  for (const [index, [owner, name]] of watched.entries()) {
    (owner as Record<string, Method>)[name] = function (...args) {
      // The first line is the message, the second this function.
      const caller = new Error(name).stack?.split('\n')[2] ?? '';
      if (LIBRARY.test(caller)) found.push(`${name} ${caller.trim()}`);
      return originals[index]!.apply(this, args);
    };
  }
  try {
    await work();
  } finally {
    for (const [index, [owner, name]] of watched.entries())
      (owner as Record<string, Method>)[name] = originals[index]!;
  }
  return found;
}

describe.each([
  ['gentle', gentle],
  ['lossy', lossy],
  ['narrow', narrow],
  ['rough', rough],
] as ReadonlyArray<readonly [string, Model]>)('a %s history', (_, model) => {
  it('is the same whenever it is played, to the last line', async () => {
    const plan = planOf(model, SEED);
    const first = await model.play(plan);
    const second = await model.play(plan);
    expect(first.story.length).toBeGreaterThan(50);
    expect(second.story).toEqual(first.story);
  });

  it('looks at no clock, timer or chance of the process', async () => {
    expect(await looksDuring(() => model.play(planOf(model, SEED)))).toEqual([]);
  });
});

it('a look would be noticed', async () => {
  const runtime = new NodeRuntime();
  const looks = await looksDuring(() => [runtime.now(), runtime.wallClock(), runtime.random()]);
  expect(looks).toHaveLength(3);
});
