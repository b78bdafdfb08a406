// Where names belong: by the strategy of their type, among the nodes that may host it. Over whole kernels, since what
// counts is where workers run, and that all nodes agree about it.
import { describe, expect, it } from 'vitest';
import {
  type DistributionStrategy,
  type PlaceableNode,
  ring,
  staticQuorumRing,
} from '../../lib/distribution/index.js';
import { NoNodeAvailableError, UnknownWorkerTypeError } from '../../lib/errors/index.js';
import {
  type SimulatedNode,
  type SimulatedNodeOptions,
  SimulatedSwarm,
} from '../simulation/simulated-swarm.js';
import { pinnedWorker } from '../simulation/simulated-worker.js';
import { type RecordedType, Recorder } from './support/recorded-workers.js';
import { seeds } from '../support/seeds.js';
import {
  call,
  failureOf,
  namesOf,
  parkedAt,
  registryOf,
  storyOf,
  until,
  untilAtRest,
} from './support/swarm-view.js';

const NAMES = Array.from({ length: 20 }, (_, index) => `name-${String(index).padStart(2, '0')}`);

interface Scene {
  readonly swarm: SimulatedSwarm;
  readonly recorder: Recorder;
}

function swarmOf(
  seed: number,
  types: readonly RecordedType[],
  strategy: DistributionStrategy = ring(),
): Scene {
  const recorder = new Recorder();
  const swarm = new SimulatedSwarm({
    seed,
    kernel: { strategy },
    definitions: recorder.definitions(...types),
  });
  return { swarm, recorder };
}

/** Boots a node per entry, all at once, and waits until they are one swarm. */
async function bootAll(
  { swarm }: Scene,
  ...options: ReadonlyArray<SimulatedNodeOptions>
): Promise<SimulatedNode[]> {
  const boots = options.map((one) => swarm.boot(undefined, one));
  await swarm.settle(Promise.all(boots.map(({ started }) => started)));
  await untilAtRest(swarm);
  return boots.map(({ node }) => node);
}

async function registerAll(
  { swarm }: Scene,
  from: SimulatedNode,
  type: string,
  names: readonly string[] = NAMES,
): Promise<void> {
  await swarm.settle(Promise.all(names.map((name) => from.kernel.register(name, type, undefined, {}))));
  await untilAtRest(swarm);
}

/** Names of a type by the node that runs them; all nodes agree about it. */
function placesOf({ swarm }: Scene, type: string): Map<string, string> {
  const views = swarm.alive.map(({ kernel }) =>
    [...kernel.rows({ type })].map(({ name, node }) => [name, node] as const).sort(),
  );
  for (const view of views) expect(view, storyOf(swarm)).toEqual(views[0]);
  return new Map(views[0]);
}

function custom(
  nodeFor: (name: string, nodes: readonly PlaceableNode[]) => string | undefined,
): DistributionStrategy {
  return { place: (nodes) => ({ nodeFor: (name) => nodeFor(name, nodes) }) };
}

const idOf = ({ kernel }: SimulatedNode): string => kernel.self.id;

