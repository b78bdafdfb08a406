import { afterEach, describe, expect, it, vi } from 'vitest';
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

describe('within an event', () => {
  it('what is due soon, and then what is deferred to the last, comes at its end, without a turn in between', () => {
    const runtime = new NodeRuntime();
    const ran: string[] = [];
    runtime.event(() => {
      runtime.deferLast(() => ran.push('last'));
      runtime.soon(() => {
        ran.push('soon');
        runtime.soon(() => ran.push('sooner than the last'));
      });
      // One that another brings about ends with it.
      runtime.event(() => ran.push('first'));
      expect(ran).toEqual(['first']);
    });
    expect(ran).toEqual(['first', 'soon', 'sooner than the last', 'last']);
  });

  it('what is deferred to the last still waits for what was deferred before', async () => {
    const runtime = new NodeRuntime();
    const ran: string[] = [];
    runtime.defer(() => ran.push('deferred'));
    runtime.event(() => runtime.deferLast(() => ran.push('last')));
    expect(ran).toEqual([]);
    await turns(1);
    expect(ran).toEqual(['deferred', 'last']);
  });

  it('a fault of one costs no other its turn', async () => {
    const runtime = new NodeRuntime();
    const ran: string[] = [];
    const faulty = (): void =>
      runtime.event(() => {
        runtime.deferLast(() => ran.push('last'));
        runtime.soon(() => {
          throw new Error('soon');
        });
        runtime.soon(() => ran.push('after the fault'));
        throw new Error('work');
      });
    expect(faulty).toThrow('soon');
    await turns(1);
    expect(ran.toSorted()).toEqual(['after the fault', 'last']);
    runtime.event(() => runtime.soon(() => ran.push('the next event')));
    expect(ran).toContain('the next event');
  });
});

describe('behind an event', () => {
  it('the last comes when all has gone on that waited for what the event has brought', async () => {
    const runtime = new NodeRuntime();
    const ran: string[] = [];
    let bring = (): void => undefined;
    const brought = new Promise<void>((resolve) => (bring = resolve));
    const goOn = async (name: string): Promise<void> => {
      await brought;
      ran.push(name);
      runtime.deferLast(() => ran.push(`last of ${name}`));
    };
    const going = [goOn('a'), goOn('b')];
    runtime.event(() => bring());
    expect(ran).toEqual([]);
    await Promise.all(going);
    expect(ran).toEqual(['a', 'b', 'last of a', 'last of b']);
  });

  it('those that come one by one in the same turn are done together all the same', async () => {
    const runtime = new NodeRuntime();
    let rounds = 0;
    let isDue = false;
    const round = (): void => {
      rounds++;
      isDue = false;
    };
    runtime.event(() => undefined);
    for (let message = 0; message < 50; message++) {
      if (!isDue) runtime.deferLast(round);
      isDue = true;
      await Promise.resolve();
    }
    await turns(1);
    expect(rounds).toBe(2);
  });
});

describe('while the timers of an application are replaced by those of its tests', () => {
  afterEach(() => void vi.useRealTimers());

  it('time goes on', async () => {
    const runtime = new NodeRuntime();
    vi.useFakeTimers();
    const before = runtime.now();
    const ran: string[] = [];
    runtime.defer(() => ran.push('deferred'));
    await new Promise<void>((resolve) => runtime.after(2, resolve));
    // On a busy machine the time of the timer may have come before the event loop has had a turn.
    await new Promise<void>((resolve) => runtime.defer(resolve));
    expect(ran).toEqual(['deferred']);
    expect(runtime.now()).toBeGreaterThan(before);
    const cancelled = runtime.after(1, () => ran.push('cancelled'));
    cancelled.cancel();
    await new Promise<void>((resolve) => runtime.after(4, resolve));
    expect(ran).toEqual(['deferred']);
  });
});
