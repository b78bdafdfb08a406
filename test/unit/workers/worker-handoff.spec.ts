import { describe, expect, it } from 'vitest';
import { ignore, restart, resume } from '../../../lib/workers/handoff-decision.js';
import { NoTurnError } from '../../../lib/workers/no-turn.error.js';
import type { WorkerDefinition } from '../../../lib/workers/worker-definition.interface.js';
import type { HandoffAnswer } from '../../../lib/workers/worker-host.interface.js';
import { type Gate, gate, hostOf, never } from './support/host.js';

/** A worker whose handlers note what they handle; those of the pattern `slow` end when the test says so. */
async function busy(more: Partial<WorkerDefinition> = {}) {
  const handled: unknown[] = [];
  const slow: Gate[] = [];
  const host = hostOf(
    { start: undefined as never, ...more },
    {
      quick: (_, payload) => void handled.push(payload),
      slow(_, payload) {
        handled.push(payload);
        const running = gate();
        slow.push(running);
        return running.wait;
      },
    },
  );
  await host.start();
  const push = (pattern: string, value: unknown) => host.send(pattern, { body: { value } });
  /** Lets the oldest slow handler end, and what follows from that happen. */
  const finish = async (): Promise<void> => {
    slow.shift()?.open();
    await host.scheduler.advance(0);
  };
  return { ...host, handled, push, finish, running: slow };
}

describe('a pause', () => {
  it('begins nothing more, and goes on in the order of arrival', async () => {
    const { host, push, finish, handled, scheduler, stateOf } = await busy();
    push('slow', 1);
    push('quick', 2);
    await scheduler.advance(0);
    const paused = host.pause('lamp', 1_000);
    expect(await stateOf(paused)).toBe('pending');
    push('quick', 3);
    await finish();
    expect(await stateOf(paused)).toBe(true);
    const late = push('quick', 4);
    await scheduler.advance(1_000);
    expect([handled, host.inspect().waiting, late]).toEqual([[1], 3, {}]);
    host.resume('lamp');
    expect(handled).toEqual([1]);
    await scheduler.advance(0);
    expect(handled).toEqual([1, 2, 3, 4]);
  });

  it('is there at once when no handler runs, also for what was sent a moment ago', async () => {
    const { host, push, handled, stateOf } = await busy();
    push('quick', 1);
    expect(await stateOf(host.pause('lamp', 1_000))).toBe(true);
    expect(handled).toEqual([]);
  });

  it('is there at once after a method of the class that gave what cannot be looked at', async () => {
    const throws = (): never => {
      throw new Error('nobody may look');
    };
    const hostile = new Proxy({}, { get: throws });
    const { host } = await busy({ begin: () => hostile as never });
    const begun = async (): Promise<unknown> => host.begin('lamp', 1_000);
    await expect(begun()).rejects.toThrow('nobody may look');
    expect(host.pause('lamp', 1_000)).toBe(true);
  });

  it('waits for every handler where several run', async () => {
    const { host, push, finish, scheduler, stateOf } = await busy({ concurrency: 2 });
    push('slow', 1);
    push('slow', 2);
    await scheduler.advance(0);
    const paused = host.pause('lamp', 1_000);
    await finish();
    expect(await stateOf(paused)).toBe('pending');
    await finish();
    expect(await stateOf(paused)).toBe(true);
  });

  it('is false when a handler runs too long, and stays', async () => {
    const { host, push, finish, handled, scheduler, stateOf } = await busy();
    push('slow', 1);
    await scheduler.advance(0);
    const paused = host.pause('lamp', 1_000);
    await scheduler.advance(999);
    expect(await stateOf(paused)).toBe('pending');
    await scheduler.advance(1);
    expect(await stateOf(paused)).toBe(false);
    push('quick', 2);
    await finish();
    expect(handled).toEqual([1]);
    expect(await stateOf(host.pause('lamp', 1_000))).toBe(true);
    host.resume('lamp');
    await scheduler.advance(0);
    expect(handled).toEqual([1, 2]);
  });

  it('is over for all who asked for it when it is resumed once', async () => {
    const { host, push, finish, handled, scheduler, stateOf } = await busy();
    push('slow', 1);
    push('quick', 2);
    await scheduler.advance(0);
    const pauses = [host.pause('lamp', 1_000), host.pause('lamp', 1_000)];
    host.resume('lamp');
    expect(await Promise.all(pauses.map(stateOf))).toEqual([false, false]);
    await finish();
    expect(handled).toEqual([1, 2]);
  });

  it('still takes no more messages than the mailbox has room for', async () => {
    const { host, push } = await busy();
    await host.pause('lamp', 1_000);
    const outcomes = [1, 2, 3, 4].map((value) => push('quick', value));
    expect(outcomes).toEqual([{}, {}, {}, { error: 'ERR_SWARM_MAILBOX_FULL' }]);
  });

  it('gives back what waits, in order, when the worker ends meanwhile', async () => {
    const { host, push, finish, handled, scheduler, stateOf } = await busy();
    push('slow', 0);
    await scheduler.advance(0);
    const paused = host.pause('lamp', 1_000);
    const outcomes = [1, 2, 3].map((value) => push('quick', value));
    const { waiting, ended } = host.end('lamp', 'moved');
    expect(waiting.map(({ body }) => body)).toEqual([{ value: 1 }, { value: 2 }, { value: 3 }]);
    expect(await stateOf(paused)).toBe(false);
    expect(await stateOf(ended)).toBe('pending');
    await finish();
    expect(await stateOf(ended)).toBe('ok');
    host.resume('lamp');
    await scheduler.advance(0);
    expect([handled, outcomes]).toEqual([[0], [{}, {}, {}]]);
    expect(await stateOf(host.pause('lamp', 1_000))).toBe(false);
  });

  it('may come before the start has ended', async () => {
    const waking = gate();
    const { host, start, send, stateOf } = hostOf(
      { start: () => waking.wait },
      { add: (_, payload) => payload },
    );
    const started = start();
    expect(await stateOf(host.pause('lamp', 1_000))).toBe(true);
    const early = send('add', { body: { value: 7 } });
    waking.open();
    expect([await stateOf(started), early]).toEqual(['ok', {}]);
    host.resume('lamp');
    await stateOf(started);
    expect(early).toEqual({ value: 7 });
  });

  it('may be asked for by the handler that runs', async () => {
    const { host, push, handled, scheduler, stateOf } = await busy({
      handler: () => ({
        accepts: 'message',
        invoke(_, payload) {
          handled.push(payload);
          pauses.push(host.pause('lamp', 1_000));
        },
      }),
    });
    const pauses: Array<boolean | Promise<boolean>> = [];
    push('quick', 1);
    push('quick', 2);
    await scheduler.advance(0);
    expect([handled, await stateOf(pauses[0]!)]).toEqual([[1], true]);
  });
});