describe('a strategy of a type', () => {
  const first = custom((_, nodes) => nodes[0]!.id);
  const last = custom((_, nodes) => nodes.at(-1)!.id);
  const types = [
    { type: 'Ring' },
    { type: 'First', strategy: first },
    { type: 'Last', strategy: last },
    { type: 'Quorum', strategy: staticQuorumRing({ size: 3 }) },
  ];

  it('places its workers, and the strategy of the node those of the others', async () => {
    for (const seed of seeds(5)) {
      const scene = swarmOf(seed, types);
      await scene.swarm.form(2);
      const [a, b] = scene.swarm.nodes;
      for (const type of ['Ring', 'First', 'Last']) {
        await registerAll(
          scene,
          a!,
          type,
          NAMES.map((name) => `${type}-${name}`),
        );
      }
      expect(new Set(placesOf(scene, 'First').values())).toEqual(new Set([idOf(a!)]));
      expect(new Set(placesOf(scene, 'Last').values())).toEqual(new Set([idOf(b!)]));
      expect(new Set(placesOf(scene, 'Ring').values())).toEqual(new Set([idOf(a!), idOf(b!)]));
      const refused = b!.kernel.register('Quorum-1', 'Quorum', undefined, {});
      expect(await failureOf(scene.swarm, refused)).toBeInstanceOf(NoNodeAvailableError);
    }
  });

  it('moves its workers, with their state, when nodes come and go, and no others', async () => {
    for (const seed of seeds(5)) {
      const scene = swarmOf(seed, types);
      const { swarm, recorder } = scene;
      await swarm.form(2);
      const [a, b] = swarm.nodes;
      await registerAll(scene, a!, 'First', ['first']);
      await registerAll(scene, a!, 'Last', ['last']);
      for (const name of ['first', 'last']) await call(swarm, b!, name, 'add', 7);
      const { node: c, started } = swarm.boot();
      await swarm.settle(started);
      await untilAtRest(swarm);
      expect([...placesOf(scene, 'First'), ...placesOf(scene, 'Last')]).toEqual([
        ['first', idOf(a!)],
        ['last', idOf(c)],
      ]);
      expect(recorder.ended.map(({ name, reason }) => [name, reason])).toEqual([['last', 'moved']]);
      await swarm.settle(swarm.stop(a!));
      await untilAtRest(swarm);
      expect(placesOf(scene, 'First').get('first'), storyOf(swarm)).toBe(idOf(b!));
      for (const name of ['first', 'last']) expect(await call(swarm, c, name, 'total')).toBe(7);
    }
  });

  it('that loses its quorum stops its workers, and none of other types', async () => {
    for (const seed of seeds(5)) {
      const scene = swarmOf(seed, types);
      const { swarm, recorder } = scene;
      await swarm.form(3);
      const [a, b, c] = swarm.nodes;
      const quorum = NAMES.map((name) => `q-${name}`);
      await registerAll(scene, a!, 'Ring');
      await registerAll(scene, a!, 'Quorum', quorum);
      await swarm.settle(swarm.stop(c!));
      await until(swarm, 'the type has stopped', () => [...b!.kernel.rows({ type: 'Quorum' })].length === 0);
      await swarm.advance(5_000);
      expect([...placesOf(scene, 'Ring').keys()], storyOf(swarm)).toEqual(NAMES);
      const stopped = recorder.ended.filter(({ reason }) => reason === 'no-quorum');
      expect(stopped.length).toBeGreaterThan(0);
      for (const { name } of stopped) expect(quorum).toContain(name);
      for (const name of NAMES) expect(await call(swarm, a!, name, 'add', 1)).toBe(1);
      await swarm.settle(swarm.boot().started);
      await until(swarm, 'it runs again', () => [...b!.kernel.rows({ type: 'Quorum' })].length === 20);
      await untilAtRest(swarm);
      expect([...placesOf(scene, 'Quorum').keys()]).toEqual(quorum);
    }
  });
});

