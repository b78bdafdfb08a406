import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Application, Worker } from './support/application.js';

/** The original's cases run on one node; here both nodes are asked. */
const NODES = [0, 1] as const;

let app: Application;

describe('registry', () => {
  beforeAll(async () => {
    app = await Application.of(2);
  });

  afterAll(() => app.cluster.close());

  it('register_name/4: what is registered is found by name, by node, by both, by its ref, by what is said of it, and among all', async () => {
    const args = { group: 'registered' };
    const refs = [
      await app.registry(0).register('test-1', Worker, args),
      await app.registry(1).register('test-2', Worker, args),
    ];
    await app.cluster.settled();
    for (const node of NODES) {
      const registry = app.registry(node);
      for (const ref of refs) {
        const { name } = ref;
        expect(registry.whereis(name)?.toJSON()).toEqual(ref.toJSON());
        expect(registry.whereis(name, Worker)?.node).toBe(ref.node);
        const names = (filter: object): string[] =>
          [...registry.registered(filter)].map((found) => found.name);
        expect(names({ node: ref.node })).toContain(name);
        expect(names({ node: ref.node, prefix: name })).toEqual([name]);
        expect(names({ node: 'nobody@h:1', prefix: name })).toEqual([]);
        expect(await ref.call('who')).toBe(name);
        expect(await registry.call(name, 'who')).toBe(name);
      }
      expect([...registry.registered({ type: Worker })].map(({ name }) => name).sort()).toEqual([
        'test-1',
        'test-2',
      ]);
      expect([...registry.registered({ group: 'registered' })]).toHaveLength(2);
      expect(app.registered(node)).toEqual(refs.map((ref) => JSON.stringify(ref)));
      expect(registry.count()).toBe(2);
    }
  });

  it('join/2 (joining a group does not create race conditions)', async () => {
    for (let i = 0; i < 50; i++) {
      const [name, group] = [`agent-${i}`, `agents-${i}`];
      await app.registry(0).register(name, Worker);
      await app.groups(0).join(group, name);
      const members = app.groups(0).members(group);
      expect(members.map((member) => member.name)).toEqual([name]);
      expect(await members[0]!.call('who')).toBe(name);
      expect(await app.groups(0).multiCall(group, 'who')).toEqual([name]);
    }
  });

  it('whereis_or_register_name/4: finds what is there, and registers what is not', async () => {
    const there = await app.registry(0).register('test-3', Worker);
    const { fence } = there;
    await there.call('add', 5);
    for (const node of NODES) {
      const found = await app.registry(node).registerOrGet('test-3', Worker);
      expect(found.fence, 'the same activation').toBe(fence);
      expect(await found.call('add', 0)).toBe(5);
    }
    // In one instant on both nodes: one starts it, and both get the same.
    const refs = await Promise.all(NODES.map((node) => app.registry(node).registerOrGet('test-4', Worker)));
    await app.cluster.settled();
    expect(new Set(refs.map((ref) => JSON.stringify(ref))).size).toBe(1);
    for (const node of NODES) {
      expect(app.registry(node).whereis('test-4')?.toJSON()).toEqual(refs[0]!.toJSON());
    }
  });
});
