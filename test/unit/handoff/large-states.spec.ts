import { describe, expect, it } from 'vitest';
import { resume } from '../../../lib/workers/handoff-decision.js';
import { KernelSwarm, workerType } from '../node/support/kernel-swarm.js';

const LARGE_BYTES = 300 * 1024;

interface Counter {
  readonly prefix: string;
  readonly bytes: number;
}

/**
 * Registers a worker for each prefix on one of two nodes, which leaves then: who was packed, and who arrived at the other,
 * in order.
 */
async function drained(counters: readonly Counter[]): Promise<{ packed: string[]; arrived: string[] }> {
  const packed: string[] = [];
  const arrived: string[] = [];
  const contents = new WeakMap<object, Counter>();
  const type = workerType('Device', {
    start: (instance, _, args) => void contents.set(instance, args as Counter),
    begin: (instance) => {
      const { prefix, bytes } = contents.get(instance)!;
      packed.push(prefix);
      return resume(Buffer.alloc(bytes, prefix));
    },
    end: (instance, state) => {
      const { prefix, bytes } = contents.get(instance)!;
      if (Buffer.alloc(bytes, prefix).equals(state as Buffer)) arrived.push(prefix);
    },
  });
  const swarm = new KernelSwarm();
  const [leaver] = await swarm.form(2, { types: [type] });
  const { kernel } = leaver!;
  for (const counter of counters) {
    const name = swarm.nameFor(leaver!, counter.prefix);
    await swarm.settle(kernel.register(name, 'Device', counter, {}));
  }
  const report = await swarm.settle(kernel.drain({}));
  expect(report).toMatchObject({ left: [], moved: counters.length });
  return { packed, arrived };
}

describe('a worker with a large state', () => {
  it('is packed once where no other waits', async () => {
    const { packed, arrived } = await drained([{ prefix: 'large', bytes: LARGE_BYTES }]);
    expect(arrived).toEqual(['large']);
    expect(packed).toEqual(['large']);
  });

  it('goes after all small ones, wherever it stood among them', async () => {
    const small = Array.from({ length: 30 }, (_, index) => ({ prefix: `small-${index}`, bytes: 100 }));
    const { arrived } = await drained([{ prefix: 'large', bytes: LARGE_BYTES }, ...small]);
    expect(arrived).toHaveLength(31);
    expect(arrived.at(-1)).toBe('large');
  });

  it('waits for its turn among others of its kind, and is packed at most twice', async () => {
    const large = Array.from({ length: 8 }, (_, index) => ({ prefix: `large-${index}`, bytes: LARGE_BYTES }));
    const { packed, arrived } = await drained(large);
    expect(arrived.toSorted()).toEqual(large.map(({ prefix }) => prefix));
    // Seven are found to be large while others wait; the last goes at once, and they follow.
    expect(packed).toHaveLength(8 + 7);
  });
});
