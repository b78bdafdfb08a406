import { describe, expect, it } from 'vitest';
import { type PlaceableNode, ring, staticQuorumRing } from '../../../lib/distribution/index.js';
import { SwarmConfigurationError } from '../../../lib/errors/index.js';

const NAMES = Array.from({ length: 200 }, (_, index) => `device-${index}`);
const nodes = (count: number): PlaceableNode[] =>
  Array.from({ length: count }, (_, index) => ({
    id: `node-${index}@h:1`,
    weight: 1 + (index % 2),
    labels: {},
  }));

describe('the static quorum ring', () => {
  it.each([1, 2, 3, 5])(
    'of %i nodes names nobody below its size, and the same as the ring from there on',
    (size) => {
      const strategy = staticQuorumRing({ size });
      expect(strategy.quorum).toBe(size);
      for (let count = 0; count <= 2 * size; count++) {
        const placement = strategy.place(nodes(count));
        const expected = ring().place(nodes(count));
        for (const name of NAMES) {
          expect(placement.nodeFor(name)).toBe(count < size ? undefined : expected.nodeFor(name));
        }
      }
    },
  );

  it('takes a number as an environment variable gives it', () => {
    const strategy = staticQuorumRing({ size: '3' });
    expect(strategy.quorum).toBe(3);
    expect(strategy.place(nodes(2)).nodeFor('lamp')).toBeUndefined();
    expect(strategy.place(nodes(3)).nodeFor('lamp')).toBe(ring().place(nodes(3)).nodeFor('lamp'));
  });

  it.each<[string, unknown, string]>([
    ['0', 0, '0'],
    ['"0"', '0', '"0"'],
    ['a negative number', -1, '-1'],
    ['half a node', 0.5, '0.5'],
    ['half a node as text', '2.5', '"2.5"'],
    ['NaN', Number.NaN, 'NaN'],
    ['infinity', Number.POSITIVE_INFINITY, 'Infinity'],
    ['more than can be counted', 2 ** 60, String(2 ** 60)],
    ['a word', 'x', '"x"'],
    ['an empty string', '', '""'],
    ['a number with a unit', '3 nodes', '"3 nodes"'],
    ['a tuple', [2, 3], 'an array'],
    ['a tuple that reads as a number', [3], 'an array'],
    ['an object', Object.create(null), 'an object'],
    ['null', null, 'null'],
    ['undefined', undefined, 'undefined'],
    ['true', true, 'true'],
  ])('refuses %s at once, and says what to write', (_title, size, shown) => {
    const make = () => staticQuorumRing({ size: size as number });
    expect(make).toThrow(SwarmConfigurationError);
    expect(make).toThrow(
      `staticQuorumRing: size must be a positive integer, as { size: 2 } for 3 nodes, not ${shown}`,
    );
  });

  it('refuses to be made without options', () => {
    const make = staticQuorumRing as unknown as (options?: unknown) => unknown;
    for (const options of [undefined, null, 3]) {
      expect(() => make(options)).toThrow('size must be a positive integer');
      expect(() => make(options)).toThrow(SwarmConfigurationError);
    }
  });
});
