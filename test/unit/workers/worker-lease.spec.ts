import { describe, expect, it } from 'vitest';
import { LocalWorkerHost } from '../../../lib/workers/local-worker.host.js';
import { NoTurnError } from '../../../lib/workers/no-turn.error.js';
import type { DieReason, WorkerDefinition } from '../../../lib/workers/worker-definition.interface.js';
import type { Delivery } from '../../../lib/workers/worker-host.interface.js';
import { gate, type Gate, hostOf } from './support/host.js';

const LEASE_MS = 3_000;

/** A worker under a lease that notes messages, and handlers that last as long as the test says. */
async function leased(more: Partial<WorkerDefinition> = {}) {
  const handled: unknown[] = [];
  const running: Gate[] = [];
  const lasting = async (): Promise<unknown> => {
    const work = gate();
    running.push(work);
    return work.wait;
  };
  const parts = hostOf(more, {
    note: (_, payload) => void handled.push(payload),
    slow: lasting,
    throws: async () => {
      await lasting();
      throw new Error('no');
    },
    fast: () => 'at once',
  });
  const { host, scheduler, runtime, send, start } = parts;
  const extend = (ms = LEASE_MS): void => host.allowUntil('Device', runtime.now() + ms, true);
  extend();
  await start();
  /** How often the host has put something off. */
  const deferred = { count: 0 };
  const defer = runtime.defer.bind(runtime);
  runtime.defer = (task) => {
    deferred.count++;
    defer(task);
  };
  return {
    ...parts,
    handled,
    deferred,
    /** The lease of the type is extended, as by acknowledged pings. */
    extend,
    close: () => host.allowUntil('Device', -Infinity, true),
    note: (value: unknown) => send('note', { kind: 'cast', body: { value } }),
    /** Delivers a message and lets its handler begin. */
    async begin(pattern: string, delivery: Partial<Delivery> = {}) {
      const outcome = send(pattern, delivery);
      await scheduler.advance(0);
      return outcome;
    },
    /** The handler that began first ends. */
    async finish(value?: unknown): Promise<void> {
      running.shift()!.open(value);
      await scheduler.advance(0);
    },
  };
}

