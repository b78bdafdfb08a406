import { describe, expect, it } from 'vitest';
import { quorumWarnings } from '../../../lib/distribution/index.js';

describe('warnings about a quorum', () => {
  it.each([
    [1, 1],
    [3, 2],
    [5, 3],
    [3, 3],
    [5, 5],
    [7, 4],
  ])('are none for %i nodes and a quorum of %i', (count, size) => {
    expect(quorumWarnings('Device', count, size)).toEqual([]);
  });

  it.each([
    [0, 2],
    [1, 2],
    [2, 3],
    [4, 5],
  ])('are none for %i nodes below a quorum of %i', (count, size) => {
    expect(quorumWarnings('Device', count, size)).toEqual([]);
  });

  it.each([
    [3, 1, 1, 2],
    [5, 2, 3, 3],
    [9, 3, 5, 5],
    [2001, 2, 3, 1001],
  ])('say that %i nodes are too many for a quorum of %i', (count, size, most, fitting) => {
    const [warning, ...others] = quorumWarnings('Device', count, size);
    expect(others).toEqual([]);
    expect(warning).toContain(
      `Device: ${count} nodes are too many for a quorum of ${size}, which fits ${most}`,
    );
    expect(warning).toContain('two halves of a split swarm could both have a quorum');
    expect(warning).toContain(`a size of ${fitting} would fit`);
    // The size that is named really fits, and is a majority.
    expect(quorumWarnings('Device', count, fitting)).toEqual([]);
    expect(2 * fitting).toBeGreaterThan(count);
  });

  it.each([
    [2, 2],
    [4, 3],
    [4, 4],
    [6, 4],
  ])('say that %i nodes with a quorum of %i survive no more losses than one fewer', (count, size) => {
    expect(quorumWarnings('Device', count, size)).toEqual([
      `Device: ${count} nodes, an even number, survive no more losses than ${count - 1} would with the quorum that fits them; use an odd number of nodes`,
    ]);
  });

  it('say both of an even number that is too large', () => {
    const [many, even, ...others] = quorumWarnings('Device', 4, 2);
    expect(others).toEqual([]);
    expect(many).toContain('a size of 3 would fit');
    expect(even).toContain('4 nodes, an even number');
  });
});
