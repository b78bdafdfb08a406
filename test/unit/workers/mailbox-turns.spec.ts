import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, it } from 'vitest';

import { MailboxTurns } from '../../../lib/workers/mailbox-turns.js';

const microtasks = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('turns of mailboxes', () => {
  it('come after the caller has gone on, in order', async () => {
    const turns = new MailboxTurns();
    const seen: number[] = [];
    for (const number of [1, 2, 3]) turns.add({ turn: () => seen.push(number) });
    expect(seen).toEqual([]);
    await microtasks();
    expect(seen).toEqual([1, 2, 3]);
  });

  it('are not lost to the fault of another, which is told as Node tells it', async () => {
    const turns = new MailboxTurns();
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

  it('are not in the context of whoever added them', async () => {
    const turns = new MailboxTurns();
    const request = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    request.run('of a request', () => turns.add({ turn: () => seen.push(request.getStore()) }));
    await microtasks();
    expect(seen).toEqual([undefined]);
  });
});
