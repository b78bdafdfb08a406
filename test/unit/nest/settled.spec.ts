import { describe, expect, it } from 'vitest';
import type { Kernel } from '../../../lib/node/kernel.interface.js';
import type { SwarmSnapshot } from '../../../lib/node/swarm-snapshot.interface.js';
import { unrest } from '../../../lib/testing/settled.js';

type Rows = SwarmSnapshot['rows'][number];

const rows = (node: string, more: Partial<Rows> = {}): Rows => ({
  ...{ node, incarnation: 1, seq: 5, digest: 9 },
  ...{ starting: 0, running: 1, arriving: 0, parked: 0, orphaned: 0 },
  ...more,
});

/** Two nodes, `a` and `b`, of which `b` sees the rows of `a` like this. */
function swarm(
  seen: Partial<Rows>,
  own: Partial<Rows> = seen,
  queues: Record<string, number> = {},
): Kernel[] {
  const nodes = ['a', 'b'].map((id) => ({ id, status: 'up' }));
  const kernel = (index: number, of: Partial<Rows>, work: Record<string, number>): Kernel => {
    const snapshot = { self: nodes[index], nodes, queues: work, rows: [rows('a', of), rows('b')] };
    return { inspect: () => snapshot } as unknown as Kernel;
  };
  return [kernel(0, own, {}), kernel(1, seen, queues)];
}

describe('a swarm', () => {
  it.each<[string, Partial<Rows>]>([
    ['whose workers run', {}],
    ['with parked workers', { running: 0, parked: 3 }],
    ['that hosts nothing', { running: 0 }],
  ])('%s is at rest', (_title, of) => {
    expect(unrest(swarm(of))).toBeUndefined();
  });

  it.each<[string, Partial<Rows>, string]>([
    ['start', { starting: 2 }, 'a knows of 2 workers that are starting'],
    ['are on their way', { arriving: 3 }, 'a knows of 3 workers that are on their way to another node'],
    ['belong to a dead node', { orphaned: 1 }, 'a holds 1 workers of dead nodes that nobody hosts yet'],
  ])('whose workers %s is not', (_title, of, why) => {
    expect(unrest(swarm(of))).toBe(why);
  });

  it('with something under way on one node is not', () => {
    expect(unrest(swarm({}, {}, { moves: 4, calls: 0 }))).toBe('b is busy: 4 moves');
  });

  it('whose nodes differ is not', () => {
    expect(unrest(swarm({ digest: 8 }, { digest: 9 }))).toBe(
      'the nodes differ about a: 1 at 1/5 (9) and 1 at 1/5 (8)',
    );
    // The same number of rows, one of them in another state.
    expect(unrest(swarm({ running: 0, parked: 1 }, {}))).toContain('the nodes differ about a');
    expect(unrest(swarm({ running: 0 }, { running: 0, parked: 1 }))).toContain('nothing');
  });
});
