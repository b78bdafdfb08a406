import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { FailureDetector } from '../../../lib/cluster/failure-detector.js';
import type { Phase, ScaleResult } from './scale-result.js';
import { studyRollingStart, studyStart } from './scale-study.js';

const SIZES = [5, 10, 20];
/** What a node has to do with each of the others may grow by so much where there are four times as many. */
const GROWTH = 1.25;

const options = { names: 10, seed: 1, budgetSeconds: 25, collectGarbage: undefined };

type PhaseName = 'start' | 'rest' | 'register' | 'failover';

/** Of one node and one of its peers, in `phase`: the same for every size where a node's work is linear in the size. */
function perPeer({ nodes, ...result }: ScaleResult, phase: PhaseName, unit: 'frames' | 'bytes'): number {
  const { traffic } = result[phase] as Phase;
  // Those who are left go on without the one that has died.
  const alive = phase === 'failover' ? nodes - 1 : nodes;
  return traffic[unit] / alive / (alive - 1);
}

/** How much more it is in the largest swarm than in the smallest. */
function growth(results: readonly ScaleResult[], figure: (result: ScaleResult) => number): number {
  return figure(results.at(-1)!) / figure(results[0]!);
}

describe('swarms of 5, 10 and 20 nodes with 10 names on each', () => {
  let results: ScaleResult[] = [];

  beforeAll(async () => {
    results = [];
    for (const nodes of SIZES) results.push(await studyStart({ nodes, ...options }));
  });

  it('are measured to the end', () => {
    expect(results.map(({ nodes, unfinished }) => [nodes, unfinished])).toEqual(
      SIZES.map((nodes) => [nodes, undefined]),
    );
  });

  it('are one swarm, show all names, and have replaced a dead node within bounds that do not depend on their size', () => {
    for (const { nodes, start, register, crash, failover } of results) {
      expect(start!.tookMs, `start of ${nodes}`).toBeLessThanOrEqual(100);
      expect(register!.tookMs, `names of ${nodes}`).toBeLessThanOrEqual(100);
      expect(crash!.tookMs, `crash of one of ${nodes}`).toBeLessThanOrEqual(100);
      expect(failover!.tookMs, `failover of one of ${nodes}`).toBeLessThanOrEqual(200);
    }
  });

  it('exchange a ping, a pong and an acknowledgement per link, direction and heartbeat at rest', () => {
    for (const result of results) {
      const heartbeats = result.rest!.traffic.ms / 1_000;
      expect(perPeer(result, 'rest', 'frames') / heartbeats).toBeCloseTo(3, 1);
      expect(perPeer(result, 'rest', 'bytes') / heartbeats).toBeLessThanOrEqual(64);
    }
  });

  it.each(['start', 'rest', 'register', 'failover'] as const)(
    'cost each node linearly in their size: %s',
    (phase) => {
      expect(growth(results, (result) => perPeer(result, phase, 'frames'))).toBeLessThan(GROWTH);
      expect(growth(results, (result) => perPeer(result, phase, 'bytes'))).toBeLessThan(GROWTH);
    },
  );

  it('come up node by node as soon as they do at once', async () => {
    const { unfinished, lastJoin } = await studyRollingStart({ nodes: 10, ...options });
    expect(unfinished).toBeUndefined();
    expect(lastJoin!.tookMs).toBeLessThanOrEqual(100);
  });
});

describe('the bounds', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it('bite where every node tells every other about all', async () => {
    const ping = FailureDetector.prototype.pingAll;
    vi.spyOn(FailureDetector.prototype, 'pingAll').mockImplementation(function (this: FailureDetector) {
      for (let i = 0; i < nodes; i++) ping.call(this);
    });
    const results: ScaleResult[] = [];
    let nodes = 0;
    for (nodes of [5, 10]) results.push(await studyStart({ nodes, ...options, names: 0 }));
    expect(growth(results, (result) => perPeer(result, 'rest', 'bytes'))).toBeGreaterThan(GROWTH);
  });

  it('bite where the study has too little time for its swarm', async () => {
    const { unfinished, failover } = await studyStart({ nodes: 20, ...options, budgetSeconds: 0 });
    expect(unfinished).toMatch(
      /^start: not done after .* of 20 × 20 pairs of nodes \d+ are linked, and \d+ up/,
    );
    expect(failover).toBeUndefined();
  });
});