describe('the fence of a worker', () => {
  it('is that of its row, also for who keeps the context', async () => {
    const fences: number[] = [];
    let fence = (): number => 0;
    const { host, start, send, scheduler } = hostOf(
      { start: (_, context) => void (fence = () => context.fence) },
      { read: (_, __, context) => void fences.push(context.worker.fence) },
    );
    await start('lamp', undefined, { fence: 5 });
    expect(fence()).toBe(5);
    await host.pause('lamp', 1_000);
    host.resume('lamp', 7);
    send('read');
    await scheduler.advance(0);
    expect([fence(), fences]).toEqual([7, [7]]);
    host.resume('lamp');
    expect(fence()).toBe(7);
  });
});

describe('the question what is to become of a worker that is to move', () => {
  const asking = async (begin: WorkerDefinition['begin'], more: Partial<WorkerDefinition> = {}) => {
    const parts = hostOf({ ...(begin && { begin }), ...more });
    await parts.start();
    await parts.host.pause('lamp', 1_000);
    return { ...parts, ask: (): Promise<HandoffAnswer> => Promise.resolve(parts.host.begin('lamp', 1_000)) };
  };

  it('is answered by the decision of its class, with a state that has been encoded', async () => {
    const total = new Map([['a', 1n]]);
    const { ask, codec } = await asking(async () => resume(total));
    const answer = await ask();
    total.clear();
    expect(answer.kind === 'resume' && codec.decode(answer.state)).toEqual(new Map([['a', 1n]]));
    expect(await (await asking(() => restart())).ask()).toEqual({ kind: 'restart' });
    expect(await (await asking(() => ignore())).ask()).toEqual({ kind: 'ignore' });
    expect(await (await asking(() => resume(undefined))).ask()).toMatchObject({ kind: 'resume' });
  });

  it('is answered by `restart` where the class says nothing', async () => {
    expect(await (await asking(undefined)).ask()).toEqual({ kind: 'restart' });
  });

  it('is never put to an object of the user, which stays', async () => {
    const { host } = hostOf();
    const definition: WorkerDefinition = {
      type: 'Pinned',
      concurrency: 1,
      mailboxLimit: undefined,
      create: () => expect.fail('a pinned worker was created'),
      begin: () => expect.fail('a pinned worker was asked'),
      conflict: () => expect.fail('a pinned worker was given a state'),
      handler: () => undefined,
    };
    await host.start({
      name: 'pin',
      type: 'Pinned',
      args: null,
      fence: 1,
      pinned: { definition, instance: {} },
    });
    expect(await host.begin('pin', 1_000)).toEqual({ kind: 'ignore' });
    await host.merge('pin', new Uint8Array(0), 1_000);
  });

  it('fails as the class does, who then goes on', async () => {
    for (const throws of [true, false]) {
      const error = new Error('not now');
      const { ask, host, send, scheduler } = await asking(
        (): Promise<never> => {
          if (throws) throw error;
          return Promise.reject(error);
        },
        { handler: () => ({ accepts: 'message', invoke: () => 'still here' }) },
      );
      await expect(ask()).rejects.toBe(error);
      host.resume('lamp');
      const answer = send('any');
      await scheduler.advance(0);
      expect(answer).toEqual({ value: 'still here' });
    }
  });

  it.each([
    [undefined, 'nothing'],
    [{ state: 1 }, '"{"state":1}"'],
    [null, '"null"'],
  ])('fails when %j is returned, and says what to return', async (given, shown) => {
    const { ask } = await asking((() => given) as never);
    await expect(ask()).rejects.toThrow(
      new TypeError(
        `Device: its @OnHandoff('begin') returned ${shown}; return resume(state), restart() or ignore()`,
      ),
    );
  });

  it('fails for a state that would not arrive as it is, with the path to what is wrong', async () => {
    class Money {
      constructor(readonly cents: number) {}
    }
    const { ask } = await asking(() => resume({ items: [{ price: new Money(5) }] }));
    await expect(ask()).rejects.toMatchObject({
      code: 'ERR_SWARM_UNSERIALIZABLE',
      path: 'state.items[0].price',
    });
    const large = await asking(() => resume('x'.repeat(2 << 20)));
    await expect(large.ask()).rejects.toMatchObject({ code: 'ERR_SWARM_PAYLOAD_TOO_LARGE' });
  });

  it('is not waited for longer than it may take; what comes of it then is not lost', async () => {
    const packing = gate();
    const { ask, host, scheduler, stateOf, logger } = await asking(async () => {
      await packing.wait;
      throw new Error('at last');
    });
    const asked = ask();
    await scheduler.advance(999);
    expect(await stateOf(asked)).toBe('pending');
    await scheduler.advance(1);
    await expect(asked).rejects.toMatchObject({
      code: 'ERR_SWARM_OPERATION_TIMEOUT',
      operation: `@OnHandoff('begin') of "lamp"`,
      timeoutMs: 1_000,
    });
    // It counts for nothing any more: the worker can be moved again.
    expect(await stateOf(host.pause('lamp', 1_000))).toBe(true);
    packing.open();
    await scheduler.advance(0);
    expect(logger.lines.join('\n')).toMatch(/Device "lamp" threw in "@OnHandoff\('begin'\)": Error: at last/);
  });

  it('is over when the worker ends, which dies after it', async () => {
    const packing = gate();
    const { ask, host, stateOf, story } = await asking(async () => {
      await packing.wait;
      return restart();
    });
    const asked = ask();
    const { ended } = host.end('lamp', 'no-quorum');
    expect(await stateOf(asked)).toBe('ERR_SWARM_NODE_UNAVAILABLE');
    expect(story.at(-1)).not.toBe('die no-quorum');
    packing.open();
    expect(await stateOf(ended)).toBe('ok');
    expect(story.at(-1)).toBe('die no-quorum');
    await expect(ask()).rejects.toMatchObject({ code: 'ERR_SWARM_WORKER_NOT_FOUND' });
  });

  it('cannot be put to a worker that has not started, or is ending', async () => {
    const asked: unknown[] = [];
    const begin = (): HandoffAnswer => asked.push('begin') as never;
    const waking = hostOf({ start: never, begin: begin as never });
    void waking.start();
    expect(await waking.stateOf(waking.host.begin('lamp', 1_000))).toBe('ERR_SWARM_WORKER_NOT_FOUND');
    const unpacking = hostOf({ end: never, begin: begin as never });
    void unpacking.start('lamp', undefined, { state: unpacking.encode(1) });
    expect(await unpacking.stateOf(unpacking.host.begin('lamp', 1_000))).toBe('ERR_SWARM_WORKER_NOT_FOUND');
    const dying = await asking(begin as never, { die: never });
    dying.host.end('lamp', 'moved');
    expect(await dying.stateOf(dying.ask())).toBe('ERR_SWARM_NODE_UNAVAILABLE');
    expect(await dying.stateOf(dying.host.pause('lamp', 1_000))).toBe(false);
    expect(asked).toEqual([]);
  });

  it('leaves no timer behind when it is answered', async () => {
    const { runtime, host, start, encode } = hostOf({ begin: () => restart(), conflict: () => undefined });
    const timers = new Set<object>();
    const after = runtime.after.bind(runtime);
    runtime.after = (ms, task) => {
      const timer = after(ms, task);
      timers.add(timer);
      return {
        cancel() {
          timers.delete(timer);
          timer.cancel();
        },
      };
    };
    await start();
    await host.pause('lamp', 1_000);
    await host.begin('lamp', 1_000);
    host.resume('lamp');
    await host.merge('lamp', encode(1), 1_000);
    await host.end('lamp', 'stopped').ended;
    expect(timers.size).toBe(0);
  });

  it('keeps a pause from being one while it is being answered', async () => {
    const packing = gate();
    const { ask, host, stateOf } = await asking(async () => {
      await packing.wait;
      return ignore();
    });
    const asked = ask();
    const paused = host.pause('lamp', 1_000);
    expect(await stateOf(paused)).toBe('pending');
    packing.open();
    expect([await stateOf(asked), await stateOf(paused)]).toEqual([{ kind: 'ignore' }, true]);
  });
});

