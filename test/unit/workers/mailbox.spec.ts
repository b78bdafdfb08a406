import { describe, expect, it } from 'vitest';
import { VirtualRuntime, VirtualScheduler } from '../../../lib/runtime/virtual.runtime.js';
import { Mailbox, type MailboxOwner } from '../../../lib/workers/mailbox.js';
import { MailboxMemory } from '../../../lib/workers/mailbox-memory.js';
import { MailboxTurns } from '../../../lib/workers/mailbox-turns.js';
import type { Body, Delivery } from '../../../lib/workers/worker-host.interface.js';

/** What a quick handler takes. */
const QUICK_MS = 0.01;

/** A mailbox whose handler ends when the test says so, unless the pattern is `quick`. */
function mailbox(more: Partial<MailboxOwner> = {}, memory = new MailboxMemory()) {
  const scheduler = new VirtualScheduler(() => 0.5);
  const runtime = new VirtualRuntime(scheduler);
  /** Milliseconds that handlers have taken. */
  let spent = 0;
  const virtualNow = runtime.now.bind(runtime);
  runtime.now = () => virtualNow() + spent;
  const handled: string[] = [];
  const expired: string[] = [];
  const running = new Map<string, () => void>();
  const gate = { open: true };
  let rests = 0;
  const owner: MailboxOwner = {
    concurrency: 1,
    limit: 10_000,
    mayDispatch: () => gate.open,
    rested: () => void rests++,
    handle({ pattern }) {
      handled.push(pattern);
      if (pattern.startsWith('quick')) return void (spent += QUICK_MS);
      return new Promise<void>((resolve) => running.set(pattern, resolve));
    },
    expired: ({ pattern }) => void expired.push(pattern),
    ...more,
  };
  const box = new Mailbox(owner, runtime, new MailboxTurns(runtime), memory);
  const push = (pattern: string, deadline = Infinity, body?: Body): boolean =>
    box.push({ ...delivery(pattern, deadline), ...(body && { body }) });
  const end = async (pattern: string): Promise<void> => {
    running.get(pattern)?.();
    running.delete(pattern);
    await scheduler.advance(0);
  };
  return { box, push, end, handled, expired, running, scheduler, runtime, gate, rests: () => rests };
}

function delivery(pattern: string, deadline: number): Delivery {
  return {
    kind: 'call',
    pattern,
    body: { value: 0 },
    from: 'a',
    chain: [],
    deadline,
    reply: () => undefined,
  };
}

