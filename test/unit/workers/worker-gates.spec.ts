import { describe, expect, it } from 'vitest';
import type { WorkerDefinition } from '../../../lib/workers/worker-definition.interface.js';
import type { Delivery } from '../../../lib/workers/worker-host.interface.js';
import { gate, hostOf } from './support/host.js';

const definition = (type: string, more: Partial<WorkerDefinition> = {}): WorkerDefinition => ({
  type,
  concurrency: 1,
  mailboxLimit: 10_000,
  create: () => ({}),
  handler: () => undefined,
  ...more,
});

/** A host of two types whose handlers note the messages, and a way to send to any of their workers. */
function twoTypes() {
  const handled: unknown[] = [];
  const handler: WorkerDefinition['handler'] = () => ({
    accepts: 'message',
    invoke: (_, payload) => void handled.push(payload),
  });
  const definitions = new Map(['A', 'B'].map((type) => [type, definition(type, { handler })]));
  const parts = hostOf({}, {}, { definitions });
  const start = (name: string, type: string): Promise<void> =>
    Promise.resolve(parts.host.start({ name, type, args: null, fence: 1 }));
  const send = (name: string, value: unknown): void => {
    const reply: Delivery['reply'] = () => undefined;
    const message = { pattern: 'any', body: { value }, from: 'a', chain: [], deadline: Infinity, reply };
    parts.host.deliver(name, { kind: 'cast', ...message });
  };
  return { ...parts, start, send, handled, handler };
}

describe('a type that may not handle messages for now', () => {
  it('handles none, of all its workers, and then all, in order', async () => {
    const { host, start, send, handled, scheduler } = twoTypes();
    await start('a', 'A');
    await start('b', 'B');
    host.allowUntil('A', -Infinity, false);
    await start('later', 'A');
    for (const value of [1, 2]) for (const name of ['a', 'b', 'later']) send(name, `${name}${value}`);
    await scheduler.advance(0);
    expect(handled).toEqual(['b1', 'b2']);
    expect(host.inspect().waiting).toBe(4);
    handled.length = 0;
    host.allowUntil('A', Infinity, false);
    expect(handled).toEqual([]);
    await scheduler.advance(0);
    expect(handled).toEqual(['a1', 'a2', 'later1', 'later2']);
    send('a', 'a3');
    await scheduler.advance(0);
    expect(handled.at(-1)).toBe('a3');
  });

  it('does not handle what was sent a moment before', async () => {
    const { host, start, send, handled, scheduler } = twoTypes();
    await start('a', 'A');
    send('a', 1);
    host.allowUntil('A', -Infinity, false);
    await scheduler.advance(0);
    expect(handled).toEqual([]);
  });

  it('handles nothing when it is closed again before its workers have had their turn', async () => {
    const { host, start, send, handled, scheduler } = twoTypes();
    await start('a', 'A');
    host.allowUntil('A', -Infinity, false);
    send('a', 1);
    host.allowUntil('A', Infinity, false);
    host.allowUntil('A', -Infinity, false);
    await scheduler.advance(0);
    expect(handled).toEqual([]);
    host.allowUntil('A', Infinity, false);
    await scheduler.advance(0);
    expect(handled).toEqual([1]);
  });

  it('stays closed to a worker that is resumed, and a paused one stays so when the type goes on', async () => {
    const { host, start, send, handled, scheduler } = twoTypes();
    await start('a', 'A');
    host.allowUntil('A', -Infinity, false);
    expect(await host.pause('a', 1_000)).toBe(true);
    send('a', 1);
    host.allowUntil('A', Infinity, false);
    await scheduler.advance(0);
    expect(handled).toEqual([]);
    host.allowUntil('A', -Infinity, false);
    host.resume('a');
    await scheduler.advance(0);
    expect(handled).toEqual([]);
    host.allowUntil('A', Infinity, false);
    await scheduler.advance(0);
    expect(handled).toEqual([1]);
  });

  it('takes no state of an activation that gave way either, before it goes on', async () => {
    const states: unknown[] = [];
    const parts = hostOf({ conflict: (_, state) => void states.push(state) });
    await parts.start();
    parts.host.allowUntil('Device', -Infinity, false);
    const merged = parts.host.merge('lamp', parts.encode(1), 1_000);
    expect([await parts.stateOf(merged), states]).toEqual(['pending', []]);
    parts.host.allowUntil('Device', Infinity, false);
    expect([await parts.stateOf(merged), states]).toEqual(['ok', [1]]);
  });

  it('leaves objects of the user alone, and types that are not here', async () => {
    const { host, send, handled, handler, scheduler } = twoTypes();
    const pinned = { definition: definition('A', { handler }), instance: {} };
    await host.start({ name: 'pin', type: 'A', args: null, fence: 1, pinned });
    host.allowUntil('A', -Infinity, false);
    host.allowUntil('C', -Infinity, false);
    send('pin', 1);
    await scheduler.advance(0);
    expect(handled).toEqual([1]);
  });

  it('gives the event loop its turns when many workers go on at once', async () => {
    const { host, start, send, handled, scheduler, runtime } = twoTypes();
    // Time passes while messages are handled; virtual time does not by itself.
    let spent = 0;
    const now = runtime.now.bind(runtime);
    runtime.now = () => now() + spent;
    for (let index = 0; index < 200; index++) await start(`a${index}`, 'A');
    host.allowUntil('A', -Infinity, false);
    for (let index = 0; index < 200; index++) send(`a${index}`, index);
    await scheduler.advance(0);
    host.allowUntil('A', Infinity, false);
    const turns: number[] = [];
    const watch = (): void => {
      turns.push(handled.length);
      spent += 5;
      if (handled.length < 200) runtime.defer(watch);
    };
    const push = handled.push.bind(handled);
    handled.push = (...items) => {
      spent += 1;
      return push(...items);
    };
    runtime.defer(watch);
    await scheduler.advance(0);
    expect(handled).toHaveLength(200);
    expect(turns.length).toBeGreaterThan(5);
  });
});

