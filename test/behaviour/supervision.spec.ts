// What becomes of workers that fail: users of the original asked for it from the first day, and had to build it.
import { describe, expect, it } from 'vitest';
import { type Supervision } from '../../lib/workers/worker-definition.interface.js';
import { type SimulatedNode, SimulatedSwarm } from '../simulation/simulated-swarm.js';
import { Recorder } from './support/recorded-workers.js';
import { seeds } from '../support/seeds.js';
import {
  call,
  eventsOf,
  failureOf,
  membersOf,
  namesOf,
  ofType,
  parkedAt,
  registryOf,
  storyOf,
  until,
  untilAtRest,
} from './support/swarm-view.js';

const MAX_RESTARTS = 4;
const WITHIN_MS = 60_000;
const supervised = (restart: Supervision['restart']): Supervision => {
  return { restart, maxRestarts: MAX_RESTARTS, withinMs: WITHIN_MS };
};
const POLICIES = ['transient', 'permanent', 'temporary'] as const;

interface Scene {
  readonly swarm: SimulatedSwarm;
  readonly recorder: Recorder;
  /** Where "lamp" runs, and another. */
  readonly home: SimulatedNode;
  readonly other: SimulatedNode;
}

/** Three nodes and a worker "lamp" of the type that is called as its policy. */
async function lamp(type: Supervision['restart'], seed: number): Promise<Scene> {
  const recorder = new Recorder();
  const types = POLICIES.map((policy) => ({ type: policy, supervision: supervised(policy) }));
  const swarm = new SimulatedSwarm({ seed, definitions: recorder.definitions(...types) });
  await swarm.form(3);
  const { kernel } = swarm.nodes[0]!;
  const { node } = await swarm.settle(kernel.register('lamp', type, { joins: ['lights'] }, {}));
  await untilAtRest(swarm);
  const home = swarm.nodes.find((one) => one.kernel.self.id === node)!;
  return { swarm, recorder, home, other: swarm.nodes.find((one) => one !== home)! };
}

/** Fails, and is awaited until it runs again. */
async function failAndReturn({ swarm, recorder, other }: Scene): Promise<void> {
  const before = recorder.begun.length;
  await call(swarm, other, 'lamp', 'fail', 'the connection is lost');
  await until(swarm, 'it runs again', () => recorder.begun.length > before, 60_000);
  await untilAtRest(swarm);
}

