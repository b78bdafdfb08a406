import { describe, expect, it } from 'vitest';
import { exceededMessage, quorumWarnings } from '../../../lib/distribution/quorum-warnings.js';

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
    [2, 1],
    [4, 2],
    [5, 2],
    [6, 3],
    [2000, 2],
  ])('are none for %i nodes beyond a quorum of %i: an odd number of them counts', (count, size) => {
    expect(quorumWarnings('Device', count, size)).toEqual([]);
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
});

describe('the message about nodes beyond a quorum', () => {
  it('names them, and says why and what to do', () => {
    expect(exceededMessage('Device', 2, ['api-4@10.0.0.4:7946', 'api-5@10.0.0.5:7946'])).toBe(
      'Device: no worker runs on api-4@10.0.0.4:7946, api-5@10.0.0.5:7946, because a quorum of 2 fits 3 node(s) at most: ' +
        'with more of them two halves of a split swarm could both have one. They take the places of nodes that leave, or ' +
        'that a quorum has fenced. If all shall host workers, stop all nodes and start them with staticQuorumRing({ size: 3 })',
    );
  });

  it.each([
    [1, 1],
    [1, 2],
    [2, 1],
    [2, 6],
    [3, 5],
    [3, 1998],
  ])(
    'beyond a quorum of %i names for %i more the smallest size that is a majority of all',
    (size, beyond) => {
      const nodes = Array.from({ length: beyond }, (_, index) => `n${index}`);
      const count = 2 * size - 1 + beyond;
      const fitting = Number(
        /staticQuorumRing\(\{ size: (\d+) \}\)/.exec(exceededMessage('Device', size, nodes))?.[1],
      );
      expect(2 * fitting).toBeGreaterThan(count);
      expect(2 * (fitting - 1)).toBeLessThanOrEqual(count);
      // As many nodes as there are have a place then.
      expect(2 * fitting - 1).toBeGreaterThanOrEqual(count);
    },
  );

  it('names ten nodes, and the number of the others', () => {
    const nodes = Array.from({ length: 12 }, (_, index) => `n${index}`);
    expect(exceededMessage('Device', 2, nodes.slice(0, 10))).toContain('n8, n9, because');
    expect(exceededMessage('Device', 2, nodes)).toContain('n8, n9 and 2 more, because');
  });
});
