import { describe, expect, it } from 'vitest';
import { ring } from '../../../lib/distribution/index.js';
import type { PlaceableNode } from '../../../lib/distribution/index.js';
import { seededRandom } from '../../../lib/runtime/virtual.runtime.js';

const NAMES = Array.from({ length: 2_000 }, (_, index) => `device-${index}`);

function nodes(count: number, weight: (index: number) => number = () => 1): PlaceableNode[] {
  return Array.from({ length: count }, (_, index) => ({
    id: `node-${index}@10.0.0.${index}:7946`,
    weight: weight(index),
    labels: {},
  })).sort(byId);
}

function byId(a: PlaceableNode, b: PlaceableNode): number {
  return a.id < b.id ? -1 : 1;
}

function owners(of: readonly PlaceableNode[], names = NAMES): Array<string | undefined> {
  const placement = ring().place(of);
  return names.map((name) => placement.nodeFor(name));
}

function shares(of: readonly PlaceableNode[]): Map<string | undefined, number> {
  const names = Array.from({ length: 10_000 }, (_, index) => `worker/${index}`);
  const counts = new Map<string | undefined, number>();
  for (const owner of owners(of, names)) counts.set(owner, (counts.get(owner) ?? 0) + 1 / names.length);
  return counts;
}

describe('the ring', () => {
  it('names nobody when there is nobody', () => {
    expect(ring().place([]).nodeFor('lamp')).toBeUndefined();
  });

  it('gives every name to the only node', () => {
    const [only] = nodes(1);
    expect(new Set(owners([only!]))).toEqual(new Set([only!.id]));
  });

  it('names the same owner on every node, in whatever order the nodes came to it', () => {
    const random = seededRandom(7);
    const names = NAMES.slice(0, 300);
    for (const count of [2, 3, 7, 14]) {
      const all = nodes(count, (index) => 1 + (index % 3));
      const expected = owners(all, names);
      for (let attempt = 0; attempt < 5; attempt++) {
        // Each node of a swarm has a strategy of its own, which has seen other sets of nodes before.
        const strategy = ring();
        const shuffled = [...all].sort(() => random() - 0.5);
        for (let known = 1; known <= count; known += 3) strategy.place(shuffled.slice(0, known).sort(byId));
        const placement = strategy.place([...shuffled].sort(byId));
        expect(names.map((name) => placement.nodeFor(name))).toEqual(expected);
      }
    }
  });

  // 7, 14, 28, 49, 56 and 98 nodes are counts at which the package's own number of points is off by one.
  it('moves names only to a node that is added, from 1 to 100 nodes', { timeout: 120_000 }, () => {
    const names = NAMES.slice(0, 300);
    const hundred = Array.from({ length: 100 }, (_, index) => ({
      id: `n${index}@h:${index}`,
      weight: 1,
      labels: {},
    }));
    let before = owners(hundred.slice(0, 1), names);
    for (let count = 2; count <= 100; count++) {
      const set = hundred.slice(0, count).sort(byId);
      const after = owners(set, names);
      const added = hundred[count - 1]!.id;
      const moved = after.filter((owner, index) => owner !== before[index]);
      expect(new Set(moved.length > 0 ? moved : [added]), `at ${count} nodes`).toEqual(new Set([added]));
      before = after;
    }
  });

  it('takes from a node that goes only what it had', () => {
    const all = nodes(8);
    const [gone] = all;
    const before = owners(all);
    const after = owners(all.slice(1));
    before.forEach((owner, index) => {
      if (owner !== gone!.id) expect(after[index]).toBe(owner);
    });
  });

  it('is made once for the same nodes, whoever asks for it: types and arbiters are placed on the same', () => {
    const placement = ring().place(nodes(5));
    expect(ring().place(nodes(5))).toBe(placement);
    expect(ring().place(nodes(6))).not.toBe(placement);
    expect(ring().place(nodes(5, (index) => 1 + (index % 2)))).not.toBe(placement);
  });

  it('spreads names evenly', () => {
    for (const count of [3, 7, 10]) {
      for (const [node, share] of shares(nodes(count))) {
        expect(share * count, `${node} of ${count}`).toBeGreaterThan(0.7);
        expect(share * count, `${node} of ${count}`).toBeLessThan(1.35);
      }
    }
  });

  it('gives a node of twice the weight about twice the names, and leaves the points of the others alone', () => {
    const light = nodes(4);
    const heavy = nodes(4, (index) => (index === 2 ? 2 : 1));
    const share = shares(heavy).get(heavy[2]!.id)!;
    expect(share).toBeGreaterThan(0.3);
    expect(share).toBeLessThan(0.5);
    const [before, after] = [owners(light), owners(heavy)];
    after.forEach((owner, index) => {
      if (owner !== heavy[2]!.id) expect(owner).toBe(before[index]);
    });
  });

  it('gives a node of very little weight a place all the same', () => {
    const placed = new Set(owners(nodes(2, (index) => (index === 0 ? 0.001 : 1))));
    expect(placed.size).toBe(2);
  });

  it('takes any string for a name', () => {
    const placement = ring().place(nodes(3));
    for (const name of ['', ' ', 'ü/ß/日本', '__proto__', 'constructor', 'toString', 'a'.repeat(1_024)]) {
      const owner = placement.nodeFor(name);
      expect(owner, name).toMatch(/^node-/);
      expect(ring().place(nodes(3)).nodeFor(name), name).toBe(owner);
    }
  });

  it('takes any node id that an address can give', () => {
    const ids = ['a@[::1]:7946', 'b@127.0.0.1:7946', 'ü-b@localhost:1', 'x=y&z@h:2'];
    const placement = ring().place(ids.sort().map((id) => ({ id, weight: 1, labels: {} })));
    expect(new Set(NAMES.map((name) => placement.nodeFor(name)))).toEqual(new Set(ids));
  });
});
