import { describe, expect, it } from 'vitest';
import { History } from './history.js';
import { SimulatedSwarm } from './simulated-swarm.js';

const SEEDS = Number(process.env['SEEDS'] ?? 120);
const FIRST = Number(process.env['FIRST_SEED'] ?? 1);

describe('a swarm of 3 to 7 nodes under joins, crashes, stops and broken links', () => {
  it(`keeps P1, P4, P6, P7 and P8 over ${SEEDS} seeds`, { timeout: 600_000 }, async () => {
    const outcomes: Record<string, number> = {};
    for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
      const swarm = new SimulatedSwarm({ seed });
      const history = new History(swarm, { nodes: 3 + (seed % 5), names: seed % 2 ? 200 : 12, commands: 50 });
      await history.run();
      for (const [outcome, count] of Object.entries(history.outcomes)) {
        outcomes[outcome] = (outcomes[outcome] ?? 0) + count;
      }
      expect(history.violations, `seed ${seed}\n${swarm.story.join('\n')}`).toEqual([]);
    }
    console.log(outcomes);
  });
});
