import { describe, expect, it } from 'vitest';
import { assertMayAct, callChain } from '../../../lib/workers/call-chain.js';
import type { Act } from '../../../lib/workers/standing.js';
import { DieReason, type WorkerDefinition } from '../../../lib/workers/worker-definition.interface.js';
import type { WorkerContext } from '../../../lib/workers/worker-context.js';
import { gate, type Gate, hostOf } from './support/host.js';

const LEASE_MS = 3_000;
const ACTS: readonly Act[] = ['message', 'change'];
const BOTH = 'message change';
const NO_LEASE = 'has no lease there now';
const REASONS = Object.values(DieReason);

/** What the code that runs now may do in the swarm, or why nothing. */
function allowed(): string {
  const faults = new Set<string>();
  const acts = ACTS.filter((act) => {
    try {
      assertMayAct(act);
      return true;
    } catch (error) {
      faults.add((error as Error).message);
      return false;
    }
  });
  return acts.join(' ') || [...faults].join(' ');
}

function refused(why: string): string {
  return `here@h:1: "lamp" ${why}: another activation may be at work, so what this one does is refused`;
}

/** A worker that notes what it may do: in each of its methods, and in a handler when the test says so. */
async function worker(underLease: boolean, more: Partial<WorkerDefinition> = {}) {
  const said: string[] = [];
  const running: Gate[] = [];
  const note = (where: string) => (): void => {
    said.push(`${where}: ${callChain.getStore() ? allowed() : 'outside'}`);
  };
  let context: WorkerContext | undefined;
  const parts = hostOf(
    {
      create: () => (note('create')(), {}),
      start: (_, own) => ((context = own), note('start')()),
      begin: () => (note('begin')(), undefined as never),
      end: note('end'),
      conflict: note('conflict'),
      die: note('die'),
      ...more,
    },
    {
      async slow() {
        const work = gate();
        running.push(work);
        await work.wait;
        note('slow')();
      },
      async leave() {
        const work = gate();
        running.push(work);
        // Nobody waits for it, as for a timer.
        void work.wait.then(note('left behind'));
      },
    },
  );
  const { host, runtime, scheduler, send, encode, start } = parts;
  host.allowUntil('Device', LEASE_MS, underLease);
  await start('lamp', undefined, { state: encode(1) });
  said.length = 0;
  return {
    ...parts,
    context: context!,
    said,
    async begin(pattern = 'slow'): Promise<void> {
      send(pattern, { kind: 'cast' });
      await scheduler.advance(0);
    },
    async finish(): Promise<void> {
      running.shift()!.open();
      await scheduler.advance(0);
    },
    extend: (ms = LEASE_MS) => host.allowUntil('Device', runtime.now() + ms, underLease),
  };
}

