import { describe, expect, it } from 'vitest';
import { staticQuorumRing } from '../../lib/distribution/index.js';
import { NoNodeAvailableError, OperationTimeoutError } from '../../lib/errors/index.js';
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

const SIZE = 3;
/** Of three nodes each runs one or two of them, of five the last two run three. */
const NAMES = ['test.1', 'test.2', 'test.3', 'test.4', 'test.5'];
/** Of the simulated kernels: as long as workers below the quorum keep their state. */
const LEASE_MS = 3_000;

interface Scene {
  readonly swarm: SimulatedSwarm;
  readonly recorder: Recorder;
  readonly nodes: readonly SimulatedNode[];
}

async function formed(count: number, seed: number): Promise<Scene> {
  const recorder = new Recorder();
  const swarm = new SimulatedSwarm({
    seed,
    kernel: { strategy: staticQuorumRing({ size: SIZE }) },
    definitions: recorder.definitions({ type: 'Worker' }),
  });
  await swarm.form(count);
  // Where there is a quorum it runs something only when no lease of an earlier life can hold any more.
  if (count >= SIZE)
    await until(swarm, 'all have a lease', () => swarm.alive.every((node) => leftMs(node) > 0));
  return { swarm, recorder, nodes: [...swarm.nodes] };
}

/** For how many more milliseconds its workers may begin messages. */
function leftMs({ kernel }: SimulatedNode): number {
  return kernel.inspect().leases.find(({ type }) => type === 'Worker')!.leftMs;
}

function reachesByAnother({ kernel }: SimulatedNode): boolean {
  return kernel.inspect().transport.links.some(({ via }) => via !== undefined);
}

/** As `formed`, with all five workers in a group. */
async function working(count: number, seed: number): Promise<Scene> {
  const scene = await formed(count, seed);
  const { kernel } = scene.nodes[0]!;
  const args = { joins: ['tests'] };
  await scene.swarm.settle(Promise.all(NAMES.map((name) => kernel.register(name, 'Worker', args, {}))));
  await untilAtRest(scene.swarm);
  return scene;
}

/** The node goes, by a crash or as on `app.close()`. */
async function lose(swarm: SimulatedSwarm, node: SimulatedNode, how: 'crash' | 'stop'): Promise<void> {
  if (how === 'crash') swarm.crash(node);
  else await swarm.settle(swarm.stop(node));
}

function expectNothingRegistered(swarm: SimulatedSwarm): void {
  for (const node of swarm.alive) {
    const { kernel, key } = node;
    expect(registryOf(node), `${key}\n${storyOf(swarm)}`).toEqual([]);
    expect([kernel.count(), kernel.groups()]).toEqual([0, []]);
    for (const name of NAMES) expect(kernel.lookup(name)).toBeUndefined();
  }
}

/** Below the quorum for longer than the lease: what ran has ended. */
async function untilStopped({ swarm, recorder }: Scene): Promise<void> {
  await until(swarm, 'nothing is registered', () => swarm.alive.every(({ kernel }) => kernel.count() === 0));
  const livesOn = (name: string): boolean =>
    recorder.living(name).some((id) => swarm.alive.some(({ kernel }) => kernel.self.id === id));
  await until(swarm, 'all have ended', () => !NAMES.some(livesOn));
}

describe('quorum: without quorum cluster', () => {
  it('should error on name registration', async () => {
    for (const seed of seeds(8)) {
      const { swarm, nodes, recorder } = await formed(SIZE - 1, seed);
      for (const { kernel } of nodes) {
        const at = swarm.now;
        const error = await failureOf(swarm, kernel.register('test.1', 'Worker', undefined, {}));
        expect(error).toBeInstanceOf(NoNodeAvailableError);
        expect((error as Error).message).toContain('2 of at least 3 nodes');
        expect(swarm.now, 'at once').toBe(at);
        expect(await swarm.settle(kernel.locate('test.1', {}))).toBeUndefined();
      }
      expectNothingRegistered(swarm);
      expect(recorder.begun).toEqual([]);
      expect(nodes.map(parkedAt), 'what was refused does not wait either').toEqual([0, 0]);
    }
  });

  it('should optionally timeout a track call', async () => {
    for (const seed of seeds(8)) {
      const { swarm, nodes, recorder } = await formed(SIZE, seed);
      for (const [index, timeoutMs] of [0, 100].entries()) {
        const at = swarm.now;
        const { kernel } = nodes[index]!;
        const register = kernel.register('test.1', 'Worker', { takesMs: 1_000 }, { timeoutMs });
        expect(await failureOf(swarm, register)).toBeInstanceOf(OperationTimeoutError);
        expect(swarm.now - at, `seed ${seed}`).toBeLessThanOrEqual(timeoutMs + 50);
        await untilAtRest(swarm);
        await swarm.advance(2_000);
        expectNothingRegistered(swarm);
      }
      expect(
        recorder.begun.flatMap(({ name }) => recorder.living(name)),
        'what was begun is ended',
      ).toEqual([]);
    }
  });
});

