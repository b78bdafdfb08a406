import { MessagePattern } from '@nestjs/microservices';
import { afterEach, describe, expect, it } from 'vitest';
import { SimulatedSwarm } from '../simulation/simulated-swarm.js';
import { pinnedWorker } from '../simulation/simulated-worker.js';
import { Application, RestartWorker, Worker } from './support/application.js';
import { Recorder } from './support/recorded-workers.js';
import { call, storyOf, untilAtRest } from './support/swarm-view.js';

const NODES = [0, 1] as const;
const WORKER_COUNT = 10;
const GROUP = 'group1';
const NAMES = Array.from({ length: WORKER_COUNT }, (_, index) => `worker-${index}`);
/** Until a node that is not heard is taken for dead and its workers run elsewhere: about two seconds here. */
const SPLIT_WITHIN = { timeout: 10_000 };

let app: Application | undefined;

async function twoNodes(): Promise<Application> {
  app = await Application.of(2);
  return app;
}

/** Both nodes show all names and members, and each has a part of them. */
function expectDistributed(on: Application): void {
  for (const node of NODES) {
    expect(on.names(node)).toEqual(NAMES);
    expect(on.groupMembers(node, GROUP)).toEqual(NAMES);
    expect(on.workersFor(node).length).toBeLessThan(WORKER_COUNT);
    expect(on.membersFor(node, GROUP)).toEqual(on.workersFor(node));
    for (const name of NAMES)
      expect(on.registry(node).whereis(name)?.node).toBe(on.swarm(node).ownerOf(name));
  }
  expect([...on.workersFor(0), ...on.workersFor(1)].sort()).toEqual(NAMES);
}

describe('integration', () => {
  afterEach(async () => {
    await app?.cluster.close();
    app = undefined;
  });

  it('correct redistribution of processes', async () => {
    const on = await twoNodes();
    for (const name of NAMES) await on.registry(0).register(name, Worker, { group: GROUP });
    await on.cluster.settled();
    expectDistributed(on);
    for (const name of NAMES) expect(await on.registry(0).call(name, 'add', 1)).toBe(1);

    on.cluster.cut(0, 1);
    for (const node of NODES) {
      await expect.poll(() => on.workersFor(node), SPLIT_WITHIN).toEqual(NAMES);
      await expect.poll(() => on.membersFor(node, GROUP), SPLIT_WITHIN).toEqual(NAMES);
      expect(on.groupMembers(node, GROUP)).toEqual(NAMES);
      const answers = await on.groups(node).multiCall(GROUP, 'who');
      expect(answers.sort(), 'each side reaches all members').toEqual(NAMES);
    }

    on.cluster.heal();
    await on.cluster.settled();
    expectDistributed(on);
    for (const node of NODES) expect((await on.groups(node).multiCall(GROUP, 'who')).sort()).toEqual(NAMES);
    for (const name of NAMES) expect(await on.registry(1).call(name, 'add', 0), name).toBe(1);
  });

  it('redistribute already started process', async () => {
    const on = await twoNodes();
    const names = ['worker-1', 'worker-2', 'worker-3', 'worker-4'];
    for (const name of names) await on.registry(0).register(name, RestartWorker);
    await on.cluster.settled();
    expect(on.registered(0)).toEqual(on.registered(1));

    on.cluster.cut(0, 1);
    for (const node of NODES) await expect.poll(() => on.workersFor(node), SPLIT_WITHIN).toEqual(names);
    for (const name of names) {
      expect(on.registry(0).whereis(name)?.node).not.toBe(on.registry(1).whereis(name)?.node);
    }

    on.cluster.heal();
    await on.cluster.settled();
    expect(on.registered(0), 'one worker per name').toEqual(on.registered(1));
    expect(on.names(0)).toEqual(names);
    for (const name of names) {
      expect(on.registry(0).whereis(name)?.node).toBe(on.swarm(0).ownerOf(name));
      expect(await on.registry(0).call(name, 'add', 1)).toBe(await on.registry(1).call(name, 'add', 0));
    }
  });

  it("don't attempt to redistribute processes started with `Swarm.register_name/2`", async () => {
    const recorder = new Recorder();
    const swarm = new SimulatedSwarm({ seed: 3, definitions: recorder.definitions({ type: 'Worker' }) });
    await swarm.form(2);
    const [first] = swarm.nodes;
    const { kernel } = first!;
    const pinned = Array.from({ length: 20 }, (_, index) => `agent-${index}`);
    for (const name of pinned) {
      const { definition, instance } = pinnedWorker(first!.key, name);
      await swarm.settle(kernel.registerLocal(name, definition, instance));
    }
    await swarm.settle(Promise.all(NAMES.map((name) => kernel.register(name, 'Worker', undefined, {}))));
    const before = new Map(pinned.map((name) => [name, kernel.lookup(name)!.fence]));

    const newcomer = swarm.boot();
    await swarm.settle(newcomer.started);
    await untilAtRest(swarm);
    const { id } = newcomer.node.kernel.self;
    expect([...kernel.rows({ node: id })].length, 'others have moved there').toBeGreaterThan(0);
    for (const node of swarm.alive) {
      for (const name of pinned) {
        const row = node.kernel.lookup(name);
        expect(row, storyOf(swarm)).toMatchObject({ node: kernel.self.id, fence: before.get(name) });
      }
    }
    expect(await call(swarm, newcomer.node, 'agent-7', 'where')).toBe(first!.key);
    expect(pinned.some((name) => newcomer.node.kernel.ownerOf(name, 'Worker') === id)).toBe(true);
  });

  it('remove processes started with `Swarm.register_name/2` when hosting node goes down', async () => {
    class Agent {
      @MessagePattern('get')
      get(): string {
        return 'testing';
      }
    }
    const on = await twoNodes();
    await on.registry(0).registerLocal('agent-1', new Agent());
    await on.registry(1).registerLocal('agent-2', new Agent());
    await on.registry(1).registerLocal('agent-3', new Agent());
    await on.cluster.settled();
    for (const node of NODES) {
      expect(on.names(node)).toEqual(['agent-1', 'agent-2', 'agent-3']);
      expect(await on.registry(node).call('agent-2', 'get')).toBe('testing');
    }
    // What the original does: the process itself stops.
    await on.registry(1).unregister('agent-3');
    await on.cluster.settled();
    for (const node of NODES) expect(on.names(node)).toEqual(['agent-1', 'agent-2']);
    // And what it is called: its node goes down.
    await on.cluster.kill(1);
    await on.cluster.settled();
    expect(on.names(0)).toEqual(['agent-1']);
    expect(on.registry(0).whereis('agent-2')).toBeUndefined();
    expect(await on.registry(0).locate('agent-2')).toBeUndefined();
  });
});