describe('labels', () => {
  const definitions = new Map([
    ['Plain', definition('Plain')],
    ['Gpu', definition('Gpu', { labels: { gpu: 'yes' } })],
    ['GpuA', definition('GpuA', { labels: { gpu: 'yes', zone: 'a' } })],
    ['Odd', definition('Odd', { labels: { constructor: 'x' } })],
  ]);

  it('decide which types a node hosts: it must carry all that the type asks for', () => {
    const typesWith = (nodeLabels?: Record<string, string>): readonly string[] =>
      hostOf({}, {}, { definitions, ...(nodeLabels && { nodeLabels }) }).host.types;
    expect(typesWith()).toEqual(['Plain']);
    expect(typesWith({ gpu: 'no', zone: 'a' })).toEqual(['Plain']);
    expect(typesWith({ gpu: 'yes', disk: 'ssd' })).toEqual(['Gpu', 'Plain']);
    expect(typesWith({ gpu: 'yes', zone: 'a' })).toEqual(['Gpu', 'GpuA', 'Plain']);
  });

  it('keep a type from being started elsewhere, not from being known', async () => {
    const { host } = hostOf({}, {}, { definitions });
    expect(host.definition('Gpu')).toBe(definitions.get('Gpu'));
    expect(host.definition('Other')).toBeUndefined();
    const start = host.start({ name: 'x', type: 'Gpu', args: null, fence: 1 });
    await expect(start).rejects.toMatchObject({ code: 'ERR_SWARM_UNKNOWN_WORKER_TYPE' });
    expect(host.inspect().workers).toBe(0);
    const pinned = { definition: definitions.get('Gpu')!, instance: {} };
    await host.start({ name: 'x', type: 'Gpu', args: null, fence: 1, pinned });
    expect(host.inspect().workers).toBe(1);
  });
});

describe('what a worker wishes', () => {
  it('is told to its node, with its name and its fence of now', async () => {
    const { host, start, send, scheduler, wishes } = hostOf(
      {},
      {
        fail: (_, payload, context) => context.worker.fail(payload as Error),
        stop: (_, __, context) => context.worker.stop(),
      },
    );
    await start('lamp', undefined, { fence: 5 });
    const error = new Error('the line is dead');
    send('fail', { body: { value: error } });
    await scheduler.advance(0);
    host.resume('lamp', 6);
    send('stop');
    await scheduler.advance(0);
    expect(wishes).toEqual([
      ['fail', 'lamp', 5, error],
      ['stop', 'lamp', 6],
    ]);
  });

  it('has an Error for its reason, whatever was given', async () => {
    const odd = Object.create(null) as object;
    const { start, send, scheduler, wishes } = hostOf(
      {},
      { fail: (_, payload, context) => context.worker.fail(payload as Error) },
    );
    await start();
    for (const value of ['text', undefined, odd]) send('fail', { body: { value } });
    await scheduler.advance(0);
    expect(wishes.map(([, , , error]) => error)).toEqual([
      new Error('text'),
      new Error('undefined'),
      new Error('{}'),
    ]);
    expect(wishes.map(([, , , error]) => error?.cause)).toEqual(['text', undefined, odd]);
  });

  it('is nothing to anybody after its end, or after a start that failed', async () => {
    const slow = gate();
    let failLate = (): void => undefined;
    const { host, start, send, scheduler, wishes } = hostOf(
      {
        start(_, context, args) {
          if (args !== 'fail') return;
          failLate = () => context.fail(new Error('too late'));
          throw new Error('no');
        },
      },
      {
        async slow(_, __, { worker }) {
          await slow.wait;
          worker.fail(new Error('too late'));
          worker.stop();
          return worker.signal.aborted;
        },
      },
    );
    await expect(start('lamp', 'fail')).rejects.toThrow('no');
    failLate();
    await start();
    const answer = send('slow');
    await scheduler.advance(0);
    const { ended } = host.end('lamp', 'conflict');
    slow.open();
    await ended;
    expect([answer, wishes]).toEqual([{ value: true }, []]);
  });
});
