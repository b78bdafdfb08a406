import { describe, expect, it } from 'vitest';
import { seededRandom, VirtualRuntime, VirtualScheduler } from '../../../lib/runtime/virtual.runtime.js';

function virtual(): { scheduler: VirtualScheduler; runtime: VirtualRuntime; ran: string[] } {
  const scheduler = new VirtualScheduler(seededRandom(1));
  return { scheduler, runtime: new VirtualRuntime(scheduler), ran: [] };
}

describe('a virtual runtime that is paused', () => {
  it('runs nothing, and all in due order when it goes on', async () => {
    const { scheduler, runtime, ran } = virtual();
    runtime.after(30, () => ran.push(`third at ${runtime.now()}`));
    runtime.after(10, () => {
      ran.push(`first at ${runtime.now()}`);
      runtime.defer(() => ran.push('deferred by the first'));
      runtime.after(0, () => ran.push('timer of the first'));
    });
    runtime.after(20, () => ran.push(`second at ${runtime.now()}`));
    runtime.after(150, () => ran.push(`later at ${runtime.now()}`));
    runtime.defer(() => ran.push('deferred'));
    runtime.pause();
    await scheduler.advance(100);
    expect(ran).toEqual([]);
    expect(runtime.now()).toBe(100);
    runtime.resume();
    expect(ran).toEqual([]);
    await scheduler.advance(0);
    expect(ran).toEqual([
      'deferred',
      'first at 100',
      'second at 100',
      'third at 100',
      'deferred by the first',
      'timer of the first',
    ]);
    await scheduler.advance(100);
    expect(ran.at(-1)).toBe('later at 150');
  });

  it('lets promises settle between two overdue tasks', async () => {
    const { scheduler, runtime, ran } = virtual();
    for (const name of ['a', 'b']) {
      runtime.after(1, () => {
        ran.push(name);
        void Promise.resolve().then(() => ran.push(`${name} then`));
      });
    }
    runtime.pause();
    await scheduler.advance(5);
    runtime.resume();
    await scheduler.advance(0);
    expect(ran).toEqual(['a', 'a then', 'b', 'b then']);
  });

  it('does not stop others on the same scheduler, and its clocks go on', async () => {
    const { scheduler, runtime, ran } = virtual();
    const other = new VirtualRuntime(scheduler);
    other.after(5, () => ran.push(`other at ${other.now()}`));
    const wall = runtime.wallClock();
    runtime.pause();
    await scheduler.advance(10);
    expect(ran).toEqual(['other at 5']);
    expect(runtime.wallClock() - wall).toBe(10);
  });

  it('forgets a timer that an overdue task cancels, and one that was cancelled meanwhile', async () => {
    const { scheduler, runtime, ran } = virtual();
    const meanwhile = runtime.after(1, () => ran.push('cancelled meanwhile'));
    runtime.after(1, () => last.cancel());
    const last = runtime.after(2, () => ran.push('cancelled by the first'));
    runtime.pause();
    await scheduler.advance(5);
    meanwhile.cancel();
    runtime.resume();
    await scheduler.advance(5);
    expect(ran).toEqual([]);
  });

  it('may be paused again before all that was overdue has run, and keeps the order', async () => {
    const { scheduler, runtime, ran } = virtual();
    runtime.after(1, () => {
      ran.push('first');
      runtime.pause();
    });
    runtime.after(2, () => ran.push('second'));
    runtime.after(3, () => ran.push('third'));
    runtime.after(15, () => ran.push('fourth'));
    runtime.pause();
    await scheduler.advance(10);
    runtime.resume();
    await scheduler.advance(10);
    expect(ran).toEqual(['first']);
    runtime.pause();
    runtime.resume();
    await scheduler.advance(0);
    expect(ran).toEqual(['first', 'second', 'third', 'fourth']);
  });

  it('runs nothing any more when it is killed, then or later', async () => {
    const { scheduler, runtime, ran } = virtual();
    runtime.after(1, () => ran.push('overdue'));
    runtime.after(20, () => ran.push('due later'));
    runtime.pause();
    await scheduler.advance(5);
    runtime.kill();
    runtime.resume();
    await scheduler.advance(50);
    expect(ran).toEqual([]);
  });
});

describe('the clocks of a virtual runtime', () => {
  it('go at a rate of their own, and timers with them', async () => {
    const scheduler = new VirtualScheduler(seededRandom(1));
    const fast = new VirtualRuntime(scheduler, { rate: 1.25, wallAheadMs: 5_000 });
    const even = new VirtualRuntime(scheduler);
    const fired: number[] = [];
    fast.after(1_000, () => fired.push(scheduler.now, fast.now(), even.now()));
    await scheduler.advance(2_000);
    expect(fired).toEqual([800, 1_000, 800]);
    expect(fast.wallClock() - even.wallClock()).toBe(5_500);
  });
});
