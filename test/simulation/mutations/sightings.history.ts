// A node reads where a worker may move to before it has read where the worker is, and the move is given up: it must not have
// shown the worker where it never was.
import { ShownFences } from '../model/shown-fences.js';
import { namesWhere, SimulatedSwarm, type SimulatedNode } from '../simulated-swarm.js';
import { outcomeOf, type Outcome } from './outcome.js';

/** Belongs to the first of three nodes, and to the fourth that comes. */
const [NAME] = namesWhere(
  1,
  (home) => home(7000, 7001, 7002) === 7000 && home(7000, 7001, 7002, 7003) === 7003,
) as [string];
/** Shorter than a suspicion. */
const CUT_MS = 2_000;
/** Longer than a move may take. */
const REST_MS = 8_000;
const LOOK_EVERY_MS = 10;

/** A history of four nodes, of which the last joins while two of the others are cut off from each other. */
export function sightings(seed: number): Promise<Outcome> {
  const swarm = new SimulatedSwarm({ seed });
  const shown = new ShownFences(swarm);
  return outcomeOf(swarm, { violations: shown.violations, run: () => run(swarm, shown) });
}

async function run(swarm: SimulatedSwarm, shown: ShownFences): Promise<void> {
  const { network, nodes } = swarm;
  await swarm.form(3);
  const [source, observer] = nodes as [SimulatedNode, SimulatedNode];
  const watch = async (ms: number): Promise<void> => {
    for (const until = swarm.now + ms; swarm.now < until;) {
      await swarm.advance(LOOK_EVERY_MS);
      shown.look([NAME]);
    }
  };
  network.cut(source.key, observer.key);
  const cutUntil = swarm.now + CUT_MS;
  await swarm.settle(source.kernel.register(NAME, 'Counter', { handoff: 'end-hangs' }, {}));
  const { node: target, started } = swarm.boot();
  await swarm.settle(started);
  await watch(cutUntil - swarm.now);
  const prepared = source.kernel.explain(NAME);
  swarm.tell(`"${NAME}" is ${prepared.status} on ${prepared.node}, and may move to ${target.key}`);
  network.heal();
  await watch(REST_MS);
}
