import { describe, expect, it } from 'vitest';
import type { DrainReport } from '../../../lib/handoff/drain-report.js';
import { resume } from '../../../lib/workers/handoff-decision.js';
import { KernelSwarm, workerType } from '../node/support/kernel-swarm.js';

/** One of two nodes hosts so many workers, each of which needs a while to be packed and wherever it starts, and leaves. */
async function drained(
  count: number,
  startMs: (index: number) => number,
  { stateBytes = 8, beginMs = 0 } = {},
): Promise<DrainReport> {
  const swarm = new KernelSwarm();
  const pause = (ms: number): Promise<void> =>
    new Promise((done) => void swarm.nodes[1]!.runtime.after(ms, done));
  let pauses = false;
  let starts = 0;
  const type = workerType('Device', {
    start: () => pauses && pause(startMs(starts++)),
    begin: async () => {
      if (beginMs > 0) await pause(beginMs);
      return resume(Buffer.alloc(stateBytes));
    },
    end: () => undefined,
  });
  const [leaver] = await swarm.form(2, { types: [type] });
  for (let i = 0; i < count; i++) {
    const name = swarm.nameFor(leaver!, `name-${i}`);
    await swarm.settle(leaver!.kernel.register(name, 'Device', undefined, {}));
  }
  pauses = true;
  return swarm.settle(leaver!.kernel.drain({}));
}

describe('a node that leaves, whose workers need long for their start elsewhere', () => {
  it('moves as many at a time as it takes to be done in time', async () => {
    const report = await drained(150, () => 3_000);
    expect(report.left).toEqual([]);
    expect(report.moved).toBe(150);
  });

  it('does so also when some of them are fast', async () => {
    const report = await drained(1_500, (index) => (index % 10 === 0 ? 2 : 400));
    expect(report.left).toEqual([]);
    expect(report.tookMs).toBeLessThan(20_000);
  });

  it('sends several large states at a time when one after the other would come too late', async () => {
    const report = await drained(150, () => 500, { stateBytes: 300 * 1024 });
    expect(report.left).toEqual([]);
    expect(report.moved).toBe(150);
  });

  it('packs several large states at a time, too', async () => {
    const report = await drained(200, () => 1, { stateBytes: 300 * 1024, beginMs: 250 });
    expect(report.left).toEqual([]);
    expect(report.moved).toBe(200);
  });
});