describe('a worker that brings its state along', () => {
  it('gets it after its start and before any message', async () => {
    const story: unknown[] = [];
    const unpacking = gate();
    const { start, send, encode, stateOf } = hostOf(
      {
        start: (_, __, args) => void story.push(['start', args]),
        async end(_, state) {
          await unpacking.wait;
          story.push(['end', state]);
        },
      },
      { add: () => void story.push('message') },
    );
    const started = start('lamp', 'args', { state: encode({ total: new Set([1]) }) });
    send('add');
    expect(await stateOf(started)).toBe('pending');
    unpacking.open();
    expect(await stateOf(started)).toBe('ok');
    expect(story).toEqual([['start', 'args'], ['end', { total: new Set([1]) }], 'message']);
  });

  it('gets also a state of undefined, and without state nothing', async () => {
    const states: unknown[] = [];
    const { host, start, encode } = hostOf({ end: (_, state) => void states.push(state) });
    await start('lamp', undefined, { state: encode(undefined) });
    await host.end('lamp', 'moved').ended;
    await start();
    expect(states).toEqual([undefined]);
  });

  it('does not start when it cannot take it, and what its start has opened is closed', async () => {
    const error = new Error('no room');
    const { start, encode, story, host, stateOf } = hostOf({
      end: () => {
        throw error;
      },
    });
    await expect(start('lamp', undefined, { state: encode(1) })).rejects.toBe(error);
    expect(story).toEqual(['start lamp undefined', 'die moved']);
    expect(host.inspect().workers).toBe(0);
    const mute = hostOf();
    expect(await stateOf(mute.start('lamp', undefined, { state: encode(1) }))).toBe('ERR_SWARM_WORKER_START');
    expect(mute.story).toEqual(['start lamp undefined', 'die moved']);
    const torn = hostOf({ end: () => expect.fail('it was given what is no state') });
    const started = torn.start('lamp', undefined, { state: Uint8Array.of(255, 255) });
    expect(await stateOf(started)).toBe('ERR_SWARM_UNSERIALIZABLE');
  });

  it('waits for the end of one that failed so', async () => {
    const dying = gate();
    const { start, encode, stateOf } = hostOf({
      end: () => Promise.reject(new Error('no')),
      die: () => dying.wait,
    });
    expect(await stateOf(start('lamp', undefined, { state: encode(1) }))).toBe('no');
    const again = start();
    expect(await stateOf(again)).toBe('pending');
    dying.open();
    expect(await stateOf(again)).toBe('ok');
  });

  it('is not given it when it was given up meanwhile', async () => {
    const waking = gate();
    const { host, start, encode, stateOf, story } = hostOf({
      start: () => waking.wait,
      end: () => expect.fail('it was given the state'),
    });
    const started = start('lamp', undefined, { state: encode(1) });
    expect(await stateOf(started)).toBe('pending');
    host.end('lamp', 'moved');
    waking.open();
    expect(await stateOf(started)).toBe('ERR_SWARM_WORKER_START');
    expect(story).toEqual(['die moved']);
  });
});