describe('the time until which messages may begin', () => {
  it('is over also for what waits when a stopped process wakes', async () => {
    const { begin, note, finish, extend, handled, runtime, scheduler } = await leased();
    await begin('slow');
    note('waits for the handler');
    runtime.after(500, () => note('comes while it is stopped'));
    runtime.after(600, () => void finish());
    runtime.pause();
    await scheduler.advance(10_000);
    runtime.resume();
    await scheduler.advance(60_000);
    expect(handled).toEqual([]);
    extend();
    await scheduler.advance(0);
    expect(handled).toEqual(['waits for the handler', 'comes while it is stopped']);
  });

  it('counts itself', async () => {
    const { note, handled, scheduler } = await leased();
    await scheduler.advance(LEASE_MS);
    note('just in time');
    await scheduler.advance(0.001);
    note('late');
    await scheduler.advance(1);
    expect(handled).toEqual(['just in time']);
  });

  it('is compared before each of many messages', async () => {
    const { send, scheduler, runtime, host, start } = hostOf(
      {},
      {
        long: () => {
          spent += 400;
          return 'done';
        },
      },
    );
    let spent = 0;
    const now = runtime.now.bind(runtime);
    runtime.now = () => now() + spent;
    await start();
    host.allowUntil('Device', 1_000, false);
    const first = [send('long'), send('long'), send('long')];
    await scheduler.advance(0);
    const later = send('long');
    await scheduler.advance(0);
    expect([...first, later]).toEqual([{ value: 'done' }, { value: 'done' }, { value: 'done' }, {}]);
  });

  it('lets those go on that have waited, in order, when it is extended', async () => {
    const { note, extend, handled, scheduler, deferred } = await leased();
    await scheduler.advance(LEASE_MS + 1);
    for (const value of [1, 2]) note(value);
    await scheduler.advance(0);
    extend(-1);
    await scheduler.advance(50);
    expect([handled, deferred.count]).toEqual([[], 0]);
    extend();
    expect(handled).toEqual([]);
    await scheduler.advance(0);
    note(3);
    await scheduler.advance(0);
    expect(handled).toEqual([1, 2, 3]);
  });

  it('costs no look at any worker when it is extended while none was turned away', async () => {
    const { begin, note, extend, close, start, scheduler, handled, deferred } = await leased();
    await start('idle');
    await begin('slow');
    note('behind the handler');
    for (let times = 0; times < 20; times++) {
      await scheduler.advance(250);
      extend();
      close();
      await scheduler.advance(0);
      extend();
    }
    expect([deferred.count, handled]).toEqual([0, []]);
  });

  it('tells those that were turned away once', async () => {
    const { note, extend, close, scheduler, handled, deferred } = await leased();
    close();
    for (const value of [1, 2, 3]) note(value);
    await scheduler.advance(0);
    for (let times = 0; times < 3; times++) {
      extend();
      await scheduler.advance(250);
    }
    expect([deferred.count, handled]).toEqual([1, [1, 2, 3]]);
  });

  it('turns away again those that had no time before it was over again', async () => {
    const { note, extend, close, handled, scheduler } = await leased();
    close();
    note(1);
    for (let times = 0; times < 3; times++) {
      await scheduler.advance(100);
      extend();
      close();
      await scheduler.advance(0);
    }
    expect(handled).toEqual([]);
    extend();
    await scheduler.advance(0);
    expect(handled).toEqual([1]);
  });

  it('forgets a worker that has ended', async () => {
    const { host, note, extend, close, scheduler, deferred } = await leased();
    close();
    note(1);
    await scheduler.advance(0);
    await host.end('lamp', 'no-quorum').ended;
    extend();
    expect(deferred.count).toBe(0);
  });

  it('may be given before the host is attached to its node', async () => {
    const { runtime, codec, logger, scheduler } = hostOf();
    const handled: unknown[] = [];
    const definition: WorkerDefinition = {
      type: 'Device',
      concurrency: 1,
      mailboxLimit: 1,
      create: () => ({}),
      handler: () => ({ accepts: 'event', invoke: (_, payload) => handled.push(payload) }),
    };
    const limits = { mailboxLimit: 1, maxPayloadBytes: 1, debug: false };
    const definitions = new Map([['Device', definition]]);
    const host = new LocalWorkerHost({ definitions, runtime, codec, logger, ...limits });
    host.allowUntil('Device', -Infinity, true);
    host.attach({
      node: 'here@h:1',
      leaseMs: 3_000,
      renewLeases: () => undefined,
      joinGroup: async () => undefined,
      leaveGroup: async () => undefined,
      failed: () => undefined,
      stopped: () => undefined,
    });
    await host.start({ name: 'lamp', type: 'Device', args: null, fence: 1 });
    const message = { pattern: 'note', body: { value: 1 }, from: 'a', chain: [], deadline: Infinity };
    host.deliver('lamp', { kind: 'cast', ...message, reply: () => undefined });
    await scheduler.advance(10);
    expect(handled).toEqual([]);
    host.allowUntil('Device', Infinity, true);
    await scheduler.advance(0);
    expect(handled).toEqual([1]);
  });

  it('holds back the state of an activation that gave way, but nobody is kept from being packed', async () => {
    const states: unknown[] = [];
    const { host, extend, encode, stateOf, scheduler } = await leased({
      conflict: (_, state) => void states.push(state),
    });
    await scheduler.advance(LEASE_MS + 1);
    const refused = host.merge('lamp', encode(0), 1_000);
    expect(await stateOf(refused)).toBe('pending');
    expect(await host.pause('lamp', 1_000)).toBe(true);
    await expect(refused).rejects.toThrow(NoTurnError);
    expect(await host.begin('lamp', 1_000)).toEqual({ kind: 'restart' });
    host.resume('lamp');
    const merged = host.merge('lamp', encode(1), 1_000);
    expect([await stateOf(merged), states]).toEqual(['pending', []]);
    extend();
    expect([await stateOf(merged), states]).toEqual(['ok', [1]]);
  });
});

