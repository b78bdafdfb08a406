import { describe, expect, it } from 'vitest';
import { NameWaiters } from '../../../lib/tracker/name-waiters.js';
import { ManualRuntime } from '../runtime/support/manual.runtime.js';

describe('waiting for a name', () => {
  it('ends when something of that name changes, and not for another', async () => {
    const runtime = new ManualRuntime();
    const waiters = new NameWaiters(runtime);
    const lamp = waiters.changed('lamp', 1_000);
    waiters.wake('door');
    expect(waiters.size).toBe(1);
    waiters.wake('lamp');
    expect(await lamp).toBe(true);
    expect([waiters.size, runtime.pending]).toEqual([0, 0]);
  });

  it('ends for everybody when the view changes', async () => {
    const waiters = new NameWaiters(new ManualRuntime());
    const all = ['a', 'a', 'b'].map((name) => waiters.changed(name, 1_000));
    waiters.wakeAll();
    expect(await Promise.all(all)).toEqual([true, true, true]);
    expect(waiters.size).toBe(0);
  });

  it('ends at its deadline, also if that has passed', async () => {
    const runtime = new ManualRuntime();
    const waiters = new NameWaiters(runtime);
    const [later, past] = [waiters.changed('a', 50), waiters.changed('a', -1)];
    runtime.pass(49);
    expect(waiters.size).toBe(1);
    runtime.pass(1);
    expect(await Promise.all([later, past])).toEqual([false, false]);
    expect(waiters.size).toBe(0);
  });
});
