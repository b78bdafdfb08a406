import { describe, expect, it } from 'vitest';
import { type PlaceableNode, staticQuorumRing, SwarmConfigurationError } from '../../lib/index.js';

const KEYS = Array.from({ length: 50 }, (_, index) => `key-${index}`);

function nodes(count: number): PlaceableNode[] {
  return Array.from({ length: count }, (_, index) => ({ id: `node${index + 1}@h:1`, weight: 1, labels: {} }));
}

/** What is named for each of the keys when so many nodes are there. */
function named(size: number | string, count: number): Set<string | undefined> {
  const placement = staticQuorumRing({ size }).place(nodes(count));
  return new Set(KEYS.map((key) => placement.nodeFor(key)));
}

describe('StaticQuorumRing', () => {
  it('key to node should return `undefined` until quorum size reached', () => {
    expect(named(2, 1)).toEqual(new Set([undefined]));
    expect(named(2, 2)).toEqual(new Set(['node1@h:1', 'node2@h:1']));
    expect(named(2, 3)).toEqual(new Set(['node1@h:1', 'node2@h:1', 'node3@h:1']));
  });

  it('quorum size should be set by binary setting: a string of digits, as an environment variable gives it', () => {
    expect(staticQuorumRing({ size: '5' }).quorum).toBe(5);
    expect(named('5', 4)).toEqual(new Set([undefined]));
    expect(named('5', 5).size).toBe(5);
  });

  it('creating StaticQuorumRing should raise if the setting is not a positive integer', () => {
    for (const size of [0, ['strange', 'tuple'], 0.5, 'fake']) {
      expect(() => staticQuorumRing({ size: size as number }), String(size)).toThrow(SwarmConfigurationError);
      expect(() => staticQuorumRing({ size: size as number })).toThrow('size must be a positive integer');
    }
  });
});
