import { afterEach, describe, expect, it } from 'vitest';
import { Application, Worker } from './support/application.js';

const NODES = [0, 1, 2] as const;
const NAMES = Array.from({ length: 30 }, (_, index) => `worker-${String(index).padStart(2, '0')}`);
const SPLIT_WITHIN = { timeout: 10_000 };

let app: Application | undefined;

/** Both sides of every pair of nodes show the same, as sets, and every name is where it belongs. */
function expectEqualAndInPlace(on: Application): void {
  const [first, ...others] = NODES.map((node) => new Set(on.registered(node)));
  for (const other of others) expect(other).toEqual(first);
  for (const node of NODES) {
    expect(on.names(node)).toEqual(NAMES);
    for (const name of NAMES) {
      expect(on.registry(node).whereis(name)?.node, name).toBe(on.swarm(node).ownerOf(name));
      expect(on.swarm(node).explain(name)).toMatchObject({ misplaced: false, rivals: [], status: 'running' });
    }
  }
}

describe('distributed', () => {
  afterEach(async () => {
    await app?.cluster.close();
    app = undefined;
  });

  it('correct redistribution of processes: after a split and a heal both registries are equal as sets, and every process is back in the correct place', async () => {
    const on = (app = await Application.of(3));
    for (const name of NAMES) await on.registry(2).register(name, Worker);
    await on.cluster.settled();
    expectEqualAndInPlace(on);
    const home = new Map(NAMES.map((name) => [name, on.registry(0).whereis(name)!.node]));
    for (const name of NAMES) await on.registry(1).call(name, 'add', 1);

    for (const node of [0, 1]) on.cluster.cut(node, 2);
    const lost = NAMES.filter((name) => home.get(name) === on.id(2));
    expect(lost.length).toBeGreaterThan(0);
    for (const node of [0, 1]) {
      await expect
        .poll(() => lost.map((name) => on.registry(node).whereis(name)?.node), SPLIT_WITHIN)
        .toSatisfy((nodes: Array<string | undefined>) =>
          nodes.every((id) => id === on.id(0) || id === on.id(1)),
        );
    }
    await expect.poll(() => on.workersFor(2), SPLIT_WITHIN).toEqual(NAMES);
    // Each side counts for itself.
    for (const name of NAMES) {
      await on.registry(0).call(name, 'add', 10);
      await on.registry(2).call(name, 'add', 100);
    }

    on.cluster.heal();
    await on.cluster.settled();
    expectEqualAndInPlace(on);
    for (const name of NAMES) {
      expect(on.registry(0).whereis(name)?.node, 'as before the split').toBe(home.get(name));
      const count = await on.registry(1).call<number>(name, 'add', 0);
      // The count of before the split was that of one side only.
      expect(count, name).toBe(111);
    }
  });

  it('beyond the original: a cluster that has settled after a heal has nothing left to move', async () => {
    const on = (app = await Application.of(2));
    on.cluster.cut(0, 1);
    for (const node of [0, 1]) {
      await expect.poll(() => on.swarm(node).nodes().length, SPLIT_WITHIN).toBe(1);
    }
    for (const name of NAMES) await on.registry(0).register(name, Worker);
    on.cluster.heal();
    await on.cluster.settled();
    for (const name of NAMES) {
      expect(on.registry(0).whereis(name)?.node, name).toBe(on.swarm(0).ownerOf(name));
    }
    expect(on.workersFor(1).length).toBeGreaterThan(0);
  });
});