describe('what a worker does', () => {
  it('counts while it has a lease, in all of its methods', async () => {
    const { host, start, said, encode, scheduler, begin, finish } = await worker(true);
    await begin();
    await finish();
    await host.merge('lamp', encode(1), 1_000);
    await host.pause('lamp', 1_000);
    await expect(host.begin('lamp', 1_000)).rejects.toThrow('resume(state)');
    const ended = host.end('lamp', 'stopped');
    await ended.ended;
    await start('lamp', undefined, { state: encode(1) });
    await scheduler.advance(0);
    const methods = ['slow', 'conflict', 'begin', 'die', 'create', 'start', 'end'];
    expect(said).toEqual(methods.map((method) => `${method}: ${BOTH}`));
  });

  it('does not without, in none of its methods, and does again when there is one', async () => {
    const { host, said, begin, finish, extend, scheduler } = await worker(true);
    await begin();
    await begin();
    await scheduler.advance(LEASE_MS + 0.001);
    await finish();
    await host.pause('lamp', 1_000);
    await expect(host.begin('lamp', 1_000)).rejects.toThrow('resume(state)');
    extend();
    host.resume('lamp');
    await scheduler.advance(0);
    await finish();
    extend(-1);
    await host.end('lamp', 'stopped').ended;
    expect(said).toEqual([
      `slow: ${refused(NO_LEASE)}`,
      `begin: ${refused(NO_LEASE)}`,
      `slow: ${BOTH}`,
      `die: ${refused(NO_LEASE)}`,
    ]);
  });

  it('counts whatever the time without a lease', async () => {
    const { said, begin, finish, extend, scheduler } = await worker(false);
    await begin();
    await scheduler.advance(LEASE_MS + 1);
    extend(-Infinity);
    await finish();
    expect(said).toEqual([`slow: ${BOTH}`]);
  });

  it.each(REASONS)(
    'counts under a lease after its end (%s) while no other may be at work',
    async (reason) => {
      const { host, said, begin, finish, extend } = await worker(true);
      await begin();
      const { ended } = host.end('lamp', reason);
      extend();
      await finish();
      await ended;
      const gone = refused(`has ended there (${reason})`);
      const [handler, die] = {
        'no-quorum': [gone, gone],
        conflict: [gone, gone],
        moved: [gone, 'message'],
        drained: [gone, 'message'],
        stopped: [BOTH, BOTH],
        unregistered: [BOTH, BOTH],
        failed: [BOTH, BOTH],
      }[reason];
      expect(said).toEqual([`slow: ${handler}`, `die: ${die}`]);
    },
  );

  it.each(REASONS)('counts without a lease after its end (%s), unless the name was lost', async (reason) => {
    const { host, said, begin, finish } = await worker(false);
    await begin();
    const { ended } = host.end('lamp', reason);
    await finish();
    await ended;
    const isLost = reason === 'no-quorum' || reason === 'conflict';
    const may = isLost ? refused(`has ended there (${reason})`) : BOTH;
    expect(said).toEqual([`slow: ${may}`, `die: ${may}`]);
  });

  it.each([
    ['stopped', 'conflict', refused('has ended there (conflict)')],
    ['unregistered', 'no-quorum', refused('has ended there (no-quorum)')],
    ['stopped', 'unregistered', BOTH],
  ] as const)(
    'counts after its end (%s) under no later lease of its node once its name or its lease was lost (%s)',
    async (reason, later, may) => {
      const reasons: DieReason[] = [];
      const { host, said, begin, finish, extend } = await worker(true, {
        die: (_, why) => void reasons.push(why),
      });
      await begin();
      const { ended } = host.end('lamp', reason);
      host.end('lamp', later);
      extend();
      await finish();
      await ended;
      expect(said).toEqual([`slow: ${may}`]);
      expect(reasons).toEqual([reason]);
    },
  );

  it('may still send to tidy up after a move, whatever becomes of its name then', async () => {
    const { host, said, begin, finish, extend } = await worker(true);
    await begin();
    const { ended } = host.end('lamp', 'moved');
    host.end('lamp', 'conflict');
    extend();
    await finish();
    await ended;
    expect(said).toEqual([`slow: ${refused('has ended there (moved)')}`, 'die: message']);
  });

  it("is the worker's also when that does it which it has left behind", async () => {
    for (const [underLease, reason, may] of [
      [true, 'unregistered', refused('has ended there (unregistered)')],
      [true, 'no-quorum', refused('has ended there (no-quorum)')],
      [false, 'conflict', refused('has ended there (conflict)')],
      [false, 'unregistered', BOTH],
    ] as const) {
      const { host, said, begin, extend, finish } = await worker(underLease);
      await begin('leave');
      await host.end('lamp', reason).ended;
      said.length = 0;
      extend();
      await finish();
      expect(said).toEqual([`left behind: ${may}`]);
    }
  });

  it('does not count under a lease when its end was given up, because the name may be taken anew', async () => {
    const { host, said, begin, finish, extend, scheduler } = await worker(true);
    await begin();
    const { ended } = host.end('lamp', 'stopped');
    extend(20_000);
    await scheduler.advance(10_000);
    await ended;
    await finish();
    expect(said).toEqual([`die: ${BOTH}`, `slow: ${refused('has ended there (stopped)')}`]);
  });

  it('does not count under a lease when it was ended while it started, and nobody waited', async () => {
    const waking = gate();
    const started: string[] = [];
    const { host, start, extend, stateOf } = await worker(true, {
      async start(_, { name }) {
        if (name === 'lamp') return;
        await waking.wait;
        started.push(allowed());
      },
    });
    extend();
    const late = start('late');
    await stateOf(late);
    host.end('late', 'stopped');
    waking.open();
    expect(await stateOf(late)).toBe('ERR_SWARM_WORKER_START');
    expect(started).toEqual([refused('has ended there (stopped)').replace('lamp', 'late')]);
  });

  it('is asked of the innermost worker, and of nobody outside of workers', async () => {
    const inner: string[] = [];
    const { host, start, scheduler, send } = hostOf(
      {},
      {
        outer: () => {
          host.allowUntil('Device', -Infinity, true);
          host.deliver('pin', {
            ...{ kind: 'cast', pattern: 'any', body: { value: 0 }, from: 'a', chain: ['lamp'] },
            ...{ deadline: Infinity, reply: () => undefined },
          });
        },
      },
    );
    const definition: WorkerDefinition = {
      type: 'Pinned',
      concurrency: 1,
      mailboxLimit: 1,
      create: () => ({}),
      handler: () => ({
        accepts: 'event',
        invoke: () => inner.push(allowed(), ...(callChain.getStore()?.names ?? [])),
      }),
    };
    const pinned = { definition, instance: {} };
    await host.start({ name: 'pin', type: 'Pinned', args: null, fence: 1, pinned });
    await start();
    send('outer', { kind: 'cast' });
    await scheduler.advance(0);
    expect([inner, allowed()]).toEqual([[BOTH, 'lamp', 'pin'], BOTH]);
  });

  it('counts of an object of the user that has lost its name: it is there all the same', async () => {
    const said: string[] = [];
    const work = gate();
    const { host, scheduler } = hostOf();
    const definition: WorkerDefinition = {
      type: 'Pinned',
      concurrency: 1,
      mailboxLimit: 1,
      create: () => ({}),
      handler: () => ({ accepts: 'event', invoke: () => work.wait.then(() => said.push(allowed())) }),
    };
    const pinned = { definition, instance: {} };
    await host.start({ name: 'pin', type: 'Pinned', args: null, fence: 1, pinned });
    const message = { pattern: 'any', body: { value: 0 }, from: 'a', chain: [], deadline: Infinity };
    host.deliver('pin', { kind: 'cast', ...message, reply: () => undefined });
    await scheduler.advance(0);
    host.end('pin', 'conflict');
    work.open();
    await scheduler.advance(0);
    expect(said).toEqual([BOTH]);
  });
});

