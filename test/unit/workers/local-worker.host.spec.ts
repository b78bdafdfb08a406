import { describe, expect, it } from 'vitest';
import { InvalidNameError } from '../../../lib/errors/index.js';
import type { HandlerEntry, WorkerDefinition } from '../../../lib/workers/worker-definition.interface.js';
import type { Delivery } from '../../../lib/workers/worker-host.interface.js';
import { NodeRuntime } from '../../../lib/runtime/node.runtime.js';
import { indescribable } from '../../support/indescribable.js';
import { gate, hostOf, never } from './support/host.js';

describe('a worker of this node', () => {
  it('starts with its arguments and then takes messages', async () => {
    const { start, send, scheduler, story, host } = hostOf({}, { add: (_, payload) => payload });
    await start('lamp', { watts: 5 });
    expect(story).toEqual(['start lamp {"watts":5}']);
    const answer = send('add', { body: { value: 7 } });
    await scheduler.advance(0);
    expect(answer).toEqual({ value: 7 });
    expect(host.inspect()).toEqual({ workers: 1, waiting: 0 });
  });

  it('has started when its start returns nothing, unless its class has something to wait for', async () => {
    const spec = { name: 'lamp', type: 'Device', args: null, fence: 1 };
    const unpacked: string[] = [];
    const atOnce = hostOf({ end: () => void unpacked.push('at once') });
    const state = atOnce.encode(5);
    expect(atOnce.host.start({ ...spec, state })).toBeUndefined();
    expect(unpacked).toEqual(['at once']);
    expect(await atOnce.stateOf(Promise.resolve(atOnce.host.pause('lamp', 1_000)))).toBe(true);
    const waking = gate();
    const later = hostOf({ end: () => waking.wait });
    const starting = Promise.resolve(later.host.start({ ...spec, state }));
    expect(await later.stateOf(starting)).toBe('pending');
    waking.open();
    expect(await later.stateOf(starting)).toBe('ok');
  });

  it('leaves nothing behind when its start throws, whatever that is', async () => {
    for (const thrown of [new Error('no'), 'text', undefined, Object.create(null) as object]) {
      const { host, start } = hostOf({
        start: () => {
          throw thrown;
        },
      });
      await expect(start()).rejects.toBe(thrown);
      expect(host.inspect().workers).toBe(0);
    }
  });

  it.each([5, {}, undefined, null, '', 'a\ud800', 'x'.repeat(1025)])(
    'neither joins nor leaves %j, which is no name of a group',
    async (group) => {
      const asked: unknown[] = [];
      const { start } = hostOf({
        start: async (_, context) => {
          const { join, leave } = { join: context.join.bind(context), leave: context.leave.bind(context) };
          for (const ask of [join, leave])
            asked.push(await ask(group as string).catch((error: unknown) => error));
        },
      });
      await start();
      expect(asked).toEqual([expect.any(InvalidNameError), expect.any(InvalidNameError)]);
    },
  );

  it.each(['devices', ''])(
    'gives the event loop its turn however often it joins and leaves %j in a loop',
    async (group) => {
      const turn = new AbortController();
      let rounds = 0;
      const { start } = hostOf(
        {
          start: async (_, context) => {
            setImmediate(() => turn.abort());
            for (; !turn.signal.aborted && rounds < 100_000; rounds++) {
              await context.join(group).catch(() => undefined);
              await context.leave(group).catch(() => undefined);
            }
          },
        },
        {},
        { runtime: new NodeRuntime() },
      );
      await start();
      expect(rounds).toBeLessThan(100_000);
    },
  );

  it('fails with what can be looked at, whatever its start throws', async () => {
    for (const thrown of Object.values(indescribable())) {
      const { start } = hostOf({ start: () => Promise.reject(thrown as Error) });
      const failure: unknown = await start().catch((error: unknown) => error);
      expect(() => failure instanceof Error && `${failure.message} ${failure.stack}`).not.toThrow();
    }
  });

  it('leaves no message unanswered that came while a start failed', async () => {
    const waking = gate();
    const { start, send, stateOf, host } = hostOf({
      start: async () => {
        await waking.wait;
        throw new Error('no');
      },
    });
    const started = start();
    expect(await stateOf(started)).toBe('pending');
    const early = send('add');
    expect(host.inspect()).toEqual({ workers: 1, waiting: 1 });
    waking.open();
    expect(await stateOf(started)).toBe('no');
    expect(early).toEqual({ error: 'ERR_SWARM_NODE_UNAVAILABLE' });
  });

  it('handles no message before its start has ended', async () => {
    const waking = gate();
    const { start, send, scheduler, stateOf } = hostOf(
      { start: () => waking.wait },
      { add: (_, payload) => payload },
    );
    const started = start();
    const early = send('add', { body: { value: 7 } });
    await scheduler.advance(0);
    expect(early).toEqual({});
    waking.open();
    expect(await stateOf(started)).toBe('ok');
    expect(early).toEqual({ value: 7 });
  });

  it('may be given up while its start hangs, and is ended if that returns after all', async () => {
    const hang = gate();
    const { host, start, stateOf, story } = hostOf({ start: () => hang.wait });
    const started = start();
    expect(await stateOf(started)).toBe('pending');
    const { waiting, ended } = host.end('lamp', 'unregistered');
    expect([waiting, await stateOf(ended)]).toEqual([[], 'ok']);
    expect(host.inspect().workers).toBe(0);
    hang.open();
    expect(await stateOf(started)).toBe('ERR_SWARM_WORKER_START');
    expect(story).toEqual(['die unregistered']);
  });

  it('refuses messages to one that has ended, although its name is still known', async () => {
    const { host, start, send } = hostOf({}, { ask: () => 'never' });
    await start();
    await host.end('lamp', 'stopped').ended;
    expect(send('ask')).toEqual({ error: 'ERR_SWARM_NODE_UNAVAILABLE' });
  });

  it('waits with a start until the last worker of the name has ended, whatever that ended for', async () => {
    for (const reason of ['unregistered', 'moved', 'drained'] as const) {
      const dying = gate();
      const { host, start, stateOf, story } = hostOf({ die: () => dying.wait });
      await start();
      const { ended } = host.end('lamp', reason);
      const again = start();
      expect(await stateOf(again)).toBe('pending');
      dying.open();
      expect(await stateOf(ended)).toBe('ok');
      expect(await stateOf(again)).toBe('ok');
      expect(story).toHaveLength(2);
    }
  });

  it('may be given up also while it waits for the last worker of the name, and never starts then', async () => {
    const dying = gate();
    const { host, start, stateOf, story } = hostOf({ die: () => dying.wait });
    await start();
    host.end('lamp', 'moved');
    const again = start();
    expect(host.end('lamp', 'stopped').waiting).toEqual([]);
    dying.open();
    expect(await stateOf(again)).toBe('ERR_SWARM_WORKER_START');
    expect(story).toEqual(['start lamp undefined']);
    expect(host.inspect().workers).toBe(0);
  });

  it('waits with a start for all of the name that have not ended', async () => {
    const [hang, ...deaths] = [gate(), gate(), gate()];
    let starts = 0;
    let ends = 0;
    const { host, start, stateOf } = hostOf({
      start: () => (starts++ === 0 ? hang!.wait : undefined),
      die: () => deaths[ends++]?.wait,
    });
    const abandoned = start();
    await stateOf(abandoned);
    host.end('lamp', 'stopped');
    await start();
    host.end('lamp', 'stopped');
    hang!.open();
    expect(await stateOf(abandoned)).toBe('ERR_SWARM_WORKER_START');
    const third = start();
    deaths[1]!.open();
    expect([ends, await stateOf(third)]).toEqual([2, 'pending']);
    deaths[0]!.open();
    expect(await stateOf(third)).toBe('ok');
  });

  it('is not there twice', async () => {
    const { start, stateOf, story, host } = hostOf();
    await start();
    expect(await stateOf(start())).toBe('ERR_SWARM_WORKER_START');
    expect([story.length, host.inspect().workers]).toEqual([1, 1]);
  });

  it('ends once, dies after the handler that runs, and gives back what waits, in order', async () => {
    const slow = gate();
    const { host, start, send, stateOf, scheduler, story } = hostOf({}, { slow: () => slow.wait });
    await start();
    const running = send('slow');
    await scheduler.advance(0);
    const waiting = [send('second'), send('third')];
    const [first, second] = [host.end('lamp', 'unregistered'), host.end('lamp', 'moved')];
    expect(first.waiting.map(({ pattern }) => pattern)).toEqual(['second', 'third']);
    expect(second.waiting).toEqual([]);
    expect(send('slow')).toEqual({ error: 'ERR_SWARM_WORKER_NOT_FOUND' });
    expect(await stateOf(first.ended)).toBe('pending');
    slow.open('done');
    expect(await stateOf(first.ended)).toBe('ok');
    expect(await stateOf(second.ended)).toBe('ok');
    expect(running).toEqual({ value: 'done' });
    expect(waiting).toEqual([{}, {}]);
    expect(story.filter((line) => line.startsWith('die'))).toEqual(['die unregistered']);
    expect(host.inspect().workers).toBe(0);
    expect(await stateOf(host.end('lamp', 'stopped').ended)).toBe('ok');
  });

  it('says where it was to who comes after it has ended', async () => {
    const { host, start, send } = hostOf({ die: never });
    await start();
    host.end('lamp', 'moved');
    expect(send('add')).toEqual({ error: 'ERR_SWARM_NODE_UNAVAILABLE' });
  });

  it('does not hold up its end for ever', async () => {
    const { host, start, send, stateOf, scheduler, logger } = hostOf({ die: never }, { slow: never });
    await start();
    send('slow');
    await scheduler.advance(0);
    const { ended } = host.end('lamp', 'stopped');
    await scheduler.advance(9_999);
    expect(await stateOf(ended)).toBe('pending');
    await scheduler.advance(1);
    expect(await stateOf(ended)).toBe('ok');
    expect(logger.lines.join('\n')).toContain(`@OnHandoff('die') of "lamp" did not end within 5000 ms`);
  });

  it('tells of a `die` that throws when it is not waited for any more', async () => {
    const dying = gate();
    const { host, start, stateOf, scheduler, logger } = hostOf({
      die: async () => {
        await dying.wait;
        throw new Error('at last');
      },
    });
    await start();
    const { ended } = host.end('lamp', 'stopped');
    await scheduler.advance(5_000);
    expect(await stateOf(ended)).toBe('ok');
    dying.open();
    await scheduler.advance(0);
    expect(logger.lines.join('\n')).toContain('at last');
  });

  it('ends although its `die` throws', async () => {
    const { host, start, stateOf, logger } = hostOf({
      die: () => {
        throw new Error('too late');
      },
    });
    await start();
    expect(await stateOf(host.end('lamp', 'stopped').ended)).toBe('ok');
    expect(logger.lines.join('\n')).toContain('too late');
  });

  it('aborts its signal when it ends, also for those who ask later', async () => {
    const signals: AbortSignal[] = [];
    const { host, start } = hostOf({ start: (_, context) => void signals.push(context.signal) });
    await start();
    expect(signals[0]!.aborted).toBe(false);
    await host.end('lamp', 'conflict').ended;
    expect(signals[0]!.aborted).toBe(true);
  });

  it('aborts its signal also for a handler that outlives it and is the first to ask', async () => {
    const asked: boolean[] = [];
    const slow = gate();
    const { host, start, send, scheduler } = hostOf(
      { start: undefined as never },
      {
        slow: async (_, __, context) => {
          await slow.wait;
          asked.push(context.worker.signal.aborted);
        },
      },
    );
    await start();
    send('slow');
    await scheduler.advance(0);
    const { ended } = host.end('lamp', 'unregistered');
    slow.open();
    await ended;
    expect(asked).toEqual([true]);
  });

  it('aborts its signal when its start fails: what that has begun must end, too', async () => {
    const signals: AbortSignal[] = [];
    const { start } = hostOf({
      start: (_, context) => {
        signals.push(context.signal);
        throw new Error('no');
      },
    });
    await expect(start()).rejects.toThrow('no');
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
  });

  it('answers a full mailbox, an unknown pattern and an expired message by errors', async () => {
    const { start, send, scheduler, runtime } = hostOf({}, { slow: never });
    await start();
    const unknown = send('what');
    await scheduler.advance(0);
    expect(unknown).toEqual({ error: 'ERR_SWARM_UNKNOWN_PATTERN' });
    send('slow');
    await scheduler.advance(0);
    const waiting = [1, 2, 3].map(() => send('slow', { deadline: runtime.now() + 1 }));
    expect(send('slow')).toEqual({ error: 'ERR_SWARM_MAILBOX_FULL' });
    expect(waiting).toEqual([{}, {}, {}]);
  });

  it('answers a message for which the mailboxes of the node have no room by an error', async () => {
    const { start, send, scheduler } = hostOf({}, { slow: never });
    await start();
    send('slow');
    await scheduler.advance(0);
    const body = { bytes: new Uint8Array(200 * 1024 * 1024) };
    expect(send('slow', { body })).toEqual({});
    expect(send('slow', { body })).toEqual({ error: 'ERR_SWARM_MAILBOX_FULL' });
  });

  it('calls no event handler for a call, and both kinds for a cast', async () => {
    const seen: unknown[] = [];
    const entry: HandlerEntry = { accepts: 'event', invoke: (_, payload) => seen.push(payload) };
    const { start, send, scheduler } = hostOf({ handler: () => entry });
    await start();
    const call = send('note');
    send('note', { kind: 'cast', body: { value: 'cast' } });
    await scheduler.advance(0);
    expect(call).toEqual({ error: 'ERR_SWARM_UNKNOWN_PATTERN' });
    expect(seen).toEqual(['cast']);
  });

  it('survives whatever a handler throws, and so does its node', async () => {
    const hostile = Object.assign(Object.create(null) as object, { odd: true });
    const odd = Object.values(indescribable());
    for (const thrown of [hostile, Symbol('s'), null, { toString: () => 1 }, new Error('plain'), ...odd]) {
      for (const rejects of [true, false]) {
        const { start, send, scheduler } = hostOf(
          {},
          {
            bad() {
              if (rejects) return Promise.reject(thrown as Error);
              throw thrown;
            },
            good: () => 'fine',
          },
        );
        await start();
        const [bad, good] = [send('bad'), send('good')];
        const cast = send('bad', { kind: 'cast' });
        await scheduler.advance(0);
        expect(bad).toEqual({ error: 'ERR_SWARM_REMOTE' });
        expect(good).toEqual({ value: 'fine' });
        expect(cast).toEqual({ value: undefined });
      }
    }
  });

  it('keeps what else an error says when its payload is too large to travel', async () => {
    const payload = { text: 'x'.repeat(2 << 20) };
    const exception = Object.assign(new Error('too much'), {
      getStatus: () => 418,
      getResponse: () => payload,
    });
    const { start, host, scheduler } = hostOf(
      {},
      {
        bad: () => {
          throw exception;
        },
      },
    );
    await start();
    let failure: unknown;
    const reply: Delivery['reply'] = (error) => (failure = error);
    const call = { pattern: 'bad', body: { value: 0 }, from: 'a', chain: [], deadline: Infinity, reply };
    host.deliver('lamp', { kind: 'call', ...call });
    await scheduler.advance(0);
    expect(failure).toMatchObject({ remote: { message: 'too much', statusCode: 418 } });
    expect((failure as { remote: object }).remote).not.toHaveProperty('payload');
  });

  it('is an object of the user when pinned: it is neither started nor ended by calls on it', async () => {
    const { host, story, scheduler } = hostOf();
    const instance = {};
    let seen: unknown;
    const definition: WorkerDefinition = {
      type: 'Pinned',
      concurrency: 1,
      mailboxLimit: undefined,
      create: () => expect.fail('a pinned worker was created'),
      start: () => expect.fail('a pinned worker was started'),
      die: () => story.push('a pinned worker was ended'),
      handler: () => ({ accepts: 'message', invoke: (worker) => (seen = worker) }),
    };
    await host.start({ name: 'pin', type: 'Pinned', args: null, fence: 1, pinned: { definition, instance } });
    const reply = (): undefined => undefined;
    const call = { pattern: 'x', body: { value: 0 }, from: 'a', chain: [], deadline: Infinity, reply };
    host.deliver('pin', { kind: 'call', ...call });
    await scheduler.advance(0);
    expect(seen).toBe(instance);
    await host.end('pin', 'unregistered').ended;
    expect(story).toEqual([]);
  });

  it('is refused when no class provides its type', async () => {
    const { host } = hostOf();
    const spec = { name: 'x', type: 'Nothing', args: null, fence: 1 };
    await expect(host.start(spec)).rejects.toMatchObject({ code: 'ERR_SWARM_UNKNOWN_WORKER_TYPE' });
  });

  it('logs the errors of handlers one by one only up to a number a minute', async () => {
    const { start, send, scheduler, logger } = hostOf(
      {},
      {
        bad: () => {
          throw new Error('again');
        },
      },
    );
    await start();
    for (let i = 0; i < 500; i++) {
      send('bad');
      await scheduler.advance(0);
    }
    expect(logger.lines.length).toBeLessThanOrEqual(100);
    await scheduler.advance(61_000);
    send('bad');
    await scheduler.advance(0);
    expect(logger.lines.some((line) => line.includes('400 more handlers'))).toBe(true);
  });
});
