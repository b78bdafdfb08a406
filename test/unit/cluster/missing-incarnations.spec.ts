import { describe, expect, it } from 'vitest';
import { Members, newMember } from '../../../lib/cluster/members.js';
import { MissingIncarnations } from '../../../lib/cluster/missing-incarnations.js';
import type { NodeInfo } from '../../../lib/transport/node-info.js';
import { ManualRuntime } from '../runtime/support/manual.runtime.js';

function info(name: string, incarnation: number): NodeInfo {
  const address = { host: 'h', port: 1, weight: 1, labels: {} };
  const hosts = { hosting: true, types: ['Once', 'Other'], quorums: { Once: 2, Other: 2 }, leaseMs: 3_000 };
  return { id: `${name}@h:1`, name, incarnation, firstIncarnation: incarnation, ...address, ...hosts };
}

const X = info('x', 1);

/** Of node `a`, which is younger than `x`. */
function scene() {
  const members = new Members(newMember(info('a', 2), 'up', 0));
  const missing = new MissingIncarnations(members, new Map([['Once', 2], ['Other', 2]])); // prettier-ignore
  const bound = (type = 'Once') => {
    const { missing: some, isBlocked, places } = missing.boundOf(type);
    return { missing: some.map(({ name }) => name), isBlocked, places };
  };
  return { members, missing, bound };
}

describe('who is missing', () => {
  it('counts for each type from when it is added', () => {
    const { missing, bound } = scene();
    expect(bound()).toEqual({ missing: [], isBlocked: false, places: 1 });
    expect(missing.add(X, false, false)).toBe(true);
    for (const type of ['Once', 'Other'])
      expect(bound(type)).toEqual({ missing: ['x'], isBlocked: false, places: 2 });
    expect(missing.add(X, false, true), 'again').toBe(false);
    expect(bound().isBlocked).toBe(false);
  });

  it('counts no more for a type that it is released for', () => {
    const { missing, bound } = scene();
    missing.add(X, false, true);
    expect([bound('Once').places, bound('Other').places]).toEqual([2, 2]);
    const x = missing.get(X.id, 1)!;
    expect(missing.release(x, ['Once'])).toEqual(['Once']);
    expect(missing.release(x, ['Once', 'Other']), 'the rest').toEqual(['Other']);
    expect([...missing.allFor('Once'), ...missing.allFor('Other')]).toEqual([]);
    expect([bound('Once').places, bound('Other').places]).toEqual([1, 1]);
    expect(missing.has(X.id, 1)).toBe(true);
  });

  it('blocks what it may have taken over, but not if it has left', () => {
    const { missing, bound } = scene();
    missing.add(X, true, false);
    expect(bound()).toEqual({ missing: [], isBlocked: false, places: 2 });
    missing.block();
    expect(bound().isBlocked).toBe(false);
    missing.add(info('y', 1), false, false);
    expect(bound().isBlocked).toBe(false);
    missing.block();
    expect(bound().isBlocked).toBe(true);
  });

  it('counts no more when it is taken out, and nobody asks for it again', () => {
    const { missing, bound } = scene();
    const runtime = new ManualRuntime();
    missing.add(X, false, false);
    let asked = 0;
    missing.get(X.id, 1)!.timer = runtime.after(1, () => asked++);
    expect(bound().places).toBe(2);
    expect(missing.delete(X.id, 2), 'another incarnation').toBe(false);
    expect(missing.delete(X.id, 1)).toBe(true);
    expect(bound().places).toBe(1);
    runtime.pass(10);
    expect(asked).toBe(0);
  });

  it('counts with the members as they are', () => {
    const { members, missing, bound } = scene();
    missing.add(X, false, false);
    expect(bound().places).toBe(2);
    members.add(info('b', 3), 'up', 0);
    expect(bound().places).toBe(3);
  });

  it('counts for no type without a quorum', () => {
    const { missing } = scene();
    missing.add(X, false, false);
    expect([...missing.allFor('Any')]).toEqual([]);
  });
});
