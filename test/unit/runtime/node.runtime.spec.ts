import { describe, expect, it } from 'vitest';
import { NodeRuntime } from '../../../lib/runtime/node.runtime.js';

/** Resolves when the event loop has come round so often. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe('what is deferred to the last', () => {
  it('comes once all that was deferred by then has run, in the order in which it was asked for', async () => {
    const runtime = new NodeRuntime();
    const ran: string[] = [];
    runtime.defer(() => {
      ran.push('first');
      runtime.defer(() => ran.push('of the next turn'));
    });
    runtime.deferLast(() => ran.push('last'));
    runtime.defer(() => {
      ran.push('second');
      runtime.deferLast(() => ran.push('very last'));
    });
    expect(ran).toEqual([]);
    await turns(3);
    expect(ran).toEqual(['first', 'second', 'last', 'very last', 'of the next turn']);
  });

  it('comes as soon as its caller has gone on where nothing else is deferred', async () => {
    const runtime = new NodeRuntime();
    const ran: string[] = [];
    runtime.deferLast(() => ran.push('last'));
    expect(ran).toEqual([]);
    await new Promise<void>((resolve) => process.nextTick(resolve));
    expect(ran).toEqual(['last']);
    runtime.deferLast(() => ran.push('again'));
    await turns(1);
    expect(ran).toEqual(['last', 'again']);
  });

  it('lets the event loop go on, however much it brings about', async () => {
    const runtime = new NodeRuntime();
    let isOver = false;
    let rounds = 0;
    const again = (): void => {
      rounds++;
      if (!isOver) runtime.deferLast(again);
    };
    runtime.deferLast(again);
    await new Promise((resolve) => setTimeout(resolve, 1));
    isOver = true;
    expect(rounds).toBeGreaterThan(1);
    await turns(2);
  });

  it('is not held up by tasks that defer others without end', async () => {
    const runtime = new NodeRuntime();
    let rounds = 0;
    let isOver = false;
    const again = (): void => {
      rounds++;
      if (!isOver) runtime.defer(again);
    };
    runtime.defer(again);
    await new Promise<void>((resolve) => runtime.deferLast(resolve));
    isOver = true;
    expect(rounds).toBeLessThan(4);
    await turns(2);
  });
});
