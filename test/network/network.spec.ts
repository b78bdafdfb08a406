import { afterAll, describe, expect, it } from 'vitest';
import { CHANGES } from './scenarios/changes.js';
import { FAILOVERS } from './scenarios/failover.js';
import { PARTITIONS } from './scenarios/partitions.js';
import { PAUSES } from './scenarios/pauses.js';
import { clearLeftovers } from './support/laboratory.js';
import { endAll, play, type Scenario } from './support/scenario.js';
import { skipReason } from './support/skip-reason.js';
import { Tally } from './support/tally.js';

const { NETWORK_ONLY = '', NETWORK_REPEAT = '1', CI } = process.env;
const TIMEOUT_MS = 180_000;

const scenarios = [...PARTITIONS, ...PAUSES, ...CHANGES, ...FAILOVERS].filter(({ name }) =>
  name.includes(NETWORK_ONLY),
);
const rounds = Array.from({ length: Number(NETWORK_REPEAT) }, (_, round) => round + 1);

if (skipReason !== undefined) {
  console.log(`networks are not cut: ${skipReason}`);
  it.skipIf(CI !== 'true')('networks can be cut', () => expect.fail(skipReason));
} else {
  await clearLeftovers();
}

describe.skipIf(skipReason !== undefined)('real processes in a network that is really cut', () => {
  const tally = new Tally();
  afterAll(async () => {
    await endAll();
    for (const line of tally.lines()) console.log(line);
  });

  function test(run: typeof it.concurrent, some: readonly Scenario[]): void {
    for (const round of rounds) {
      for (const scenario of some)
        run(titled(scenario, round), { timeout: TIMEOUT_MS }, () =>
          tally.count(scenario.name, () => play(scenario)),
        );
    }
  }
  test(
    it.concurrent,
    scenarios.filter(({ alone }) => !alone),
  );
  test(
    it.sequential,
    scenarios.filter(({ alone }) => alone),
  );
});

function titled({ name }: Scenario, round: number): string {
  return rounds.length > 1 ? `${name} (${round})` : name;
}
