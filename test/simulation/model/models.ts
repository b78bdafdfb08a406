import { seededRandom, type VirtualClocks } from '../../../lib/runtime/virtual.runtime.js';
import { FrameKind } from '../../../lib/transport/frame.js';
import { SimulatedSwarm, type SimulationOptions } from '../simulated-swarm.js';
import { GentleHistory, gentlePlansOf, type GentleKind } from './gentle-history.js';
import type { Model } from './promises.js';
import { REPAIRED_WITHIN_MS } from './quiescence.js';
import { RoughHistory, roughPlans, type RoughKind } from './rough-history.js';

/** Nodes that come and go one at a time, and links that fail for moments: nothing may be noticed of it. */
export const gentle = gentleModel({});

/** As `gentle`, with so few names that most operations meet others of the same name. */
export const crowded = gentleModel({}, [3], [3]);

/** As `gentle`, over links that carry so little that frames wait for each other. */
export const narrow: Model<GentleKind> = gentleModel({ bytesPerMs: 32 });

const losing = gentleModel({
  loses: (random, _from, _to, frame) => frame.kind === FrameKind.Batch && random() < 0.2,
});

/** As `gentle`; one batch in five vanishes on a link that stays. Only P6 and P7 are promised then. */
export const lossy: Model<GentleKind> = {
  plans: losing.plans,
  async play(plan) {
    const { violations, story } = await losing.play(plan);
    return { violations: violations.filter((violation) => /^P[67]/.test(violation)), story };
  },
};

function gentleModel(
  faults: Omit<SimulationOptions, 'seed'>,
  nodes = [3, 4, 5, 6, 7],
  names = [12, 200],
): Model<GentleKind> {
  return {
    plans: gentlePlansOf(nodes, names),
    async play(plan) {
      const swarm = new SimulatedSwarm({ seed: plan.seed, ...faults });
      const history = new GentleHistory(swarm, plan, faults.loses && REPAIRED_WITHIN_MS);
      await history.run();
      return { violations: history.violations, story: swarm.story };
    },
  };
}

/** What happened in all histories of the process, to see that they do something. */
export const happened: Record<string, number> = {};

/** Partitions, pauses, crashes and drains in the middle of each other, with a quorum and clocks that differ. */
export const rough: Model<RoughKind> = {
  plans: roughPlans,
  async play(plan) {
    const random = seededRandom(plan.seed);
    // A quorum of two is less than half of five nodes, which are too many for it; one of three is all of three.
    const size = random() < 0.25 ? 3 : 2;
    const clocks = random() < 0.5 ? { clocks: clocksOf(plan.seed) } : {};
    const swarm = new SimulatedSwarm({ seed: plan.seed, quorum: size, ...clocks });
    const history = new RoughHistory(swarm, plan, size);
    await history.run();
    for (const [kind, times] of Object.entries(history.disruptions.happened))
      happened[kind] = (happened[kind] ?? 0) + times;
    return { violations: history.violations, story: swarm.story };
  },
};

/** Clocks whose rates differ by almost 2 %, of machines that do not agree what time it is. */
function clocksOf(seed: number): (port: number) => VirtualClocks {
  return (port) => {
    const random = seededRandom(seed * 31 + port);
    return { rate: 1 + (random() - 0.5) * 0.0198, wallAheadMs: (random() - 0.5) * 4_000 };
  };
}

/** Every so many seeds one is of a rough history, which takes as much longer. */
const ROUGH_EVERY = 8;
/** And one of links that lose what they carry. */
const LOSSY_EVERY = 10;
/** And one of links that carry little. */
const NARROW_EVERY = 10;

/** Which kind of history a seed stands for. */
export function modelOf(seed: number): Model {
  if (seed % ROUGH_EVERY === 0) return rough;
  if (seed % LOSSY_EVERY === 1) return lossy;
  return seed % NARROW_EVERY === 3 ? narrow : gentle;
}