describe('labels of a type', () => {
  const types = [{ type: 'Model', labels: { gpu: 'yes' } }, { type: 'Plain' }];

  it('are those of the nodes that host it; all others reach its workers', async () => {
    for (const seed of seeds(5)) {
      const scene = swarmOf(seed, types);
      const { swarm } = scene;
      const [a, b, c, d] = await bootAll(
        scene,
        { labels: { gpu: 'yes' } },
        {},
        { labels: { gpu: 'no' } },
        {
          labels: { gpu: 'yes', zone: 'a' },
        },
      );
      await registerAll(scene, b!, 'Model');
      await registerAll(
        scene,
        c!,
        'Plain',
        NAMES.map((name) => `p-${name}`),
      );
      expect(new Set(placesOf(scene, 'Model').values())).toEqual(new Set([idOf(a!), idOf(d!)]));
      expect(new Set(placesOf(scene, 'Plain').values())).toEqual(
        new Set([a, b, c, d].map((node) => idOf(node!))),
      );
      for (const name of NAMES) {
        expect(await call(swarm, c!, name, 'add', 1)).toBe(1);
        expect(b!.kernel.ownerOf(name), 'nodes without the labels know it too').toBe(a!.kernel.ownerOf(name));
      }
    }
  });

  it('that no node carries make it an unknown type, until one does', async () => {
    const scene = swarmOf(1, types);
    const { swarm } = scene;
    await swarm.form(2);
    const [a] = swarm.nodes;
    const refused = await failureOf(swarm, a!.kernel.register('name', 'Model', undefined, {}));
    expect(refused).toBeInstanceOf(UnknownWorkerTypeError);
    expect(refused).toMatchObject({ message: expect.stringContaining('labels') });
    const { node, started } = swarm.boot(undefined, { labels: { gpu: 'yes' } });
    await swarm.settle(started);
    await untilAtRest(swarm);
    expect(await swarm.settle(a!.kernel.register('name', 'Model', undefined, {}))).toMatchObject({
      node: idOf(node),
    });
  });

  it('whose last node dies: its workers wait for the next that carries them', async () => {
    for (const seed of seeds(5)) {
      const scene = swarmOf(seed, types);
      const { swarm, recorder } = scene;
      const [a, b, c] = await bootAll(scene, {}, { labels: { gpu: 'yes' } }, {});
      await registerAll(scene, a!, 'Model');
      swarm.crash(b!);
      await until(swarm, 'they are not shown', () => [a!, c!].every((node) => namesOf(node).length === 0));
      await until(swarm, 'they wait', () => [a!, c!].every((node) => parkedAt(node) === NAMES.length));
      expect(await failureOf(swarm, call(swarm, a!, NAMES[0]!, 'add', 1))).toBeInstanceOf(
        NoNodeAvailableError,
      );
      await swarm.advance(20_000);
      const { node: d, started } = swarm.boot(undefined, { labels: { gpu: 'yes' } });
      await swarm.settle(started);
      await until(swarm, 'they run again', () => namesOf(a!).length === NAMES.length);
      await untilAtRest(swarm);
      expect(new Set(placesOf(scene, 'Model').values()), `seed ${seed}`).toEqual(new Set([idOf(d)]));
      expect(recorder.begun).toHaveLength(2 * NAMES.length);
    }
  });

  it('whose last node leaves: its drain says so at once, and its workers start anew on the next that carries them', async () => {
    for (const seed of seeds(5)) {
      const scene = swarmOf(seed, types);
      const { swarm, recorder } = scene;
      const [a, b] = await bootAll(scene, {}, { labels: { gpu: 'yes' } }, {});
      await registerAll(scene, a!, 'Model');
      const report = await swarm.settle(swarm.stop(b!));
      expect(report.moved).toBe(0);
      expect(report.left.map(({ name }) => name).sort()).toEqual(NAMES);
      for (const { type, reason } of report.left) {
        expect([type, reason]).toEqual(['Model', 'no other node may host it']);
      }
      expect(report.tookMs, 'it does not wait for what cannot come').toBeLessThan(1_000);
      expect(new Set(recorder.ended.map(({ reason }) => reason))).toEqual(new Set(['stopped']));
      await swarm.settle(swarm.boot(undefined, { labels: { gpu: 'yes' } }).started);
      await until(swarm, 'they run again', () => namesOf(a!).length === NAMES.length);
    }
  });

  it('are where a worker moves when a node that carries them comes, never elsewhere', async () => {
    for (const seed of seeds(5)) {
      const scene = swarmOf(seed, types);
      const { swarm } = scene;
      const [a, b] = await bootAll(scene, { labels: { gpu: 'yes' } }, {});
      await registerAll(scene, a!, 'Model');
      for (const name of NAMES) await call(swarm, b!, name, 'add', 3);
      await swarm.settle(
        Promise.all([swarm.boot().started, swarm.boot(undefined, { labels: { gpu: 'yes' } }).started]),
      );
      await untilAtRest(swarm);
      const places = placesOf(scene, 'Model');
      expect(new Set(places.values())).toEqual(new Set([idOf(a!), idOf(swarm.nodes[3]!)]));
      for (const name of NAMES) expect(await call(swarm, b!, name, 'total')).toBe(3);
    }
  });
});

