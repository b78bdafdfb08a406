import { describe, expect, it } from 'vitest';
import { ScopedRuntime } from '../../../lib/runtime/scoped.runtime.js';
import { ManualRuntime } from './support/manual.runtime.js';

describe('a scoped runtime', () => {
  it('runs tasks as the runtime below does, until it is closed', () => {
    const inner = new ManualRuntime();
    const scoped = new ScopedRuntime(inner);
    const ran: string[] = [];
    scoped.after(5, () => ran.push('timer'));
    scoped.defer(() => ran.push('deferred'));
    inner.pass(5);
    expect(ran).toEqual(['deferred', 'timer']);
    expect(scoped.now()).toBe(5);
    expect(scoped.wallClock()).toBe(inner.wallClock());
  });

  it('leaves nothing pending when it is closed', () => {
    const inner = new ManualRuntime();
    const scoped = new ScopedRuntime(inner);
    const ran: string[] = [];
    for (let i = 0; i < 100; i++) scoped.after(i, () => ran.push(`timer ${i}`));
    scoped.defer(() => ran.push('deferred'));
    scoped.close();
    expect(inner.pending).toBeLessThanOrEqual(1);
    inner.pass(1_000);
    expect(ran).toEqual([]);
  });

  it('begins nothing after it was closed', () => {
    const inner = new ManualRuntime();
    const scoped = new ScopedRuntime(inner);
    scoped.close();
    scoped.after(0, () => expect.fail('a timer of a closed runtime ran'));
    scoped.defer(() => expect.fail('a task of a closed runtime ran'));
    expect(inner.pending).toBe(0);
    inner.pass(10);
  });

  it('lets a task be cancelled before, while and after it runs', () => {
    const inner = new ManualRuntime();
    const scoped = new ScopedRuntime(inner);
    const before = scoped.after(1, () => expect.fail('a cancelled task ran'));
    before.cancel();
    before.cancel();
    const during = scoped.after(1, () => during.cancel());
    inner.pass(2);
    during.cancel();
    scoped.close();
    expect(inner.pending).toBe(0);
  });
});