describe('an answer that is given when little of the lease is left', () => {
  /** With `leftMs` of the lease. */
  async function late(leftMs = 1_500) {
    const parts = await leased();
    await parts.scheduler.advance(LEASE_MS - leftMs);
    return { ...parts, until: parts.runtime.now() + leftMs };
  }

  it('waits for the next lease, which the others are asked for once', async () => {
    const { begin, extend, scheduler, runtime, renewals } = await late();
    const answers = [await begin('fast'), await begin('what'), await begin('fast')];
    expect(answers).toEqual([{}, { error: 'ERR_SWARM_UNKNOWN_PATTERN' }, {}]);
    expect(renewals.count).toBe(1);
    // Of a ping that was sent before what was asked waited here.
    extend(1_510);
    await scheduler.advance(1);
    expect(answers[0]).toEqual({});
    extend();
    await scheduler.advance(0);
    const given = { value: 'at once', goodUntil: runtime.now() + LEASE_MS };
    expect([answers[0], answers[2]]).toEqual([given, given]);
    await scheduler.advance(1_000);
  });

  it.each([
    ['enough is left', 1_520, 'there'],
    ['the caller is on the same node', 10, 'here@h:1'],
  ])('is given at once where %s', async (_, leftMs, from) => {
    const { begin, until, renewals } = await late(leftMs);
    expect(await begin('fast', { from })).toEqual({ value: 'at once', goodUntil: until });
    expect(renewals.count).toBe(0);
  });

  it('is given as it is when nobody renews the lease in time, long before its deadline', async () => {
    const { begin, until, scheduler, runtime, renewals } = await late();
    const answer = await begin('fast');
    const urgent = await begin('fast', { deadline: runtime.now() + 100 });
    const given = { value: 'at once', goodUntil: until };
    await scheduler.advance(49);
    expect([urgent, answer]).toEqual([{}, {}]);
    await scheduler.advance(1);
    expect([urgent, answer]).toEqual([given, {}]);
    await scheduler.advance(200);
    expect([answer, renewals.count]).toEqual([given, 1]);
    await begin('fast');
    expect(renewals.count).toBe(2);
  });

  it.each<DieReason>(['no-quorum', 'conflict', 'moved', 'drained'])(
    'is good no longer than it was for a worker that has ended since (%s)',
    async (reason) => {
      const { begin, extend, host, scheduler, until } = await late();
      const answer = await begin('fast');
      host.end('lamp', reason);
      extend();
      await scheduler.advance(0);
      expect(answer).toEqual({ value: 'at once', goodUntil: until });
    },
  );

  it('is good no longer than it was when the lease is taken away', async () => {
    const { begin, close, scheduler, until } = await late();
    const answer = await begin('fast');
    close();
    await scheduler.advance(0);
    expect(answer).toEqual({ value: 'at once', goodUntil: until });
  });
});