describe('the context of a worker that may not act', () => {
  it('joins and leaves no group', async () => {
    const { context, scheduler, extend } = await worker(true);
    await context.join('lights');
    await scheduler.advance(LEASE_MS + 1);
    await expect(context.join('lights')).rejects.toThrow(refused(NO_LEASE));
    await expect(context.leave('lights')).rejects.toThrow(refused(NO_LEASE));
    extend();
    await context.leave('lights');
  });

  it('keeps the first of its wishes until there is a lease, and it comes before any message', async () => {
    const { context, scheduler, extend, wishes, said, begin, host } = await worker(true, {
      handler: () => ({ accepts: 'event', invoke: () => said.push(`handled after ${wishes.length}`) }),
    });
    await scheduler.advance(LEASE_MS + 1);
    context.stop();
    context.fail(new Error('too late'));
    await begin();
    host.resume('lamp', 9);
    await scheduler.advance(0);
    expect([wishes, said]).toEqual([[], []]);
    extend();
    await scheduler.advance(0);
    extend();
    await scheduler.advance(0);
    expect([wishes, said]).toEqual([[['stop', 'lamp', 9]], ['handled after 1']]);
  });

  it('has no wish any more when it was ended for want of a lease', async () => {
    const { context, scheduler, extend, wishes, host } = await worker(true);
    await scheduler.advance(LEASE_MS + 1);
    context.stop();
    await host.end('lamp', 'no-quorum').ended;
    extend();
    await scheduler.advance(0);
    context.stop();
    expect(wishes).toEqual([]);
  });

  it('wishes at once where no lease is asked for, whatever the time', async () => {
    const { context, scheduler, wishes } = await worker(false);
    await scheduler.advance(LEASE_MS + 1);
    context.fail(new Error('no'));
    expect(wishes).toHaveLength(1);
  });
});
