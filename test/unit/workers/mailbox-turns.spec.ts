import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, it } from 'vitest';

import { NodeRuntime } from '../../../lib/runtime/node.runtime.js';
import { MailboxTurns } from '../../../lib/workers/mailbox-turns.js';

const microtasks = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('turns of mailboxes', () => {
  it('come after the caller has gone on, in order', async () => {
    const turns = new MailboxTurns(new NodeRuntime());
    const seen: number[] = [];
    for (const number of [1, 2, 3]) turns.add({ turn: () => seen.push(number) });
    expect(seen).toEqual([]);
    await microtasks();
    expect(seen).toEqual([1, 2, 3]);
  });

  it('are not lost to the fault of another, which is told as Node tells it', async () => {
    const turns = new MailboxTurns(new NodeRuntime());
    const seen: unknown[] = [];
    const listeners = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.once('uncaughtException', (error) => seen.push(error.message));
    try {
      turns.add({
        turn: () => {
          throw new Error('a fault');
        },
      });
      turns.add({ turn: () => seen.push('its turn') });
      await microtasks();
    } finally {
      for (const listener of listeners) process.on('uncaughtException', listener);
    }
    expect(seen.sort()).toEqual(['a fault', 'its turn']);
  });

  it('are not in the context of whoever added them, nor when they were interrupted', async () => {
    const turns = new MailboxTurns(new NodeRuntime());
    const request = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const mailbox = { turn: () => seen.push(request.getStore()) };
    request.run('of a request', () => turns.add(mailbox));
    request.run('of another', () => turns.interrupt(mailbox));
    await microtasks();
    expect(seen).toEqual([undefined, undefined]);
  });

  it('let the event loop go on, however much they bring about', async () => {
    const turns = new MailboxTurns(new NodeRuntime());
    let isOver = false;
    let count = 0;
    const again = {
      turn(): void {
        count++;
        if (isOver) return;
        if (turns.isOver(performance.now())) turns.interrupt(again);
        else turns.add(again);
      },
    };
    turns.add(again);
    await new Promise((resolve) => setTimeout(resolve, 1));
    isOver = true;
    expect(count).toBeGreaterThan(1);
    await microtasks();
  });

  it('that were interrupted come in order, before what was added since', async () => {
    let now = 0;
    const deferred: Array<() => void> = [];
    const turns = new MailboxTurns({
      now: () => now,
      soon: queueMicrotask,
      defer: (task) => void deferred.push(task),
    });
    const seen: string[] = [];
    const mailbox = (name: string): { turn(): void } => ({
      turn() {
        now += 1;
        if (turns.isOver(now)) turns.interrupt(this);
        else seen.push(name);
      },
    });
    const names = Array.from({ length: 60 }, (_, index) => `${index}`);
    for (const name of names) turns.add(mailbox(name));
    await Promise.resolve();
    const before = seen.length;
    expect(before).toBeLessThan(names.length);
    turns.add(mailbox('later'));
    await Promise.resolve();
    expect(seen).toHaveLength(before);
    for (let task = deferred.shift(); task; task = deferred.shift()) task();
    expect(seen).toEqual([...names, 'later']);
  });
});