describe('a worker that fails', () => {
  it('is started anew: same name and groups, no state, a greater fence', async () => {
    for (const seed of seeds(5)) {
      const scene = await lamp('transient', seed);
      const { swarm, recorder, home, other } = scene;
      await swarm.settle(other.kernel.joinGroup('joined later', 'lamp'));
      expect(await call(swarm, other, 'lamp', 'add', 7)).toBe(7);
      const before = home.kernel.lookup('lamp')!;
      await failAndReturn(scene);
      const after = home.kernel.lookup('lamp')!;
      expect(recorder.reasons('lamp')).toEqual(['failed']);
      expect(after.node, `it stays where it is, seed ${seed}`).toBe(before.node);
      expect(after.fence).toBeGreaterThan(before.fence);
      for (const node of swarm.alive) {
        expect(registryOf(node), storyOf(swarm)).toEqual(registryOf(home));
        expect(membersOf(node, 'lights')).toEqual(['lamp']);
        expect(membersOf(node, 'joined later')).toEqual(['lamp']);
      }
      expect(await call(swarm, other, 'lamp', 'total')).toBe(0);
      expect(await call(swarm, other, 'lamp', 'fence'), 'it knows its new fence').toBe(after.fence);
    }
  });

  it('gets the messages that waited for it, those of the pause too, in order', async () => {
    for (const seed of seeds(5)) {
      const scene = await lamp('transient', seed);
      const { swarm, recorder, home, other } = scene;
      const failing = other.kernel.call('lamp', {
        pattern: 'slow',
        data: 200,
        timeoutMs: undefined,
        chain: [],
      });
      const tokens = Array.from({ length: 20 }, (_, index) => `token-${String(index).padStart(2, '0')}`);
      const ask = (token: string): Promise<unknown> =>
        other.kernel.call('lamp', { pattern: 'ask', data: token, timeoutMs: undefined, chain: [] });
      const fails = other.kernel.call('lamp', {
        pattern: 'fail',
        data: 'x',
        timeoutMs: undefined,
        chain: [],
      });
      const waiting = tokens.slice(0, 10).map(ask);
      await swarm.settle(failing);
      await swarm.settle(fails);
      await until(swarm, 'it has failed', () => home.kernel.inspect().pausing === 1);
      const meanwhile = tokens.slice(10).map(ask);
      expect(await swarm.settle(Promise.all([...waiting, ...meanwhile]))).toEqual(tokens.map(() => 'lamp'));
      expect(
        recorder.heard.map(({ token }) => token),
        storyOf(swarm),
      ).toEqual(tokens);
      expect(recorder.begun).toHaveLength(2);
    }
  });

  it('by what a handler throws has not failed: its caller gets the error, and it lives on', async () => {
    const { swarm, recorder, home, other } = await lamp('temporary', 1);
    const { fence } = home.kernel.lookup('lamp')!;
    await call(swarm, other, 'lamp', 'add', 7);
    expect(await failureOf(swarm, call(swarm, other, 'lamp', 'throw', 'no such reading'))).toMatchObject({
      message: 'no such reading',
    });
    await swarm.advance(5_000);
    expect(await call(swarm, other, 'lamp', 'total')).toBe(7);
    expect(home.kernel.lookup('lamp')?.fence).toBe(fence);
    expect(recorder.ended).toEqual([]);
  });

  it('is parked between its failure and its next start: not shown, its name taken, and at rest', async () => {
    const { swarm, recorder, home, other } = await lamp('permanent', 2);
    recorder.broken.add('lamp');
    await call(swarm, other, 'lamp', 'fail', 'x');
    // A pause that is long enough to look at.
    await until(swarm, 'it has failed often', () => home.kernel.explain('lamp').history.length >= 8);
    await until(swarm, 'it pauses', () => home.kernel.inspect().pausing === 1);
    await swarm.advance(500);
    for (const node of swarm.alive) {
      expect([namesOf(node), membersOf(node, 'lights'), parkedAt(node)]).toEqual([[], [], 1]);
      expect(node.kernel.explain('lamp').status).toBe('parked');
      await swarm.settle(node.kernel.settled({}));
    }
    const register = other.kernel.register('lamp', 'transient', undefined, { timeoutMs: 100 });
    expect(await failureOf(swarm, register)).toMatchObject({ code: 'ERR_SWARM_OPERATION_TIMEOUT' });
    expect(await swarm.settle(other.kernel.unregister('lamp')), 'it can be ended').toBe(true);
    await swarm.advance(60_000);
    expect(recorder.begun, 'and is not started any more').toHaveLength(1);
    expect(swarm.alive.map(parkedAt)).toEqual([0, 0, 0]);
  });
});

