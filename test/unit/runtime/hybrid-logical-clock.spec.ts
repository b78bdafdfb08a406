import { describe, expect, it } from 'vitest';
import { HybridLogicalClock } from '../../../lib/runtime/hybrid-logical-clock.js';
import { ManualRuntime } from './support/manual.runtime.js';

describe('the hybrid logical clock', () => {
  it('gives stamps that only rise, however many are taken in one millisecond', () => {
    const clock = new HybridLogicalClock(new ManualRuntime());
    let last = clock.next();
    for (let i = 0; i < 5_000; i++) {
      const stamp = clock.next();
      expect(stamp).toBeGreaterThan(last);
      last = stamp;
    }
  });

  it('follows the wall clock', () => {
    const runtime = new ManualRuntime();
    const clock = new HybridLogicalClock(runtime);
    const before = clock.next();
    runtime.pass(10);
    expect(clock.next() - before).toBeGreaterThanOrEqual(9 * 1024);
  });

  it('goes on rising when the wall clock is set back', () => {
    const runtime = new ManualRuntime();
    const clock = new HybridLogicalClock(runtime);
    const before = clock.next();
    runtime.epoch -= 3_600_000;
    expect(clock.next()).toBeGreaterThan(before);
  });

  it('exceeds every stamp that it has observed', () => {
    const runtime = new ManualRuntime();
    const [ahead, behind] = [new HybridLogicalClock(runtime), new HybridLogicalClock(runtime)];
    for (let i = 0; i < 3_000; i++) ahead.next();
    const seen = ahead.next();
    behind.observe(seen);
    expect(behind.next()).toBeGreaterThan(seen);
  });

  it('is not moved back by an older stamp, nor by something that is no stamp', () => {
    const clock = new HybridLogicalClock(new ManualRuntime());
    const stamp = clock.next();
    for (const wrong of [stamp - 5, Number.NaN, Infinity, 2 ** 60, 1.5]) clock.observe(wrong);
    const next = clock.next();
    expect(next).toBeGreaterThan(stamp);
    expect(Number.isSafeInteger(next)).toBe(true);
  });

  it('gives safe integers', () => {
    expect(Number.isSafeInteger(new HybridLogicalClock(new ManualRuntime()).next())).toBe(true);
  });
});