describe('a mailbox', () => {
  it('handles one message at a time, in the order of their arrival', async () => {
    const { push, end, handled, scheduler, box } = mailbox();
    for (const pattern of ['a', 'b', 'c']) push(pattern);
    await scheduler.advance(0);
    expect(handled).toEqual(['a']);
    expect([box.size, box.isBusy]).toEqual([2, true]);
    await end('a');
    expect(handled).toEqual(['a', 'b']);
    push('d');
    await end('b');
    await end('c');
    await end('d');
    expect(handled).toEqual(['a', 'b', 'c', 'd']);
    expect([box.size, box.isBusy]).toEqual([0, false]);
  });

  it('handles as many at a time as the class allows', async () => {
    const { push, end, running, scheduler } = mailbox({ concurrency: 3 });
    for (const pattern of ['a', 'b', 'c', 'd', 'e']) push(pattern);
    await scheduler.advance(0);
    expect([...running.keys()]).toEqual(['a', 'b', 'c']);
    await end('b');
    expect([...running.keys()]).toEqual(['a', 'c', 'd']);
  });

  it('never begins a message while `push` runs', () => {
    const { push, handled } = mailbox();
    push('quick');
    expect(handled).toEqual([]);
  });

  it('handles what synchronous handlers take in one go', async () => {
    const { push, handled, box } = mailbox();
    for (let i = 0; i < 100; i++) push(`quick ${i}`);
    await Promise.resolve();
    expect(handled).toHaveLength(100);
    expect(box.size).toBe(0);
  });

  it('gives the event loop a turn within 5 ms', async () => {
    const { push, handled, scheduler } = mailbox();
    for (let i = 0; i < 2_000; i++) push(`quick ${i}`);
    await Promise.resolve();
    expect(handled.length).toBeGreaterThan(100);
    expect(handled.length * QUICK_MS).toBeLessThan(5);
    await scheduler.advance(0);
    expect(handled).toEqual(Array.from({ length: 2_000 }, (_, index) => `quick ${index}`));
  });

  it('takes no more than fit, and more when there is room again', async () => {
    const { push, end, box, scheduler } = mailbox({ limit: 2 });
    push('a');
    await scheduler.advance(0);
    expect([push('b'), push('c'), push('d')]).toEqual([true, true, false]);
    expect(box.size).toBe(2);
    await end('a');
    expect(push('e')).toBe(true);
  });

  it('does not handle what nobody waits for any more', async () => {
    const { push, end, handled, expired, scheduler } = mailbox();
    push('slow');
    push('late', 50);
    push('patient', 500);
    await scheduler.advance(100);
    await end('slow');
    expect(expired).toEqual(['late']);
    expect(handled).toEqual(['slow', 'patient']);
  });

  it('gives back what waits when it is closed, and takes nothing more', async () => {
    const { push, end, handled, box, scheduler } = mailbox();
    for (const pattern of ['a', 'b', 'c']) push(pattern);
    await scheduler.advance(0);
    expect(box.close().map(({ pattern }) => pattern)).toEqual(['b', 'c']);
    expect(push('d')).toBe(false);
    await end('a');
    expect(handled).toEqual(['a']);
    expect(box.close()).toEqual([]);
  });

  it('tells when the last handler has ended', async () => {
    const { push, end, rests, scheduler } = mailbox({ concurrency: 2 });
    push('a');
    push('b');
    await scheduler.advance(0);
    await end('a');
    expect(rests()).toBe(0);
    await end('b');
    expect(rests()).toBe(1);
    push('quick');
    await scheduler.advance(0);
    expect(rests()).toBe(2);
  });

  it('handles nothing while its worker may not, and then all that has come, in order', async () => {
    const { push, end, handled, box, scheduler, gate } = mailbox();
    push('a');
    push('b');
    await scheduler.advance(0);
    gate.open = false;
    await end('a');
    push('c');
    await scheduler.advance(0);
    expect([handled, box.size, box.isBusy]).toEqual([['a'], 2, false]);
    gate.open = true;
    box.kick();
    expect(handled).toEqual(['a']);
    await scheduler.advance(0);
    await end('b');
    expect(handled).toEqual(['a', 'b', 'c']);
  });

  it('looks before each message whether its worker may go on', async () => {
    const seen: string[] = [];
    const { push, box, scheduler, gate } = mailbox({
      handle({ pattern }) {
        seen.push(pattern);
        gate.open = false;
      },
    });
    for (const pattern of ['a', 'b', 'c']) push(pattern);
    await scheduler.advance(0);
    expect(seen).toEqual(['a']);
    gate.open = true;
    box.run();
    expect([seen, box.size]).toEqual([['a', 'b'], 1]);
  });

  it('looks at the clock once for each message: all that is asked of it is asked at that time', async () => {
    const times: number[] = [];
    const { push, expired, scheduler, runtime } = mailbox({
      mayDispatch: (now) => times.push(now) > 0,
      handle: (_, now) => void times.push(now),
    });
    let looks = 0;
    runtime.now = () => ++looks;
    for (const pattern of ['a', 'b']) push(pattern, 10);
    push('late', 2.5);
    await scheduler.advance(0);
    expect(times).toEqual([1, 1, 2, 2, 3]);
    expect([looks, expired]).toEqual([3, ['late']]);
  });

  it('is not drained twice at a time by who kicks it while it drains', async () => {
    const { push, box, handled, scheduler } = mailbox();
    for (let i = 0; i < 1_000; i++) push(`quick ${i}`);
    box.kick();
    box.run();
    await Promise.resolve();
    const inOneGo = handled.length;
    expect(inOneGo).toBeLessThan(1_000);
    box.kick();
    box.run();
    await Promise.resolve();
    expect(handled).toHaveLength(inOneGo);
    await scheduler.advance(0);
    expect(handled).toEqual(Array.from({ length: 1_000 }, (_, index) => `quick ${index}`));
  });

  it('may be closed, and pushed to, by the handler that runs', async () => {
    const seen: string[] = [];
    const { box, push, scheduler } = mailbox({
      handle(message) {
        seen.push(message.pattern);
        if (message.pattern === 'a') push('c');
        if (message.pattern === 'b') box.close();
      },
    });
    push('a');
    push('b');
    await scheduler.advance(0);
    expect(seen).toEqual(['a', 'b']);
  });

  it('goes on after a handler whose promise was rejected', async () => {
    const seen: string[] = [];
    const { push, scheduler } = mailbox({
      handle(message) {
        seen.push(message.pattern);
        return Promise.reject(new Error('a fault of the owner'));
      },
    });
    push('a');
    push('b');
    await scheduler.advance(0);
    expect(seen).toEqual(['a', 'b']);
  });
});

describe('mailboxes that have large messages of other nodes', () => {
  const LARGE: Body = { bytes: new Uint8Array(100 * 1024 * 1024) };

  function two() {
    const memory = new MailboxMemory();
    const [one, other] = [mailbox({}, memory), mailbox({}, memory)];
    one.gate.open = other.gate.open = false;
    return { one, other, memory };
  }

  it('take what the node has room for, together', () => {
    const { one, other, memory } = two();
    expect(one.push('a', Infinity, LARGE)).toBe(true);
    expect(other.push('b', Infinity, LARGE)).toBe(true);
    expect(one.push('c', Infinity, LARGE)).toBe(false);
    expect(one.box.isFull).toBe(false);
    expect(memory.refusal('x')).toMatchObject({
      code: 'ERR_SWARM_MAILBOX_FULL',
      limit: 256 * 1024 * 1024,
      message: 'no room for a message to "x": 209715200 bytes wait in the mailboxes of its node',
    });
    // What has no bytes, or few, is another matter.
    expect(one.push('d')).toBe(true);
    expect(one.push('e', Infinity, { bytes: new Uint8Array(1024) })).toBe(true);
  });

  it.each(['is handled', 'has expired', 'is given back'])('have room again when one %s', async (how) => {
    const { one, other } = two();
    one.push('quick', how === 'has expired' ? -1 : Infinity, LARGE);
    other.push('b', Infinity, LARGE);
    expect(other.push('c', Infinity, LARGE)).toBe(false);
    if (how === 'is given back') {
      expect(one.box.close()).toHaveLength(1);
    } else {
      one.gate.open = true;
      one.box.kick();
      await one.scheduler.advance(0);
      expect([one.handled, one.expired]).toContainEqual(['quick']);
    }
    expect(other.push('c', Infinity, LARGE)).toBe(true);
    expect(other.push('d', Infinity, LARGE)).toBe(false);
  });

  it('take one that is larger than all that may wait, if it is alone', () => {
    const { one, other } = two();
    const huge: Body = { bytes: new Uint8Array(300 * 1024 * 1024) };
    expect(one.push('a', Infinity, huge)).toBe(true);
    expect(other.push('b', Infinity, LARGE)).toBe(false);
  });
});