describe('quorum: with quorum cluster', () => {
  it('should immediately start registered process', async () => {
    for (const seed of seeds(8)) {
      const { swarm, nodes, recorder } = await formed(SIZE, seed);
      const [first] = nodes;
      const at = swarm.now;
      await swarm.settle(first!.kernel.register('test.1', 'Worker', undefined, {}));
      expect(swarm.now - at, 'some messages of up to 10 ms').toBeLessThan(100);
      expect(recorder.living('test.1')).toHaveLength(1);
      expect(await call(swarm, first!, 'test.1', 'add', 1)).toBe(1);
      expect(await swarm.settle(first!.kernel.unregister('test.1'))).toBe(true);
      expect(recorder.living('test.1')).toEqual([]);
    }
  });

  it.each(['crash', 'stop'] as const)(
    'should kill process after topology change results in too few nodes to host (%s)',
    async (how) => {
      for (const seed of seeds(8)) {
        const { swarm, nodes, recorder } = await formed(SIZE, seed);
        const [first, , third] = nodes;
        // One whose node stays.
        const name = NAMES.find((each) => first!.kernel.ownerOf(each, 'Worker') !== third!.kernel.self.id)!;
        const { node } = await swarm.settle(first!.kernel.register(name, 'Worker', undefined, {}));
        await untilAtRest(swarm);
        await lose(swarm, third!, how);
        await until(swarm, 'it has ended', () => recorder.ended.length > 0);
        expect(recorder.ended, `seed ${seed}`).toMatchObject([{ name, node, reason: 'no-quorum' }]);
        await swarm.advance(100);
        expectNothingRegistered(swarm);
      }
    },
  );

  it.each(['crash', 'stop'] as const)(
    'should kill all processes after topology change results in too few nodes to host (%s)',
    async (how) => {
      for (const seed of seeds(8)) {
        const scene = await working(SIZE, seed);
        const { swarm, nodes, recorder } = scene;
        const stayed = NAMES.filter(
          (name) => nodes[0]!.kernel.lookup(name)?.node !== nodes[2]!.kernel.self.id,
        );
        const before = swarm.now;
        await lose(swarm, nodes[2]!, how);
        await untilStopped(scene);
        await swarm.advance(100);
        expectNothingRegistered(swarm);
        for (const name of stayed)
          expect(recorder.reasons(name), `${name}\n${storyOf(swarm)}`).toEqual(['no-quorum']);
        const ends = recorder.ended.filter(({ reason }) => reason === 'no-quorum');
        for (const { at } of ends) expect(at - before).toBeGreaterThanOrEqual(LEASE_MS);
        // Their registrations are not lost: they wait, on every node that is left.
        for (const node of swarm.alive) expect(parkedAt(node)).toBe(NAMES.length);
        for (const { kernel } of swarm.alive) expect(kernel.inspect().withoutQuorum).toEqual(['Worker']);
      }
    },
  );

  it('should unregister name', async () => {
    for (const seed of seeds(8)) {
      const { swarm, nodes, recorder } = await formed(SIZE, seed);
      await swarm.settle(nodes[0]!.kernel.register('test.1', 'Worker', undefined, {}));
      await untilAtRest(swarm);
      expect(await swarm.settle(nodes[0]!.kernel.unregister('test.1'))).toBe(true);
      await untilAtRest(swarm);
      expectNothingRegistered(swarm);
      expect(nodes.map(parkedAt)).toEqual([0, 0, 0]);
      expect(recorder.reasons('test.1')).toEqual(['unregistered']);
    }
  });
});

