import { afterEach, describe, expect, it, vi } from 'vitest';
import { JoinBarrier } from '../../lib/cluster/join-barrier.js';
import { Replicas } from '../../lib/tracker/replicas.js';
import { FrameKind } from '../../lib/transport/frame.js';
import { History } from './history.js';
import { SimulatedSwarm, type SimulationOptions } from './simulated-swarm.js';

/** `SEEDS=5000 FIRST_SEED=1000` runs more, and others. */
const SEEDS = Number(process.env['SEEDS'] ?? 90);
const FIRST_SEED = Number(process.env['FIRST_SEED'] ?? 1);
/** Within this many seeds a promise test must notice that what keeps the promise is switched off. */
const BITES_WITHIN = 100;
const TIMEOUT_MS = 1_800_000;

type Faults = Omit<SimulationOptions, 'seed'>;

async function run(seed: number, faults: Faults = {}): Promise<{ violations: string[]; story: string[] }> {
  const swarm = new SimulatedSwarm({ seed, ...faults });
  // Few names make operations meet each other, many spread them.
  const history = new History(swarm, { nodes: 3 + (seed % 5), names: seed % 2 ? 200 : 12, commands: 50 });
  await history.run();
  return { violations: history.violations, story: swarm.story };
}

async function expectPromisesKept(faults: Faults = {}): Promise<void> {
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
    const { violations, story } = await run(seed, faults);
    expect(violations, `seed ${seed}\n${story.join('\n')}`).toEqual([]);
  }
}

/** Runs until a violation that starts with `promise` is found. */
async function expectToBite(promise: string, faults: Faults = {}): Promise<void> {
  for (let seed = 1; seed <= BITES_WITHIN; seed++) {
    const { violations } = await run(seed, faults);
    if (violations.some((violation) => violation.startsWith(promise))) return;
  }
  expect.fail(`no seed up to ${BITES_WITHIN} broke ${promise}`);
}

/** One batch in five vanishes on a link that stays, as when a full queue refused it. */
const losesBatches: Faults = {
  loses: (random, _from, _to, frame) => frame.kind === FrameKind.Batch && random() < 0.2,
};

describe('a swarm of 3 to 7 nodes under boots, crashes, stops, broken and cut links', () => {
  it(`keeps P1, P4, P6, P7 and P8 over ${SEEDS} seeds`, { timeout: TIMEOUT_MS }, () => expectPromisesKept());

  it(`keeps P6 over ${SEEDS} seeds also when links lose batches`, { timeout: TIMEOUT_MS }, async () => {
    for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
      const { violations, story } = await run(seed, losesBatches);
      const about = violations.filter(
        (violation) => violation.startsWith('P6') || violation.startsWith('P7'),
      );
      expect(about, `seed ${seed}\n${story.join('\n')}`).toEqual([]);
    }
  });
});

describe('the same histories', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it('break P1 without the join barrier', { timeout: TIMEOUT_MS }, async () => {
    vi.spyOn(JoinBarrier.prototype, 'isOpen').mockReturnValue(true);
    await expectToBite('P1');
  });

  it('break P6 without the repair of gaps', { timeout: TIMEOUT_MS }, async () => {
    vi.spyOn(Replicas.prototype as unknown as { repair(): void }, 'repair').mockReturnValue();
    await expectToBite('P6', losesBatches);
  });

  it('break P4 without the acknowledgement of peers', { timeout: TIMEOUT_MS }, () =>
    expectToBite('P4', { kernel: { acks: 0 } }),
  );
});
