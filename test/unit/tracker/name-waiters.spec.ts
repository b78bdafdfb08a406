import { describe, expect, it } from 'vitest';
import { NodeRuntime } from '../../../lib/runtime/node.runtime.js';
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
    const all = ['a', 'a', 'b'].map((name) => waiters.changed(name, performance.now() + 60_000));
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

  it.each<[string, (waiters: NameWaiters) => void]>([
    ['the view', (waiters) => waiters.wakeAll()],
    ['one name', (waiters) => waiters.wake('name-0')],
  ])('ends for many in turns of the event loop when %s changes', async (what, change) => {
    const waiters = new NameWaiters(new NodeRuntime());
    let wentOn = 0;
    let mostInOneTurn = 0;
    for (let index = 0; index < 10_000; index++) {
      const name = what === 'one name' ? 'name-0' : `name-${index}`;
      void waiters.changed(name, performance.now() + 60_000).then((changed) => (wentOn += changed ? 1 : 1e9));
    }
    change(waiters);
    for (let before = -1; wentOn > before;) {
      before = wentOn;
      await new Promise(setImmediate);
      mostInOneTurn = Math.max(mostInOneTurn, wentOn - before);
    }
    expect(wentOn).toBe(10_000);
    expect(mostInOneTurn, 'two turns, where the first is its own').toBeLessThan(300);
    expect(waiters.size).toBe(0);
  });

  it('ends for those who waited when it changed, and not for who comes later', async () => {
    const runtime = new ManualRuntime();
    const waiters = new NameWaiters(runtime);
    for (let index = 0; index < 300; index++) void waiters.changed('lamp', 1_000);
    waiters.wake('lamp');
    const later = waiters.changed('lamp', 1_000);
    runtime.pass(0);
    expect(waiters.size).toBe(1);
    waiters.wake('lamp');
    expect(await later).toBe(true);
  });
});