describe('quorum: net split', () => {
  it('should redistribute processes from smaller to larger partition', async () => {
    for (const seed of seeds(8)) {
      const { swarm, nodes, recorder } = await working(5, seed);
      const [large, small] = [nodes.slice(0, 3), nodes.slice(3)];
      const idsOf = (of: readonly SimulatedNode[]): string[] => of.map(({ kernel }) => kernel.self.id);
      const cutOff = NAMES.filter((name) => idsOf(small).includes(large[0]!.kernel.lookup(name)!.node));
      for (const a of large) for (const b of small) swarm.network.cut(a.key, b.key);
      await until(swarm, 'the larger part runs all, the smaller none', () => {
        const all = large.every((node) => namesOf(node).length === NAMES.length);
        return all && small.every((node) => namesOf(node).length === 0);
      });
      await swarm.advance(1_000);
      const story = (): string => `seed ${seed}\n${storyOf(swarm)}`;
      for (const { kernel } of large) {
        for (const name of NAMES) expect(idsOf(large), story()).toContain(kernel.lookup(name)?.node);
      }
      for (const name of NAMES) {
        expect(recorder.living(name), story()).toEqual([large[0]!.kernel.lookup(name)!.node]);
        expect(await call(swarm, large[1]!, name, 'add', 1)).toBe(1);
        const refused = await failureOf(swarm, call(swarm, small[0]!, name, 'add', 1));
        expect(refused, 'the smaller part runs nothing and says so').toBeInstanceOf(NoNodeAvailableError);
      }
      for (const name of cutOff) expect(recorder.reasons(name), story()).toEqual(['no-quorum']);

      swarm.network.heal();
      await until(swarm, 'all see all', () =>
        nodes.every(({ kernel }) => kernel.nodes().filter(({ status }) => status === 'up').length === 5),
      );
      // What is on its way by way of another is lost when a link of the own takes its place, answers among it.
      await until(swarm, 'all reach all', () => !nodes.some(reachesByAnother));
      await untilAtRest(swarm);
      for (const node of nodes) {
        expect(namesOf(node), story()).toEqual(NAMES);
        expect(membersOf(node, 'tests')).toEqual(NAMES);
        for (const name of NAMES) expect(node.kernel.lookup(name)?.node).toBe(node.kernel.ownerOf(name));
      }
      for (const name of NAMES) {
        expect(recorder.living(name), story()).toHaveLength(1);
        expect(await call(swarm, small[1]!, name, 'total'), 'and with its state').toBe(1);
      }
      for (const name of NAMES) expect(await swarm.settle(nodes[0]!.kernel.unregister(name))).toBe(true);
    }
  });
});

