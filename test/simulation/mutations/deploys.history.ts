// Nodes join and leave one after the other, or one of them crashes between, under constant load: no call fails because
// a worker moves, and nothing that was counted is lost (promise P5).
import { Load } from '../load.js';
import { SimulatedSwarm } from '../simulated-swarm.js';
import { differences } from '../swarm-at-rest.js';
import { outcomeOf, type Outcome } from './outcome.js';

const NAMES = Array.from({ length: 40 }, (_, index) => `name-${index}`);
const STEPS = 4;
/** A call in flight every few milliseconds. */
const LOAD_EVERY_MS = 3;
/** Some round trips of up to 10 ms each, and handlers of 30 ms. */
const WORST_MS = 200;

/** A history of four joins and departures of a swarm of three nodes. */
export function deploys(seed: number): Promise<Outcome> {
  const swarm = new SimulatedSwarm({ seed });
  return outcomeOf(swarm, new Deploys(swarm));
}

class Deploys {
  readonly violations: string[] = [];

  constructor(private readonly swarm: SimulatedSwarm) {}

  async run(): Promise<void> {
    const { swarm, violations } = this;
    await swarm.form(3);
    const { kernel } = swarm.nodes[0]!;
    await swarm.settle(Promise.all(NAMES.map((name) => kernel.register(name, 'Counter', {}, {}))));
    const load = new Load(swarm, NAMES, LOAD_EVERY_MS);
    for (let step = 0; step < STEPS; step++) {
      await swarm.advance(swarm.random() * 600);
      if (swarm.alive.length < 3 || swarm.random() < 0.5) await swarm.settle(swarm.boot().started);
      else await this.leave(load);
    }
    await swarm.advance(500);
    await load.end();
    violations.push(...load.failures.map((failure) => `P5: a call failed ${failure}`));
    if (load.worstMs > WORST_MS) violations.push(`P5: a call took ${load.worstMs.toFixed(0)} ms`);
    await this.comeToRest();
    violations.push(...swarm.activations.violations, ...differences(swarm.alive));
    for (const { name, total, counted } of await load.differences())
      violations.push(`P5: "${name}" counts ${total}, and ${counted} additions were answered`);
  }

  private async leave(load: Load): Promise<void> {
    const { swarm } = this;
    const node = swarm.alive[Math.floor(swarm.random() * swarm.alive.length)]!;
    load.silence(node);
    const { left } = await swarm.settle(swarm.stop(node));
    for (const { name, reason } of left)
      this.violations.push(`P5: "${name}" was not handed off by ${node.key}: ${reason}`);
  }

  private async comeToRest(): Promise<void> {
    const { swarm, violations } = this;
    await swarm.settle(Promise.all(swarm.alive.map(({ kernel }) => kernel.settled({}))));
    await swarm.advance(2_000);
    for (const name of NAMES) {
      const { kernel } = swarm.alive[0]!;
      const [row, owner] = [kernel.lookup(name), kernel.ownerOf(name, 'Counter')];
      if (row?.node !== owner) violations.push(`P5: "${name}" is on ${row?.node} and belongs to ${owner}`);
      const nodes = swarm.activations.nodesOf(name);
      if (nodes.length !== 1) violations.push(`P1: at rest "${name}" lives on [${nodes.join(', ')}]`);
    }
  }
}
