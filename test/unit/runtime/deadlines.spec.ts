import { describe, expect, it } from 'vitest';

import { type Deadline, Deadlines } from '../../../lib/runtime/deadlines.js';
import type { Timer } from '../../../lib/runtime/runtime.interface.js';
import { seededRandom, VirtualRuntime, VirtualScheduler } from '../../../lib/runtime/virtual.runtime.js';

class Counted implements Deadline {
  previous: Deadline | undefined;
  next: Deadline | undefined;
  timer: Timer | undefined;
  at = Infinity;
  readonly dueAt: number[] = [];

  constructor(private readonly now: () => number) {}

  due(): void {
    this.dueAt.push(this.now());
  }
}

function scene() {
  const scheduler = new VirtualScheduler(() => 0.5);
  const runtime = new VirtualRuntime(scheduler);
  const deadlines = new Deadlines(runtime);
  const set = (inMs: number): Counted => {
    const one = new Counted(() => runtime.now());
    deadlines.set(one, runtime.now() + inMs, runtime.now());
    return one;
  };
  return { scheduler, runtime, deadlines, set };
}

describe('deadlines', () => {
  it('come exactly when they are due, once, unless they are cleared before', async () => {
    for (let seed = 1; seed <= 30; seed++) {
      const random = seededRandom(seed);
      const { scheduler, runtime, deadlines, set } = scene();
      const all: Array<{ one: Counted; at: number; clearedAt: number }> = [];
      for (let step = 0; step < 300; step++) {
        const inMs = random() < 0.3 ? random() * 40 : random() * 6_000;
        const at = runtime.now() + inMs;
        all.push({ one: set(inMs), at, clearedAt: Infinity });
        const other = all[Math.floor(random() * all.length)]!;
        if (random() < 0.5) {
          deadlines.clear(other.one);
          other.clearedAt = Math.min(other.clearedAt, runtime.now());
        }
        if (random() < 0.5) await scheduler.advance(random() * 60);
      }
      await scheduler.advance(7_000);
      for (const { one, at, clearedAt } of all) {
        const expected = clearedAt < at ? [] : [at];
        expect(
          one.dueAt.map((time) => Math.round(time * 1e6)),
          `seed ${seed}`,
        ).toEqual(expected.map((time) => Math.round(time * 1e6)));
      }
      expect(deadlines.all()).toEqual([]);
    }
  });

  it('that have passed come at once, but not before the caller has gone on', async () => {
    const { scheduler, set } = scene();
    const past = set(-5);
    expect(past.dueAt).toEqual([]);
    await scheduler.advance(0);
    expect(past.dueAt).toEqual([0]);
  });

  it('cost one timer for many', () => {
    let timers = 0;
    const scheduler = new VirtualScheduler(() => 0.5);
    const runtime = new VirtualRuntime(scheduler);
    const counted = Object.assign(Object.create(runtime) as VirtualRuntime, {
      after: (ms: number, task: () => void) => {
        timers++;
        return runtime.after(ms, task);
      },
    });
    const deadlines = new Deadlines(counted);
    for (let index = 0; index < 1_000; index++)
      deadlines.set(new Counted(() => 0), 5_000 + index / 100, runtime.now());
    expect(timers).toBe(1);
    expect(deadlines.all()).toHaveLength(1_000);
  });

  it('may be cleared, and cleared again, also by what is due before them', async () => {
    const { scheduler, deadlines, set } = scene();
    const later = set(100);
    const first = set(90);
    first.due = () => deadlines.clear(later);
    await scheduler.advance(1_000);
    deadlines.clear(later);
    expect(later.dueAt).toEqual([]);
  });
});