describe('quorum: beyond the original', () => {
  it.each(['crash', 'stop'] as const)(
    'what was stopped starts again when the quorum is back (%s)',
    async (how) => {
      for (const seed of seeds(8)) {
        const scene = await working(SIZE, seed);
        const { swarm, nodes, recorder } = scene;
        const [first, , third] = nodes;
        const events = eventsOf(first!);
        const fences = new Map(NAMES.map((name) => [name, first!.kernel.lookup(name)!.fence]));
        await lose(swarm, third!, how);
        await untilStopped(scene);
        await swarm.advance(10_000);
        expectNothingRegistered(swarm);

        await swarm.settle(swarm.boot().started);
        await until(swarm, 'all run again', () => first!.kernel.count() === NAMES.length);
        await untilAtRest(swarm);
        const story = `seed ${seed}\n${storyOf(swarm)}`;
        for (const node of swarm.alive) {
          expect(namesOf(node), story).toEqual(NAMES);
          expect(membersOf(node, 'tests'), 'their groups are kept').toEqual(NAMES);
          expect(parkedAt(node)).toBe(0);
          for (const name of NAMES) {
            expect(node.kernel.lookup(name)?.fence).toBeGreaterThan(fences.get(name)!);
            expect(node.kernel.lookup(name)?.node, story).toBe(node.kernel.ownerOf(name));
          }
        }
        for (const name of NAMES) {
          expect(
            recorder.living(name).filter((id) => id !== third!.kernel.self.id),
            story,
          ).toHaveLength(1);
        }
        expect(ofType(events, 'quorum-lost')).toMatchObject([{ workerTypes: ['Worker'] }]);
        expect(ofType(events, 'quorum-regained')).toMatchObject([{ workerTypes: ['Worker'] }]);
      }
    },
  );

  it('below the quorum for less than the lease, workers go on as if nothing had happened', async () => {
    for (const seed of seeds(8)) {
      const { swarm, nodes, recorder } = await working(SIZE, seed);
      const [first, second, third] = nodes;
      const stayed = NAMES.filter((name) => first!.kernel.lookup(name)?.node !== third!.kernel.self.id);
      expect(stayed.length, `seed ${seed}`).toBeGreaterThan(0);
      for (const name of NAMES) await call(swarm, first!, name, 'add', 5);
      const events = [first!, second!].map(eventsOf);
      swarm.crash(third!);
      await until(swarm, 'the quorum is lost', () =>
        events.every((each) => ofType(each, 'quorum-lost').length > 0),
      );
      for (const name of stayed) {
        const at = swarm.now;
        expect(await call(swarm, second!, name, 'add', 1), `seed ${seed}`).toBe(6);
        expect(swarm.now - at, 'some messages of up to 10 ms').toBeLessThan(100);
      }
      await swarm.settle(swarm.boot().started);
      await until(swarm, 'the quorum is back', () =>
        events.every((each) => ofType(each, 'quorum-regained').length > 0),
      );
      await swarm.advance(2 * LEASE_MS);
      await untilAtRest(swarm);
      const story = `seed ${seed}\n${storyOf(swarm)}`;
      for (const each of events) expect(ofType(each, 'lease-lost'), story).toEqual([]);
      expect(recorder.ended.filter(({ reason }) => reason === 'no-quorum')).toEqual([]);
      for (const name of stayed) expect(await call(swarm, first!, name, 'total'), name).toBe(6);
      expect(namesOf(first!)).toEqual(NAMES);
    }
  });

  it('below the quorum for more than the lease, workers pause, keep their state, and answer afterwards what came meanwhile', async () => {
    for (const seed of seeds(8)) {
      const { swarm, nodes, recorder } = await working(SIZE, seed);
      const [first, second, third] = nodes;
      const stayed = NAMES.filter((name) => first!.kernel.lookup(name)?.node !== third!.kernel.self.id);
      const fences = NAMES.map((name) => first!.kernel.lookup(name)?.fence);
      for (const name of NAMES) await call(swarm, first!, name, 'add', 5);
      const events = nodes.map(eventsOf);
      const have = (type: 'lease-lost' | 'quorum-lost'): boolean =>
        events.every((each) => ofType(each, type).length > 0);
      const cutAt = swarm.now;
      for (const { key } of [first!, second!]) swarm.network.cut(key, third!.key);
      await until(swarm, 'no lease is held', () => have('lease-lost'));
      expect(nodes.map(leftMs), `seed ${seed}`).toEqual([0, 0, 0]);
      expect(swarm.now - cutAt, 'a look at the clock is at most a quarter of a heartbeat late').toBeLessThan(
        LEASE_MS + 251,
      );
      let answered = 0;
      const answers = stayed.map(async (name, index) => {
        const { kernel } = nodes[index % 2]!;
        const total = await kernel.call(name, { pattern: 'add', data: 1, timeoutMs: 60_000, chain: [] });
        answered++;
        return total;
      });
      await until(swarm, 'the quorum is lost', () => have('quorum-lost'));
      const lostAt = swarm.now;
      await swarm.advance(LEASE_MS / 2);
      expect(answered, `nothing is handled meanwhile, seed ${seed}`).toBe(0);
      expect(namesOf(first!), 'they are there all the same').toEqual([...stayed].sort());
      swarm.network.heal();
      expect(await swarm.settle(Promise.all(answers))).toEqual(stayed.map(() => 6));
      expect(swarm.now - lostAt, `before they would be stopped, seed ${seed}`).toBeLessThan(LEASE_MS);
      await swarm.advance(2 * LEASE_MS);
      await untilAtRest(swarm);
      const story = `seed ${seed}\n${storyOf(swarm)}`;
      expect(recorder.ended, story).toEqual([]);
      for (const each of events) {
        for (const type of ['lease-lost', 'lease-regained', 'quorum-lost', 'quorum-regained'] as const)
          expect(ofType(each, type), `${type}, ${story}`).toMatchObject([{ workerTypes: ['Worker'] }]);
      }
      expect(NAMES.map((name) => third!.kernel.lookup(name)?.fence)).toEqual(fences);
      for (const name of NAMES)
        expect(await call(swarm, third!, name, 'total'), name).toBe(stayed.includes(name) ? 6 : 5);
    }
  });

  it('a call to a worker that was stopped for want of nodes fails at once, and a registration of its name too', async () => {
    const scene = await working(SIZE, 7);
    const { swarm, nodes } = scene;
    swarm.crash(nodes[2]!);
    await untilStopped(scene);
    await swarm.advance(100);
    for (const { kernel } of swarm.alive) {
      for (const name of NAMES) {
        const at = swarm.now;
        const message = { pattern: 'add', data: 1, timeoutMs: undefined, chain: [] };
        expect(await failureOf(swarm, kernel.call(name, message))).toBeInstanceOf(NoNodeAvailableError);
        const register = kernel.register(name, 'Worker', undefined, {});
        expect(await failureOf(swarm, register)).toBeInstanceOf(NoNodeAvailableError);
        expect(swarm.now).toBe(at);
      }
    }
  });

  it('messages that wait for a paused worker when it is stopped are answered with NoNodeAvailableError', async () => {
    for (const seed of seeds(8)) {
      const { swarm, nodes, recorder } = await working(SIZE, seed);
      const [first, second, third] = nodes;
      const stayed = NAMES.filter((name) => first!.kernel.lookup(name)?.node !== third!.kernel.self.id);
      // The later in a heartbeat it dies, the longer they pause before they are stopped.
      await until(swarm, 'pings are nearly due', () => nodes.every((node) => leftMs(node) < LEASE_MS - 900));
      const lostAt = new Map<string, number>();
      for (const { kernel } of [first!, second!])
        kernel.onEvent(({ type }) => type === 'quorum-lost' && lostAt.set(kernel.self.id, swarm.now));
      swarm.crash(third!);
      await until(swarm, 'no lease is held', () => swarm.alive.every((node) => leftMs(node) === 0));
      // The lease ends after its last millisecond.
      await swarm.advance(1);
      expect(recorder.ended, `the case needs paused workers, seed ${seed}`).toEqual([]);
      const message = { pattern: 'add', data: 1, timeoutMs: 60_000, chain: [] };
      const calls = stayed.map((name) => failureOf(swarm, first!.kernel.call(name, message)));
      for (const error of await Promise.all(calls)) expect(error).toBeInstanceOf(NoNodeAvailableError);
      const story = `seed ${seed}\n${storyOf(swarm)}`;
      expect(recorder.ended.map(({ name }) => name).sort(), story).toEqual([...stayed].sort());
      for (const { reason, node, at } of recorder.ended) {
        expect(reason, story).toBe('no-quorum');
        expect(at - lostAt.get(node)!, story).toBeCloseTo(LEASE_MS, 3);
      }
    }
  });

  it('what waits for the quorum is not unregistered: it may run among those that are not heard', async () => {
    for (const seed of seeds(8)) {
      const scene = await working(SIZE, seed);
      const { swarm, nodes, recorder } = scene;
      const [first, , third] = nodes;
      swarm.crash(third!);
      await untilStopped(scene);
      await swarm.advance(100);
      const begun = recorder.begun.length;
      for (const name of NAMES) {
        const refused = swarm.settle(first!.kernel.unregister(name));
        await expect(refused, `seed ${seed}: ${name}`).rejects.toThrow(NoNodeAvailableError);
      }
      expect(recorder.begun.length).toBe(begun);
      await swarm.settle(swarm.boot().started);
      await until(swarm, 'all run again', () => first!.kernel.count() === NAMES.length);
      await untilAtRest(swarm);
      for (const node of swarm.alive) expect(namesOf(node), `seed ${seed}`).toEqual(NAMES);
    }
  });

  it('what the larger part of a split unregisters does not come back from the smaller', async () => {
    for (const seed of seeds(8)) {
      const { swarm, nodes, recorder } = await working(5, seed);
      const [large, small] = [nodes.slice(0, 3), nodes.slice(3)];
      const cutOff = NAMES.filter((name) =>
        small.some(({ kernel }) => kernel.self.id === large[0]!.kernel.lookup(name)?.node),
      );
      expect(cutOff.length).toBeGreaterThan(0);
      for (const a of large) for (const b of small) swarm.network.cut(a.key, b.key);
      await until(swarm, 'the larger part runs all, the smaller none', () => {
        const all = large.every((node) => namesOf(node).length === NAMES.length);
        return all && small.every((node) => namesOf(node).length === 0);
      });
      for (const name of cutOff) expect(await swarm.settle(large[0]!.kernel.unregister(name))).toBe(true);
      const begun = recorder.begun.length;
      swarm.network.heal();
      await until(swarm, 'all see all', () =>
        nodes.every(({ kernel }) => kernel.nodes().filter(({ status }) => status === 'up').length === 5),
      );
      await untilAtRest(swarm);
      const rest = NAMES.filter((name) => !cutOff.includes(name));
      for (const node of nodes) {
        expect(namesOf(node), `seed ${seed}\n${storyOf(swarm)}`).toEqual(rest);
        expect(parkedAt(node)).toBe(0);
      }
      const again = recorder.begun.slice(begun).map(({ name }) => name);
      expect(again.filter((name) => cutOff.includes(name))).toEqual([]);
    }
  });

  it('what waits on the node of a worker that is lost with it is started by the others', async () => {
    for (const seed of seeds(8)) {
      const scene = await working(SIZE, seed);
      const { swarm, nodes } = scene;
      swarm.crash(nodes[2]!);
      await untilStopped(scene);
      await swarm.advance(100);
      // Now the one that holds parked rows goes too; two others come.
      swarm.crash(nodes[1]!);
      await swarm.advance(1_000);
      await swarm.settle(Promise.all([swarm.boot().started, swarm.boot().started]));
      await until(swarm, 'all run again', () => nodes[0]!.kernel.count() === NAMES.length);
      await untilAtRest(swarm);
      for (const node of swarm.alive) expect(namesOf(node), `seed ${seed}`).toEqual(NAMES);
    }
  });

  it('a split in which no side has a quorum stops all, and what was there starts again, once, when it is healed', async () => {
    for (const seed of seeds(8)) {
      const { swarm, nodes, recorder } = await working(4, seed);
      for (const a of nodes.slice(0, 2)) for (const b of nodes.slice(2)) swarm.network.cut(a.key, b.key);
      await until(swarm, 'nothing runs', () => nodes.every((node) => namesOf(node).length === 0));
      await swarm.advance(2 * LEASE_MS);
      expectNothingRegistered(swarm);
      for (const name of NAMES) expect(recorder.living(name), `seed ${seed}\n${storyOf(swarm)}`).toEqual([]);
      for (const node of nodes) expect(parkedAt(node), 'each side knows all of them').toBe(NAMES.length);
      swarm.network.heal();
      await until(swarm, 'all run again', () => nodes.every((node) => namesOf(node).length === NAMES.length));
      await untilAtRest(swarm);
      expectAllOrNothing(swarm, recorder, `seed ${seed}\n${storyOf(swarm)}`);
    }
  });

  it('a split that ends before anybody is given up: the workers go on with their state, under the same fences', async () => {
    for (const seed of seeds(8)) {
      const { swarm, nodes, recorder } = await working(5, seed);
      const [large, small] = [nodes.slice(0, 3), nodes.slice(3)];
      for (const name of NAMES) await call(swarm, large[0]!, name, 'add', 5);
      const fences = NAMES.map((name) => large[0]!.kernel.lookup(name)?.fence);
      for (const a of large) for (const b of small) swarm.network.cut(a.key, b.key);
      await swarm.advance(2_000);
      swarm.network.heal();
      await swarm.advance(2 * LEASE_MS);
      await untilAtRest(swarm);
      const story = `seed ${seed}\n${storyOf(swarm)}`;
      expect(recorder.ended, story).toEqual([]);
      expect(
        NAMES.map((name) => small[0]!.kernel.lookup(name)?.fence),
        story,
      ).toEqual(fences);
      for (const name of NAMES)
        expect(await call(swarm, small[0]!, name, 'total'), `${name}, ${story}`).toBe(5);
    }
  });

  it('a split that ends before anybody is given up: paused workers go on, and answer what came meanwhile', async () => {
    for (const seed of seeds(8)) {
      const { swarm, nodes, recorder } = await working(5, seed);
      const [large, small] = [nodes.slice(0, 3), nodes.slice(3)];
      const cutOff = NAMES.filter((name) =>
        small.some(({ kernel }) => kernel.self.id === large[0]!.kernel.lookup(name)?.node),
      );
      expect(cutOff.length).toBeGreaterThan(0);
      const events = eventsOf(small[0]!);
      for (const a of large) for (const b of small) swarm.network.cut(a.key, b.key);
      await until(swarm, 'the smaller part has no lease', () => small.every((node) => leftMs(node) === 0));
      await swarm.advance(1);
      let answered = 0;
      const answers = cutOff.map(async (name) => {
        const message = { pattern: 'add', data: 1, timeoutMs: 60_000, chain: [] };
        const total = await small[0]!.kernel.call(name, message);
        answered++;
        return total;
      });
      await swarm.advance(50);
      expect(answered, `nothing is handled meanwhile, seed ${seed}`).toBe(0);
      expect(
        large.map(leftMs).filter((left) => left <= 0),
        'the larger part has its lease',
      ).toEqual([]);
      swarm.network.heal();
      expect(await swarm.settle(Promise.all(answers))).toEqual(cutOff.map(() => 1));
      await swarm.advance(2 * LEASE_MS);
      await untilAtRest(swarm);
      const story = `seed ${seed}\n${storyOf(swarm)}`;
      expect(recorder.ended, story).toEqual([]);
      expect(ofType(events, 'lease-lost'), story).toHaveLength(1);
      expect(ofType(events, 'lease-regained'), story).toHaveLength(1);
      expect(ofType(events, 'self-fenced'), story).toEqual([]);
      expectAllOrNothing(swarm, recorder, story);
    }
  });

  it('a split in which the larger part goes on: what it has counted stays, and what the smaller ran has ended', async () => {
    for (const seed of seeds(8)) {
      const { swarm, nodes, recorder } = await working(5, seed);
      const [large, small] = [nodes.slice(0, 3), nodes.slice(3)];
      const cutOff = NAMES.filter((name) =>
        small.some(({ kernel }) => kernel.self.id === large[0]!.kernel.lookup(name)?.node),
      );
      for (const name of NAMES) await call(swarm, large[0]!, name, 'add', 5);
      for (const a of large) for (const b of small) swarm.network.cut(a.key, b.key);
      await until(swarm, 'the larger part runs all', () =>
        large.every(({ kernel }) =>
          NAMES.every((name) => large.some((node) => node.kernel.self.id === kernel.lookup(name)?.node)),
        ),
      );
      for (const name of NAMES) await call(swarm, large[1]!, name, 'add', 10);
      expect(small.map(leftMs), `seed ${seed}`).toEqual([0, 0]);
      expect(recorder.ended, `what the smaller part runs pauses, seed ${seed}`).toEqual([]);
      const waiting = cutOff.map((name) => {
        const message = { pattern: 'add', data: 1, timeoutMs: 60_000, chain: [] };
        const host = small.find(({ kernel }) => kernel.lookup(name)?.node === kernel.self.id)!;
        return failureOf(swarm, host.kernel.call(name, message));
      });
      swarm.network.heal();
      for (const error of await Promise.all(waiting)) expect(error).toBeInstanceOf(NoNodeAvailableError);
      await until(swarm, 'all see all', () =>
        nodes.every(({ kernel }) => kernel.nodes().filter(({ status }) => status === 'up').length === 5),
      );
      await untilAtRest(swarm);
      const story = `seed ${seed}\n${storyOf(swarm)}`;
      const ended = recorder.ended.filter(({ reason }) => reason === 'no-quorum').map(({ name }) => name);
      expect(ended.sort(), story).toEqual([...cutOff].sort());
      expectAllOrNothing(swarm, recorder, story);
      for (const name of NAMES) {
        const kept = cutOff.includes(name) ? 10 : 15;
        expect(await call(swarm, small[0]!, name, 'total'), `${name}, ${story}`).toBe(kept);
      }
    }
  });

  it('what waits without a quorum is unregistered when there is one again, also when its own node is dead', async () => {
    const scene = await working(SIZE, 9);
    const { swarm, nodes } = scene;
    const [first, , third] = nodes;
    const orphans = NAMES.filter((name) => first!.kernel.lookup(name)?.node === third!.kernel.self.id);
    expect(orphans.length).toBeGreaterThan(0);
    swarm.crash(third!);
    await untilStopped(scene);
    await swarm.advance(100);
    for (const name of orphans) {
      const at = swarm.now;
      const error = await failureOf(swarm, nodes[1]!.kernel.unregister(name));
      expect(error, name).toBeInstanceOf(NoNodeAvailableError);
      expect(swarm.now - at, 'some messages of up to 10 ms').toBeLessThan(200);
    }
    await swarm.settle(swarm.boot().started);
    for (const name of orphans) expect(await swarm.settle(nodes[1]!.kernel.unregister(name))).toBe(true);
    const rest = NAMES.filter((name) => !orphans.includes(name));
    await until(swarm, 'the others run again', () => first!.kernel.count() === rest.length);
    await untilAtRest(swarm);
    for (const node of swarm.alive) expect(namesOf(node)).toEqual(rest);
  });

  it('who is cut off from a quorum unregisters nothing that may go on there', async () => {
    const { swarm, nodes } = await working(5, 3);
    const [first, second, ...others] = nodes;
    const there = new Set(others.map(({ kernel }) => kernel.self.id));
    const names = NAMES.filter((name) => there.has(first!.kernel.lookup(name)!.node));
    expect(names.length).toBeGreaterThan(0);
    for (const one of [first!, second!]) for (const other of others) swarm.network.cut(one.key, other.key);
    await until(swarm, 'the others are given up', () => first!.kernel.nodes().length === 2);
    for (const name of names)
      expect(await failureOf(swarm, first!.kernel.unregister(name))).toBeInstanceOf(NoNodeAvailableError);
    swarm.network.heal();
    await untilAtRest(swarm);
    for (const node of swarm.alive) expect(namesOf(node)).toEqual(NAMES);
  });

  it('whatever nodes come and go: with a quorum every name runs once, where it belongs; below it nothing runs; nothing is lost', async () => {
    for (const seed of seeds(10)) {
      const { swarm, recorder } = await working(SIZE, seed);
      let lastLossAt = swarm.now;
      for (let step = 0; step < 10; step++) {
        await swarm.advance(swarm.random() * 4_000);
        // One node at a time, as an acknowledged registration is promised to survive.
        const mayLose = swarm.alive.length > 1 && swarm.now - lastLossAt > 5_000;
        if (mayLose && swarm.random() < 0.6) {
          lastLossAt = swarm.now;
          const node = swarm.alive[Math.floor(swarm.random() * swarm.alive.length)]!;
          await lose(swarm, node, swarm.random() < 0.5 ? 'crash' : 'stop');
        } else if (swarm.alive.length < 5) {
          void swarm.boot();
        }
        if (swarm.random() < 0.4) {
          await swarm.advance(LEASE_MS + 8_000);
          expectAllOrNothing(swarm, recorder, `seed ${seed}, step ${step}\n${storyOf(swarm)}`);
        }
      }
      while (swarm.alive.length < SIZE) await swarm.settle(swarm.boot().started);
      await swarm.advance(LEASE_MS + 8_000);
      expectAllOrNothing(swarm, recorder, `seed ${seed}, at last\n${storyOf(swarm)}`);
    }
  });
});

function expectAllOrNothing(swarm: SimulatedSwarm, recorder: Recorder, story: string): void {
  const ids = new Set(swarm.alive.map(({ kernel }) => kernel.self.id));
  const hasQuorum = ids.size >= SIZE;
  for (const node of swarm.alive) {
    expect(namesOf(node), `${node.key}, ${story}`).toEqual(hasQuorum ? NAMES : []);
    expect(parkedAt(node), `${node.key}, ${story}`).toBe(hasQuorum ? 0 : NAMES.length);
    if (!hasQuorum) continue;
    expect(membersOf(node, 'tests'), story).toEqual(NAMES);
    for (const name of NAMES) expect(node.kernel.lookup(name)?.node, story).toBe(node.kernel.ownerOf(name));
  }
  for (const name of NAMES) {
    const living = recorder.living(name).filter((id) => ids.has(id));
    expect(living, `${name}, ${story}`).toHaveLength(hasQuorum ? 1 : 0);
  }
}
