import { describe, expect, it } from 'vitest';
import { Quorum, type QuorumParts } from '../../../lib/handoff/quorum.js';

/** A quorum whose node has a lease; what it waits for is held by all when the test says so. */
function quorum() {
  const held: Array<() => void> = [];
  const parts = {
    quorums: new Map([['Once', 2]]),
    leaseMs: 3_000,
    runtime: { now: () => 0 },
    host: { allowUntil: () => undefined },
    membership: { leases: { isHeld: () => true } },
    stream: { whenHeld: (_acks: number, _except: undefined, done: () => void) => void held.push(done) },
    logger: { warn: () => undefined, log: () => undefined },
    emit: () => undefined,
    regained: () => undefined,
  } as unknown as QuorumParts;
  return { quorum: new Quorum(parts), held };
}

describe('workers that were parked for want of a lease', () => {
  it('may start again when all hold what has been parked, also since the lease was there last', () => {
    const { quorum: one, held } = quorum();
    one.leasesChanged([], ['Once']);
    one.leasesChanged(['Once'], []);
    one.leasesChanged([], ['Once']);
    expect(held).toHaveLength(2);
    held[0]?.();
    expect(one.mayRestart('Once')).toBe(false);
    held[1]?.();
    expect(one.mayRestart('Once')).toBe(true);
  });
});