describe('a transient worker', () => {
  it('is started anew after pauses that grow, and given up when it has failed too often in its time', async () => {
    for (const seed of seeds(5)) {
      const scene = await lamp('transient', seed);
      const { swarm, recorder, home, other } = scene;
      const events = eventsOf(home);
      for (let failure = 1; failure <= MAX_RESTARTS; failure++) await failAndReturn(scene);
      await call(swarm, other, 'lamp', 'fail', 'the last straw');
      await until(swarm, 'it is given up', () => ofType(events, 'worker-stopped').length > 0);
      const pauses = ofType(events, 'worker-failed').map(({ pauseMs }) => pauseMs);
      expect(pauses, `seed ${seed}`).toHaveLength(MAX_RESTARTS);
      for (const [index, pauseMs] of pauses.entries()) {
        // Doubled each time, times 0.5 to 1.5 so that many workers that lost one thing do not come back together.
        expect(pauseMs).toBeGreaterThanOrEqual(50 * 2 ** index);
        expect(pauseMs).toBeLessThanOrEqual(150 * 2 ** index);
        const [end, start] = [recorder.ended[index]!, recorder.begun[index + 1]!];
        expect(start.at - end.at, 'the pause was made').toBeGreaterThanOrEqual(pauseMs - 1);
      }
      expect(ofType(events, 'worker-failed')[0]).toMatchObject({
        name: 'lamp',
        workerType: 'transient',
        reason: 'the connection is lost',
      });
      expect(ofType(events, 'worker-stopped')).toMatchObject([
        { name: 'lamp', workerType: 'transient', reason: 'failed' },
      ]);
      await swarm.advance(120_000);
      expect(recorder.begun).toHaveLength(MAX_RESTARTS + 1);
      expect(recorder.living('lamp')).toEqual([]);
      for (const node of swarm.alive) expect([namesOf(node), parkedAt(node)]).toEqual([[], 0]);
      await swarm.settle(other.kernel.register('lamp', 'transient', undefined, {}));
      expect(await call(swarm, home, 'lamp', 'add', 1), 'the name is free').toBe(1);
    }
  });

  it('whose failures are far apart is never given up', async () => {
    const scene = await lamp('transient', 1);
    for (let failure = 1; failure <= 3 * MAX_RESTARTS; failure++) {
      await failAndReturn(scene);
      await scene.swarm.advance(WITHIN_MS / MAX_RESTARTS);
    }
    expect(scene.recorder.begun).toHaveLength(3 * MAX_RESTARTS + 1);
    expect(await call(scene.swarm, scene.other, 'lamp', 'add', 1)).toBe(1);
  });

  it('that cannot be started anew is tried as often, and given up', async () => {
    for (const seed of seeds(5)) {
      const { swarm, recorder, home, other } = await lamp('transient', seed);
      const events = eventsOf(home);
      recorder.broken.add('lamp');
      await call(swarm, other, 'lamp', 'fail', 'x');
      await until(swarm, 'it is given up', () => ofType(events, 'worker-stopped').length > 0);
      const failures = ofType(events, 'worker-failed').map(({ reason }) => reason);
      expect(failures).toHaveLength(MAX_RESTARTS);
      for (const reason of failures.slice(1)) expect(reason).toContain('lamp is broken');
      await swarm.advance(60_000);
      for (const node of swarm.alive) expect([namesOf(node), parkedAt(node)]).toEqual([[], 0]);
    }
  });

  it('is started by another node when its own dies, also between two starts', async () => {
    for (const seed of seeds(5)) {
      for (const dies of ['running', 'pausing'] as const) {
        const { swarm, recorder, home, other } = await lamp('transient', seed);
        if (dies === 'pausing') {
          await call(swarm, other, 'lamp', 'fail', 'x');
          await until(swarm, 'it pauses', () => home.kernel.inspect().pausing === 1);
          await swarm.advance(20);
        }
        swarm.crash(home);
        await until(swarm, 'another runs it', () => recorder.begun.length > 1);
        await untilAtRest(swarm);
        expect(membersOf(other, 'lights'), `seed ${seed}, ${dies}\n${storyOf(swarm)}`).toEqual(['lamp']);
        expect(recorder.begun, `seed ${seed}, ${dies}`).toHaveLength(2);
        expect(recorder.begun[1]!.fence).toBeGreaterThan(recorder.begun[0]!.fence);
      }
    }
  });
});

describe('a permanent worker', () => {
  it('is never given up, and tried twice a minute in the end', async () => {
    for (const seed of seeds(3)) {
      const { swarm, recorder, home, other } = await lamp('permanent', seed);
      const events = eventsOf(home);
      recorder.broken.add('lamp');
      await call(swarm, other, 'lamp', 'fail', 'x');
      await swarm.advance(1_800_000);
      const failures = ofType(events, 'worker-failed');
      // 30 minutes, pauses of 15 to 45 seconds but for the first nine.
      expect(failures.length, `seed ${seed}`).toBeGreaterThan(45);
      expect(failures.length, failures.map(({ pauseMs }) => Math.round(pauseMs)).join(' ')).toBeLessThan(130);
      for (const { pauseMs } of failures) expect(pauseMs).toBeLessThanOrEqual(45_000);
      expect(ofType(events, 'worker-stopped')).toEqual([]);
      recorder.broken.clear();
      await until(swarm, 'it runs again', () => namesOf(other).length === 1, 60_000);
      await untilAtRest(swarm);
      expect(membersOf(other, 'lights')).toEqual(['lamp']);
      expect(await call(swarm, other, 'lamp', 'add', 1)).toBe(1);
    }
  });

  it('that fails again and again comes back each time', async () => {
    const scene = await lamp('permanent', 1);
    for (let failure = 1; failure <= 3 * MAX_RESTARTS; failure++) await failAndReturn(scene);
    expect(scene.recorder.begun).toHaveLength(3 * MAX_RESTARTS + 1);
    expect(namesOf(scene.other)).toEqual(['lamp']);
  });
});

