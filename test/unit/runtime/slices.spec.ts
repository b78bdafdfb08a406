import { describe, expect, it } from 'vitest';
import { runSliced } from '../../../lib/runtime/slices.js';
import { ManualRuntime } from './support/manual.runtime.js';

/** What is promised of every long job. */
const PROMISED_MS = 5;

describe('a sliced job', () => {
  it('is done at once when it is short', () => {
    const seen: number[] = [];
    let done = false;
    runSliced(
      new ManualRuntime(),
      [1, 2, 3],
      (item) => void seen.push(item),
      () => (done = true),
    );
    expect(seen).toEqual([1, 2, 3]);
    expect(done).toBe(true);
  });

  it('gives the event loop back within 5 ms and goes on where it was', () => {
    const runtime = new ManualRuntime();
    const items = Array.from({ length: 10_000 }, (_, index) => index);
    const seen: number[] = [];
    const work = (item: number): void => {
      runtime.spend(0.02);
      seen.push(item);
    };
    let finishedAt = 0;
    runtime.measured(() => runSliced(runtime, items, work, () => (finishedAt = runtime.now())));
    expect(seen.length).toBeLessThan(items.length);
    runtime.pass(1_000);
    expect(seen).toEqual(items);
    expect(finishedAt).toBeGreaterThan(0);
    expect(runtime.longestTaskMs).toBeLessThanOrEqual(PROMISED_MS);
  });

  it('stops early when the work says so, and is done', () => {
    const runtime = new ManualRuntime();
    const seen: number[] = [];
    let done = 0;
    const untilThree = (item: number): boolean => seen.push(item) < 3;
    runSliced(runtime, [1, 2, 3, 4, 5], untilThree, () => done++);
    runtime.pass(10);
    expect(seen).toEqual([1, 2, 3]);
    expect(done).toBe(1);
  });

  it('is done once, also without items', () => {
    let done = 0;
    runSliced(
      new ManualRuntime(),
      [],
      () => undefined,
      () => done++,
    );
    expect(done).toBe(1);
  });
});