describe('a client-only node', () => {
  const types = [{ type: 'Worker' }];

  async function withClient(
    seed: number,
  ): Promise<Scene & { client: SimulatedNode; hosts: SimulatedNode[] }> {
    const scene = swarmOf(seed, types);
    const [a, b, client] = await bootAll(scene, {}, {}, { hosting: false });
    return { ...scene, hosts: [a!, b!], client: client! };
  }

  it('registers, calls, publishes and ends workers, and runs none', async () => {
    for (const seed of seeds(5)) {
      const scene = await withClient(seed);
      const { swarm, client, hosts, recorder } = scene;
      await registerAll(scene, client, 'Worker');
      expect(new Set(placesOf(scene, 'Worker').values())).toEqual(new Set(hosts.map(idOf)));
      for (const name of NAMES) {
        expect(await call(swarm, client, name, 'add', 2)).toBe(2);
        await swarm.settle(client.kernel.joinGroup('all', name));
      }
      expect(client.kernel.publish('all', 'note', 'hello')).toBe(NAMES.length);
      await until(swarm, 'all have heard it', () => recorder.heard.length === NAMES.length);
      const call2 = { pattern: 'total', data: undefined, timeoutMs: undefined, chain: [] };
      const outcomes = await swarm.settle(client.kernel.multiCall('all', call2));
      expect(outcomes.map((outcome) => 'value' in outcome && outcome.value)).toEqual(NAMES.map(() => 2));
      expect(await swarm.settle(client.kernel.unregister(NAMES[0]!))).toBe(true);
      await untilAtRest(swarm);
      expect(namesOf(client)).toEqual(NAMES.slice(1));
      expect(client.kernel.inspect().workers).toBe(0);
      for (const { kernel } of [client, ...hosts]) {
        expect(kernel.inspect().ring).toEqual(hosts.map(idOf).sort());
      }
    }
  });

  it('gets no worker when a host leaves or dies, and waits with those that nobody may host', async () => {
    for (const seed of seeds(5)) {
      const scene = await withClient(seed);
      const { swarm, client, hosts } = scene;
      await registerAll(scene, client, 'Worker');
      await swarm.settle(swarm.stop(hosts[0]!));
      await untilAtRest(swarm);
      expect(new Set(placesOf(scene, 'Worker').values()), storyOf(swarm)).toEqual(new Set([idOf(hosts[1]!)]));
      swarm.crash(hosts[1]!);
      await until(swarm, 'nothing runs', () => namesOf(client).length === 0);
      const refused = await failureOf(swarm, client.kernel.register('another', 'Worker', undefined, {}));
      expect(refused).toBeInstanceOf(NoNodeAvailableError);
      expect(refused).toMatchObject({
        message: expect.stringContaining(`${idOf(client)}: it hosts nothing`),
      });
      await swarm.advance(10_000);
      expect(client.kernel.inspect().workers).toBe(0);
      const { node, started } = swarm.boot();
      await swarm.settle(started);
      await until(swarm, 'all run again', () => namesOf(client).length === NAMES.length);
      await untilAtRest(swarm);
      expect(new Set(placesOf(scene, 'Worker').values())).toEqual(new Set([idOf(node)]));
    }
  });

  it('may hold objects of its own, which the others reach', async () => {
    const { swarm, client, hosts } = await withClient(3);
    const { definition, instance } = pinnedWorker(client.key, 'screen');
    await swarm.settle(client.kernel.registerLocal('screen', definition, instance));
    await untilAtRest(swarm);
    expect(await call(swarm, hosts[0]!, 'screen', 'where')).toBe(client.key);
    expect(hosts[1]!.kernel.explain('screen')).toMatchObject({ pinned: true, misplaced: false });
  });
});

describe('weights', () => {
  it('are shares of names, also after a heavier node has come', async () => {
    const scene = swarmOf(1, [{ type: 'Worker' }]);
    const { swarm } = scene;
    await bootAll(scene, { weight: 1 }, { weight: 1 });
    const many = Array.from({ length: 1_000 }, (_, index) => `name-${index}`);
    await registerAll(scene, swarm.nodes[0]!, 'Worker', many);
    const sharesOf = (): number[] => {
      const places = [...placesOf(scene, 'Worker').values()];
      return swarm.alive.map((node) => places.filter((id) => id === idOf(node)).length / many.length);
    };
    for (const share of sharesOf()) expect(Math.abs(share - 1 / 2)).toBeLessThan(0.12);
    const before = placesOf(scene, 'Worker');
    await swarm.settle(swarm.boot(undefined, { weight: 3 }).started);
    await untilAtRest(swarm);
    const [a, b, heavy] = sharesOf();
    for (const light of [a!, b!]) expect(Math.abs(light - 1 / 5)).toBeLessThan(0.08);
    expect(Math.abs(heavy! - 3 / 5)).toBeLessThan(0.12);
    // Names move to the new node only, none between the old ones.
    const heavyId = idOf(swarm.nodes[2]!);
    for (const [name, node] of placesOf(scene, 'Worker')) {
      if (node !== heavyId) expect(node, name).toBe(before.get(name));
    }
  });
});