describe('the outcome of a handler under a lease', () => {
  it('holds until the lease is over that there is when it ends', async () => {
    const { begin, finish, extend, scheduler, runtime } = await leased();
    const [slow, throws] = [await begin('slow'), await begin('throws')];
    await scheduler.advance(2_000);
    extend();
    await scheduler.advance(2_000);
    extend();
    const goodUntil = runtime.now() + LEASE_MS;
    await finish(7);
    await finish();
    expect([slow, throws]).toEqual([
      { value: 7, goodUntil },
      { error: 'ERR_SWARM_REMOTE', goodUntil },
    ]);
    expect(await begin('fast')).toEqual({ value: 'at once', goodUntil });
  });

  it('holds also if the lease was lost and regained meanwhile: nobody has taken its place', async () => {
    const { begin, finish, extend, scheduler, runtime } = await leased();
    const slow = await begin('slow');
    await scheduler.advance(10_000);
    extend();
    await finish(7);
    expect(slow).toEqual({ value: 7, goodUntil: runtime.now() + LEASE_MS });
  });

  it('is dropped, value or error, when there is no lease at its end', async () => {
    const { begin, finish, scheduler, host, runtime } = await leased();
    const told: Array<[string | undefined, unknown, number | undefined]> = [];
    const reply: Delivery['reply'] = (error, answer, goodUntil) => {
      told.push([error?.message, answer, goodUntil]);
    };
    await begin('slow', { reply });
    await scheduler.advance(LEASE_MS + 0.001);
    await finish(7);
    host.allowUntil('Device', runtime.now() + 10, true);
    await scheduler.advance(0);
    await begin('throws', { reply });
    await scheduler.advance(20);
    await finish();
    const message = 'here@h:1: "lamp" has no lease there now: the message may or may not have been handled';
    expect(told).toEqual([
      [message, undefined, undefined],
      [message, undefined, undefined],
    ]);
  });

  it.each<[DieReason, boolean]>([
    ['no-quorum', true],
    ['conflict', true],
    ['moved', true],
    ['drained', true],
    ['stopped', false],
    ['unregistered', false],
    ['failed', false],
  ])('of a worker that has ended (%s) while it ran is dropped: %s', async (reason, dropped) => {
    const { begin, finish, extend, host, runtime } = await leased();
    const slow = await begin('slow');
    host.end('lamp', reason);
    extend();
    await finish(7);
    const kept = { value: 7, goodUntil: runtime.now() + LEASE_MS };
    expect(slow).toEqual(dropped ? { error: 'ERR_SWARM_NODE_UNAVAILABLE' } : kept);
  });

  it('is dropped when it comes after the end was given up, and the name may be taken anew', async () => {
    const { begin, finish, extend, host, scheduler } = await leased();
    const slow = await begin('slow');
    const { ended } = host.end('lamp', 'unregistered');
    await scheduler.advance(10_000);
    await ended;
    extend();
    await finish(7);
    expect(slow).toEqual({ error: 'ERR_SWARM_NODE_UNAVAILABLE' });
  });

  it('is nothing to who sent a cast, and errors that are no outcome hold for ever', async () => {
    const { begin, finish, scheduler } = await leased();
    const unknown = await begin('what');
    const cast = await begin('slow', { kind: 'cast' });
    await scheduler.advance(LEASE_MS + 1);
    await finish();
    expect([unknown, cast]).toEqual([{ error: 'ERR_SWARM_UNKNOWN_PATTERN' }, { value: undefined }]);
  });

  it('holds for ever without a lease, whatever time is given, and under one that never ends', async () => {
    const { begin, finish, host, scheduler } = await leased();
    for (const [until, underLease] of [
      [0, false],
      [Infinity, true],
    ] as const) {
      host.allowUntil('Device', Infinity, underLease);
      await scheduler.advance(0);
      const slow = await begin('slow');
      host.allowUntil('Device', until, underLease);
      await scheduler.advance(10);
      await finish(7);
      expect(slow).toEqual({ value: 7 });
    }
  });

  it('of a worker without a lease is given also after its end', async () => {
    for (const reason of ['conflict', 'no-quorum', 'moved'] as const) {
      const { begin, finish, host } = await leased();
      host.allowUntil('Device', Infinity, false);
      const slow = await begin('slow');
      host.end('lamp', reason);
      await finish(7);
      expect(slow).toEqual({ value: 7 });
    }
  });
});

describe('who watches messages', () => {
  it('is told of each before it begins, with the time that was compared, and of none that does not', async () => {
    const story: unknown[] = [];
    let spent = 0;
    const { host, start, send, scheduler, runtime } = hostOf(
      {},
      { note: (_, payload) => (story.push(payload), (spent += 5), undefined) },
      {
        observer: {
          attached: (node) => void story.push(node),
          dispatching: (...told) => void story.push(told),
        },
      },
    );
    const now = runtime.now.bind(runtime);
    // Time passes with each look at it: whoever looks twice sees two times.
    runtime.now = () => now() + spent++;
    await start('lamp', undefined, { fence: 7 });
    spent = 0;
    send('note', { body: { value: 'first' } });
    send('what');
    send('note', { kind: 'cast', body: { value: 'late' }, deadline: 5 });
    await scheduler.advance(0);
    host.resume('lamp', 8);
    host.allowUntil('Device', 14, true);
    spent = 14;
    send('note', { body: { value: 'second' } });
    await scheduler.advance(0);
    spent = 20;
    send('note', { body: { value: 'no lease' } });
    await scheduler.advance(0);
    expect(story).toEqual([
      'here@h:1',
      ['lamp', 'Device', 7, 0],
      'first',
      ['lamp', 'Device', 8, 14],
      'second',
    ]);
  });
});