describe('the state of an activation that gave way', () => {
  /** Workers whose `conflict` notes the state among the messages. */
  const winner = async (conflict?: (state: unknown) => unknown, concurrency = 1) => {
    const states: unknown[] = [];
    const parts = await busy({
      concurrency,
      conflict(_, state) {
        states.push(state);
        parts.handled.push(`merge ${String(state)}`);
        return conflict?.(state);
      },
    });
    const merge = (state: unknown, timeoutMs = 1_000): Promise<void> =>
      parts.host.merge('lamp', parts.encode(state), timeoutMs);
    return { ...parts, merge, states };
  };

  it('is given to it between two messages', async () => {
    const merging = gate();
    const { push, merge, finish, handled, scheduler, stateOf } = await winner(() => merging.wait);
    push('slow', 1);
    push('quick', 2);
    await scheduler.advance(0);
    const merged = merge('x');
    await scheduler.advance(0);
    expect(handled).toEqual([1]);
    await finish();
    expect(handled).toEqual([1, 'merge x']);
    push('quick', 3);
    expect(await stateOf(merged)).toBe('pending');
    merging.open();
    expect(await stateOf(merged)).toBe('ok');
    expect(handled).toEqual([1, 'merge x', 2, 3]);
  });

  it('has its turn before messages that came earlier, where several are handled at a time', async () => {
    const { push, merge, finish, handled, scheduler, stateOf } = await winner(undefined, 2);
    push('slow', 1);
    push('slow', 2);
    await scheduler.advance(0);
    push('quick', 3);
    const merged = merge('x');
    await finish();
    expect(handled).toEqual([1, 2]);
    await finish();
    expect(await stateOf(merged)).toBe('ok');
    expect(handled).toEqual([1, 2, 'merge x', 3]);
  });

  it('is given to it one after the other', async () => {
    const turns = [gate(), gate()];
    let turn = 0;
    const { merge, handled, push, scheduler, stateOf } = await winner(() => turns[turn++]!.wait, 2);
    const merges = [merge('x'), merge('y')];
    push('quick', 1);
    await scheduler.advance(0);
    expect(handled).toEqual(['merge x']);
    turns[0]!.open();
    await scheduler.advance(0);
    expect(handled).toEqual(['merge x', 'merge y']);
    turns[1]!.open();
    expect(await Promise.all(merges.map(stateOf))).toEqual(['ok', 'ok']);
    expect(handled).toEqual(['merge x', 'merge y', 1]);
  });

  it('is not given to it while it is paused: its own state may be on its way already', async () => {
    const { host, merge, handled, push, scheduler, stateOf } = await winner();
    await host.pause('lamp', 1_000);
    push('quick', 1);
    await expect(merge('x')).rejects.toThrow(NoTurnError);
    expect(handled).toEqual([]);
    host.resume('lamp');
    expect(await stateOf(merge('x'))).toBe('ok');
    await scheduler.advance(0);
    expect(handled).toEqual(['merge x', 1]);
  });

  it('is refused at once when it is paused before its turn has come: who pauses may wait for who offers', async () => {
    const { host, merge, handled, push, finish, scheduler, stateOf } = await winner();
    push('slow', 1);
    await scheduler.advance(0);
    const merged = merge('x');
    expect(await stateOf(merged)).toBe('pending');
    const paused = host.pause('lamp', 1_000);
    await expect(merged).rejects.toThrow(NoTurnError);
    await finish();
    expect([await stateOf(paused), handled]).toEqual([true, [1]]);
  });

  it('keeps a pause from being one while it is being given, and does not end that', async () => {
    const merging = gate();
    const { host, merge, handled, push, scheduler, stateOf } = await winner(() => merging.wait);
    const merged = merge('x');
    const paused = host.pause('lamp', 1_000);
    expect(await stateOf(paused)).toBe('pending');
    push('quick', 1);
    merging.open();
    expect([await stateOf(merged), await stateOf(paused)]).toEqual(['ok', true]);
    expect(handled).toEqual(['merge x']);
    host.resume('lamp');
    await scheduler.advance(0);
    expect(handled).toEqual(['merge x', 1]);
  });

  it('is not given when it had no turn in time; messages go on at once', async () => {
    const { merge, handled, push, finish, scheduler } = await winner(undefined, 2);
    push('slow', 1);
    await scheduler.advance(0);
    const merged = merge('x');
    push('quick', 2);
    const refused = expect(merged).rejects.toThrow(NoTurnError);
    await scheduler.advance(999);
    expect(handled).toEqual([1]);
    await scheduler.advance(1);
    await refused;
    expect(handled).toEqual([1, 2]);
    await finish();
    expect(handled).toEqual([1, 2]);
  });

  it('was given when its class takes too long; messages go on', async () => {
    const merging = gate();
    const { merge, handled, push, scheduler, stateOf, logger } = await winner(async () => {
      await merging.wait;
      throw new Error('at last');
    });
    const merged = merge('x');
    const late = expect(merged).rejects.toMatchObject({
      name: 'OperationTimeoutError',
      operation: `@OnHandoff('conflict') of "lamp"`,
    });
    push('quick', 1);
    await scheduler.advance(999);
    expect(handled).toEqual(['merge x']);
    await scheduler.advance(1);
    await late;
    expect(handled).toEqual(['merge x', 1]);
    merging.open();
    expect(await stateOf(merged)).toBe('ERR_SWARM_OPERATION_TIMEOUT');
    expect(logger.lines.join('\n')).toContain('at last');
  });

  it('is lost on a class that throws; messages go on', async () => {
    const error = new Error('no');
    const { merge, handled, push, scheduler } = await winner(() => {
      throw error;
    });
    const merged = expect(merge('x')).rejects.toBe(error);
    push('quick', 1);
    await scheduler.advance(0);
    await merged;
    expect(handled).toEqual(['merge x', 1]);
  });

  it('is refused before anything is paused when it is none', async () => {
    const { host, states, push, handled, scheduler, stateOf } = await winner();
    expect(await stateOf(host.merge('lamp', Uint8Array.of(255, 255), 1_000))).toBe(
      'ERR_SWARM_UNSERIALIZABLE',
    );
    push('quick', 1);
    await scheduler.advance(0);
    expect([states, handled]).toEqual([[], [1]]);
  });

  it('is not given when the worker ends first, and nobody waits for that', async () => {
    const { host, merge, push, finish, states, scheduler, stateOf } = await winner();
    push('slow', 1);
    await scheduler.advance(0);
    const merged = merge('x');
    host.end('lamp', 'moved');
    expect(await stateOf(merged)).toBe('ERR_SWARM_NODE_UNAVAILABLE');
    await finish();
    expect(states).toEqual([]);
    expect(await stateOf(merge('y'))).toBe('ERR_SWARM_WORKER_NOT_FOUND');
  });

  it('is waited for by the end of the worker, not by who gave it', async () => {
    const merging = gate();
    const { host, merge, stateOf, story } = await winner(() => merging.wait);
    const merged = merge('x');
    const { ended } = host.end('lamp', 'unregistered');
    expect(await stateOf(merged)).toBe('ERR_SWARM_WORKER_NOT_FOUND');
    expect([await stateOf(ended), story]).toEqual(['pending', []]);
    merging.open();
    expect([await stateOf(ended), story]).toEqual(['ok', ['die unregistered']]);
  });

  it('is nothing to a class that has no method for it', async () => {
    const { host, encode, stateOf } = await busy();
    await host.pause('lamp', 1_000);
    expect(await stateOf(host.merge('lamp', encode(1), 1_000))).toBe('ok');
  });
});