describe('a strategy of the user', () => {
  /** Names belong to the node of their zone, `north/1`. */
  const byZone = custom(
    (name, nodes) => nodes.find(({ labels }) => name.startsWith(`${labels['zone']}/`))?.id,
  );

  it('may leave names without a node until one comes that it names', async () => {
    for (const seed of seeds(5)) {
      const scene = swarmOf(seed, [{ type: 'Worker' }], byZone);
      const { swarm, recorder } = scene;
      const zones = ['north', 'south'].map((zone) => ({ labels: { zone } }));
      const [north, south] = await bootAll(scene, ...zones);
      await registerAll(scene, south!, 'Worker', ['north/1', 'south/1']);
      expect([...placesOf(scene, 'Worker')]).toEqual([
        ['north/1', idOf(north!)],
        ['south/1', idOf(south!)],
      ]);
      const west = await failureOf(swarm, south!.kernel.register('west/1', 'Worker', undefined, {}));
      expect(west).toBeInstanceOf(NoNodeAvailableError);
      expect(west).toMatchObject({ message: expect.stringContaining('names none of the 2 node(s)') });
      const report = await swarm.settle(swarm.stop(north!));
      expect(report.left.map(({ name }) => name)).toEqual(['north/1']);
      await swarm.advance(5_000);
      expect(namesOf(south!)).toEqual(['south/1']);
      await swarm.settle(swarm.boot(undefined, { labels: { zone: 'north' } }).started);
      await until(swarm, 'it runs again', () => namesOf(south!).length === 2);
      await untilAtRest(swarm);
      expect(
        recorder.begun.filter(({ name }) => name === 'south/1'),
        `seed ${seed}`,
      ).toHaveLength(1);
    }
  });

  it('that throws for a name has no node for that one: it is refused, told once, and nothing else is touched', async () => {
    for (const seed of seeds(5)) {
      const throwing: DistributionStrategy = {
        place(nodes) {
          const whole = ring().place(nodes);
          return {
            nodeFor(name) {
              if (name.startsWith('bad')) throw new RangeError('no idea');
              return whole.nodeFor(name);
            },
          };
        },
      };
      const scene = swarmOf(seed, [{ type: 'Worker' }], throwing);
      const { swarm } = scene;
      await swarm.form(3);
      for (const node of swarm.nodes) {
        for (const name of ['bad-1', 'bad-2']) {
          const refused = node.kernel.register(name, 'Worker', undefined, {});
          expect(await failureOf(swarm, refused)).toBeInstanceOf(NoNodeAvailableError);
        }
        const told = node.logger.lines.filter((line) => line.includes('ERROR'));
        expect(told).toHaveLength(1);
        expect(told[0]).toContain(
          'the distribution strategy of Worker threw RangeError: no idea for "bad-1"',
        );
      }
      await registerAll(scene, swarm.nodes[1]!, 'Worker');
      await swarm.settle(swarm.boot().started);
      await untilAtRest(swarm);
      expect([...placesOf(scene, 'Worker').keys()]).toEqual(NAMES);
    }
  });

  it('that begins to throw when a node comes: its workers stop and wait, and start again when it is well', async () => {
    for (const seed of seeds(5)) {
      let broken = false;
      const throwing = custom((_, nodes) => {
        if (broken) throw new Error('out of order');
        return nodes[0]!.id;
      });
      const scene = swarmOf(seed, [{ type: 'Worker', strategy: throwing }, { type: 'Plain' }]);
      const { swarm, recorder } = scene;
      await swarm.form(2);
      const [a, b] = swarm.nodes;
      await registerAll(scene, b!, 'Worker');
      await registerAll(scene, b!, 'Plain', ['plain']);
      broken = true;
      await swarm.settle(swarm.boot().started);
      await until(swarm, 'they have stopped', () => [...a!.kernel.rows({ type: 'Worker' })].length === 0);
      await until(swarm, 'all know it', () => [...b!.kernel.rows({ type: 'Worker' })].length === 0);
      for (const name of NAMES) expect(recorder.reasons(name), storyOf(swarm)).toEqual(['no-quorum']);
      expect(parkedAt(a!)).toBe(NAMES.length);
      expect(namesOf(b!)).toEqual(['plain']);
      expect(await failureOf(swarm, call(swarm, b!, NAMES[0]!, 'add', 1))).toBeInstanceOf(
        NoNodeAvailableError,
      );
      broken = false;
      await swarm.settle(swarm.boot().started);
      await until(
        swarm,
        'they run again',
        () => [...b!.kernel.rows({ type: 'Worker' })].length === NAMES.length,
      );
      await untilAtRest(swarm);
      expect(new Set(placesOf(scene, 'Worker').values())).toEqual(new Set([idOf(a!)]));
      expect(registryOf(b!)).toEqual(registryOf(a!));
    }
  });
});
