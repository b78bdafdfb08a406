// A swarm is cut in halves for longer than a suspicion, so that each runs every name, and healed: every name lives once,
// and the worker that stays knows what the other one has counted (promise P3).
import { Load } from '../load.js';
import { SimulatedSwarm } from '../simulated-swarm.js';
import { differences } from '../swarm-at-rest.js';
import { outcomeOf, type Outcome } from './outcome.js';

const NAMES = Array.from({ length: 40 }, (_, index) => `name-${index}`);
const PARTITION_MS = 6_000;
/** From the heal until one activation per name is left everywhere, links and all. */
const ONE_AGAIN_WITHIN_MS = 4_000;
const LOAD_EVERY_MS = 8;

/** A history of four nodes. */
export function halves(seed: number): Promise<Outcome> {
  const swarm = new SimulatedSwarm({ seed });
  return outcomeOf(swarm, new Halves(swarm));
}

class Halves {
  readonly violations: string[] = [];

  constructor(private readonly swarm: SimulatedSwarm) {}

  async run(): Promise<void> {
    const { swarm, violations } = this;
    await swarm.form(4);
    const [left, , right] = swarm.nodes.map(({ kernel }) => kernel);
    await swarm.settle(Promise.all(NAMES.map((name) => left!.register(name, 'Counter', undefined, {}))));
    const load = new Load(swarm, NAMES, LOAD_EVERY_MS);
    await swarm.advance(500 * swarm.random());
    for (const mine of swarm.nodes.slice(0, 2))
      for (const theirs of swarm.nodes.slice(2)) swarm.network.cut(mine.key, theirs.key);
    await swarm.advance(PARTITION_MS);
    const [ended] = NAMES;
    await swarm.settle(left!.unregister(ended!));
    await swarm.settle(right!.register('only-right', 'Counter', undefined, {}));
    swarm.network.heal();
    await swarm.advance(ONE_AGAIN_WITHIN_MS);
    await load.end();
    await swarm.advance(1_500);
    if (left!.lookup(ended!)) violations.push(`P4: "${ended}" was unregistered and is back`);
    if (!left!.lookup('only-right')) violations.push('P4: "only-right" was registered and is gone');
    for (const name of NAMES.slice(1)) {
      const nodes = swarm.activations.nodesOf(name);
      if (nodes.length !== 1) violations.push(`P3: "${name}" lives on [${nodes.join(', ')}]`);
    }
    violations.push(...differences(swarm.alive));
    for (const { name, total, counted } of await load.differences(NAMES.slice(1)))
      if (total < counted) violations.push(`P3: "${name}" counts ${total} of ${counted} answered additions`);
  }
}
