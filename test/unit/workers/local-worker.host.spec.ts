import { describe, expect, it } from 'vitest';
import { VirtualRuntime, VirtualScheduler } from '../../../lib/runtime/virtual.runtime.js';
import { createPayloadCodec } from '../../../lib/transport/codec/payload.codec.js';
import { LocalWorkerHost } from '../../../lib/workers/local-worker.host.js';
import type { HandlerEntry, WorkerDefinition } from '../../../lib/workers/worker-definition.interface.js';
import type { Delivery } from '../../../lib/workers/worker-host.interface.js';
import { QuietLogger } from '../../support/quiet.logger.js';

type Outcome = { error?: string; value?: unknown };

/** A host of one worker type, and what became of it. */
function hostOf(more: Partial<WorkerDefinition> = {}, handlers: Record<string, HandlerEntry['invoke']> = {}) {
  const scheduler = new VirtualScheduler(() => 0.5);
  const runtime = new VirtualRuntime(scheduler);
  const logger = new QuietLogger();
  const story: string[] = [];
  const codec = createPayloadCodec({ refs: { describe: () => undefined, make: (name) => ({ name }) } });
  const definition: WorkerDefinition = {
    type: 'Device',
    concurrency: 1,
    mailboxLimit: undefined,
    create: () => ({}),
    start: (_, context, args) => void story.push(`start ${context.name} ${JSON.stringify(args)}`),
    die: (_, reason) => void story.push(`die ${reason}`),
    handler: (pattern) => (handlers[pattern] ? { accepts: 'message', invoke: handlers[pattern] } : undefined),
    ...more,
  };
  const host = new LocalWorkerHost({
    definitions: new Map([['Device', definition]]),
    runtime,
    codec,
    mailboxLimit: 3,
    maxPayloadBytes: 1 << 20,
    debug: false,
    logger,
  });
  host.attach({ node: 'here@h:1', joinGroup: async () => undefined, leaveGroup: async () => undefined });
  const start = (name = 'lamp', args?: unknown): Promise<void> => {
    const rules = { root: 'args', instances: 'refuse', maxBytes: 1 << 20 } as const;
    const encoded = args === undefined ? null : codec.encode(args, rules);
    return host.start({ name, type: 'Device', args: encoded, fence: 1 });
  };
  const outcomes: Outcome[] = [];
  const send = (pattern: string, delivery: Partial<Delivery> = {}): Outcome => {
    const outcome: Outcome = {};
    outcomes.push(outcome);
    host.deliver('lamp', {
      kind: 'call',
      pattern,
      body: { value: undefined },
      from: 'there',
      chain: [],
      deadline: Infinity,
      reply(error, value) {
        if (Object.keys(outcome).length > 0) throw new Error(`"${pattern}" was answered twice`);
        if (error) outcome.error = error.code;
        else outcome.value = value;
      },
      ...delivery,
    });
    return outcome;
  };
  const ended = async (work: Promise<unknown>): Promise<string> => {
    let state = 'pending';
    work.then(
      () => (state = 'ok'),
      (error: { code?: string; message: string }) => (state = error.code ?? error.message),
    );
    await scheduler.advance(0);
    return state;
  };
  return { host, start, send, ended, scheduler, runtime, logger, story };
}

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

  it('may be given up while its start hangs, and is ended if that returns after all', async () => {
    let proceed = (): void => undefined;
    const hang = new Promise<void>((resolve) => (proceed = resolve));
    const { host, start, ended, story } = hostOf({ start: () => hang });
    const started = start();
    expect(await ended(started)).toBe('pending');
    await host.stop('lamp', 'stopped');
    expect(host.inspect().workers).toBe(0);
    proceed();
    expect(await ended(started)).toBe('ERR_SWARM_WORKER_START');
    expect(story).toEqual(['die stopped']);
  });

  it('waits with a start until the last worker of the name has ended', async () => {
    let die = (): void => undefined;
    const dying = new Promise<void>((resolve) => (die = resolve));
    const { host, start, ended, story } = hostOf({ die: () => dying });
    await start();
    const stopped = host.stop('lamp', 'unregistered');
    const again = start();
    expect(await ended(again)).toBe('pending');
    die();
    expect(await ended(stopped)).toBe('ok');
    expect(await ended(again)).toBe('ok');
    expect(story).toHaveLength(2);
  });

  it('ends once, and dies after the handler that runs', async () => {
    let finish = (): void => undefined;
    const { host, start, send, ended, scheduler, story } = hostOf(
      {},
      { slow: () => new Promise<string>((resolve) => (finish = () => resolve('done'))) },
    );
    await start();
    const [running, waiting] = [send('slow'), send('slow')];
    await scheduler.advance(0);
    const [first, second] = [host.stop('lamp', 'unregistered'), host.stop('lamp', 'unregistered')];
    expect(waiting).toEqual({ error: 'ERR_SWARM_WORKER_NOT_FOUND' });
    expect(send('slow')).toEqual({ error: 'ERR_SWARM_WORKER_NOT_FOUND' });
    expect(await ended(first)).toBe('pending');
    finish();
    expect(await ended(first)).toBe('ok');
    expect(await ended(second)).toBe('ok');
    expect(running).toEqual({ value: 'done' });
    expect(story.filter((line) => line.startsWith('die'))).toEqual(['die unregistered']);
    expect(host.inspect().workers).toBe(0);
  });

  it('does not hold up its end for ever', async () => {
    const never = (): Promise<never> => new Promise(() => undefined);
    const { host, start, send, ended, scheduler } = hostOf({ die: never }, { slow: never });
    await start();
    send('slow');
    await scheduler.advance(0);
    const stopped = host.stop('lamp', 'stopped');
    await scheduler.advance(20_000);
    expect(await ended(stopped)).toBe('ok');
  });

  it('ends although its `die` throws', async () => {
    const { host, start, ended, logger } = hostOf({
      die: () => {
        throw new Error('too late');
      },
    });
    await start();
    expect(await ended(host.stop('lamp', 'stopped'))).toBe('ok');
    expect(logger.lines.join('\n')).toContain('too late');
  });

  it('aborts its signal when it ends, also for those who ask later', async () => {
    const signals: AbortSignal[] = [];
    const { host, start } = hostOf({ start: (_, context) => void signals.push(context.signal) });
    await start();
    expect(signals[0]!.aborted).toBe(false);
    await host.stop('lamp', 'conflict');
    expect(signals[0]!.aborted).toBe(true);
  });

  it('aborts its signal also for a handler that outlives it and is the first to ask', async () => {
    const asked: boolean[] = [];
    let goOn = (): void => undefined;
    const wait = new Promise<void>((resolve) => (goOn = resolve));
    const { host, start, send, scheduler } = hostOf(
      { start: undefined as never },
      {
        slow: async (_, __, context) => {
          await wait;
          asked.push(context.worker.signal.aborted);
        },
      },
    );
    await start();
    send('slow');
    await scheduler.advance(0);
    const stopped = host.stop('lamp', 'unregistered');
    goOn();
    await stopped;
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
    const { start, send, scheduler, runtime } = hostOf({}, { slow: () => new Promise(() => undefined) });
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

  it('says that a name is unknown which it does not run', () => {
    const { send } = hostOf();
    expect(send('add')).toEqual({ error: 'ERR_SWARM_WORKER_NOT_FOUND' });
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
    for (const thrown of [hostile, Symbol('s'), null, { toString: () => 1 }, new Error('plain')]) {
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
      die: () => expect.fail('a pinned worker was ended'),
      handler: () => ({ accepts: 'message', invoke: (worker) => (seen = worker) }),
    };
    await host.start({ name: 'pin', type: 'Pinned', args: null, fence: 1, pinned: { definition, instance } });
    const reply = (): undefined => undefined;
    const call = { pattern: 'x', body: { value: 0 }, from: 'a', chain: [], deadline: Infinity, reply };
    host.deliver('pin', { kind: 'call', ...call });
    await scheduler.advance(0);
    expect(seen).toBe(instance);
    await host.stop('pin', 'unregistered');
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