describe('a temporary worker', () => {
  it('is gone by its first failure, and its name is free', async () => {
    for (const seed of seeds(5)) {
      const { swarm, recorder, home, other } = await lamp('temporary', seed);
      const events = eventsOf(home);
      await call(swarm, other, 'lamp', 'fail', 'x');
      await until(swarm, 'it has ended', () => ofType(events, 'worker-stopped').length > 0);
      expect(ofType(events, 'worker-stopped')).toMatchObject([{ name: 'lamp', reason: 'failed' }]);
      expect(ofType(events, 'worker-failed'), 'nothing is announced').toEqual([]);
      expect(recorder.reasons('lamp')).toEqual(['failed']);
      await swarm.advance(60_000);
      expect(recorder.begun).toHaveLength(1);
      for (const node of swarm.alive) expect([namesOf(node), parkedAt(node)]).toEqual([[], 0]);
      await swarm.settle(other.kernel.register('lamp', 'temporary', undefined, {}));
      expect(namesOf(other)).toEqual(['lamp']);
    }
  });

  it('is gone with its node when that dies', async () => {
    for (const seed of seeds(5)) {
      const { swarm, recorder, home, other } = await lamp('temporary', seed);
      swarm.crash(home);
      await until(swarm, 'it is gone', () => swarm.alive.every((node) => namesOf(node).length === 0));
      await swarm.advance(30_000);
      expect(recorder.begun, `seed ${seed}\n${storyOf(swarm)}`).toHaveLength(1);
      expect(swarm.alive.map(parkedAt)).toEqual([0, 0]);
      expect(await failureOf(swarm, call(swarm, other, 'lamp', 'total'))).toMatchObject({
        code: 'ERR_SWARM_WORKER_NOT_FOUND',
      });
    }
  });

  it('moves with its state, groups and fence when its node leaves, or another comes to which it belongs', async () => {
    for (const seed of seeds(5)) {
      const { swarm, recorder, home, other } = await lamp('temporary', seed);
      await call(swarm, other, 'lamp', 'add', 7);
      const report = await swarm.settle(swarm.stop(home));
      expect(report).toMatchObject({ moved: 1, left: [] });
      await untilAtRest(swarm);
      expect(recorder.reasons('lamp'), storyOf(swarm)).toEqual(['drained']);
      expect(await call(swarm, other, 'lamp', 'total')).toBe(7);
      const { fence } = other.kernel.lookup('lamp')!;
      expect(fence).toBeGreaterThan(recorder.begun[0]!.fence);
      for (let more = 0; more < 4; more++) await swarm.settle(swarm.boot().started);
      await untilAtRest(swarm);
      expect(other.kernel.lookup('lamp')?.node).toBe(other.kernel.ownerOf('lamp'));
      expect(await call(swarm, other, 'lamp', 'total')).toBe(7);
      expect(membersOf(other, 'lights')).toEqual(['lamp']);
      // And it is still a temporary one where it has come to.
      const now = swarm.alive.find(({ kernel }) => kernel.self.id === other.kernel.lookup('lamp')?.node)!;
      const left = swarm.alive.find((node) => node !== now)!;
      swarm.crash(now);
      await until(swarm, 'it is gone', () => namesOf(left).length === 0);
      await swarm.advance(10_000);
      expect(namesOf(left)).toEqual([]);
    }
  });
});

describe('ctx.stop()', () => {
  it.each(POLICIES)('ends a %s worker for good', async (policy) => {
    for (const seed of seeds(3)) {
      const { swarm, recorder, home, other } = await lamp(policy, seed);
      const events = eventsOf(home);
      await call(swarm, other, 'lamp', 'stop');
      await until(swarm, 'it is gone', () => swarm.alive.every((node) => namesOf(node).length === 0));
      expect(recorder.reasons('lamp')).toEqual(['stopped']);
      expect(ofType(events, 'worker-stopped')).toMatchObject([{ name: 'lamp', reason: 'stopped' }]);
      // Nor does it come back with the death of its node, whose rows others take over.
      await swarm.advance(1_000);
      swarm.crash(home);
      await swarm.advance(60_000);
      expect(recorder.begun, `seed ${seed}`).toHaveLength(1);
      expect(swarm.alive.map(parkedAt)).toEqual([0, 0]);
      expect(await failureOf(swarm, call(swarm, other, 'lamp', 'total'))).toMatchObject({
        code: 'ERR_SWARM_WORKER_NOT_FOUND',
      });
      await swarm.settle(other.kernel.register('lamp', policy, undefined, {}));
      expect(await call(swarm, other, 'lamp', 'add', 1)).toBe(1);
    }
  });
});
