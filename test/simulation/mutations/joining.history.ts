// A node joins that cannot reach one of the others for a while, so that it joins for long: meanwhile names that belong to
// others are registered and called as ever (promise P8).
import { SimulatedSwarm, type SimulatedNode } from '../simulated-swarm.js';
import { outcomeOf, type Outcome } from './outcome.js';

const NODES = 3;
/** The ports of a simulated swarm are given in order. */
const JOINER_PORT = 7000 + NODES;
const HOST = '10.0.0.1';
/** Shorter than a suspicion. */
const CUT_MS = 2_500;
const REGISTER_EVERY_MS = 40;
/** A few round trips of up to 10 ms each. */
const PROMPT_MS = 150;

/** A history of a fourth node that joins three. */
export function slowJoin(seed: number): Promise<Outcome> {
  const swarm = new SimulatedSwarm({ seed });
  return outcomeOf(swarm, new SlowJoin(swarm));
}

class SlowJoin {
  readonly violations: string[] = [];
  private names = 0;

  constructor(private readonly swarm: SimulatedSwarm) {}

  async run(): Promise<void> {
    const { swarm, violations } = this;
    await swarm.form(NODES);
    const members = swarm.alive;
    const unreachable = members[Math.floor(swarm.random() * members.length)]!;
    const joiner = `${HOST}:${JOINER_PORT}`;
    swarm.network.cut(unreachable.key, joiner);
    const { node, started } = swarm.boot();
    const work: Array<Promise<void>> = [];
    let joining = 0;
    for (const until = swarm.now + CUT_MS; swarm.now < until;) {
      await swarm.advance(REGISTER_EVERY_MS * (0.5 + swarm.random()));
      if (node.kernel.self.status === 'joining') joining++;
      for (const member of members) work.push(this.serves(member, joiner));
    }
    swarm.network.heal();
    await swarm.settle(Promise.all(work));
    await swarm.settle(started);
    if (joining === 0) violations.push('the node has joined at once: nothing was tried meanwhile');
  }

  /** Registers another name and calls it. What belongs to the node that joins has to wait for it. */
  private async serves({ kernel, key }: SimulatedNode, joiner: string): Promise<void> {
    const { swarm, violations } = this;
    const name = `name-${++this.names}`;
    const owners = swarm.alive.slice(0, NODES).map((member) => member.kernel.ownerOf(name, 'Counter'));
    if (owners.some((owner) => owner === undefined || owner.endsWith(joiner))) return;
    const began = swarm.now;
    const total = { pattern: 'total', data: undefined, timeoutMs: undefined, chain: [] };
    try {
      await kernel.register(name, 'Counter', undefined, {});
      await kernel.call(name, total);
      const tookMs = swarm.now - began;
      if (tookMs > PROMPT_MS && !kernel.lookup(name)?.node.endsWith(joiner))
        violations.push(`P8: "${name}" was registered and called by ${key} in ${tookMs.toFixed(0)} ms`);
    } catch (error) {
      violations.push(`P8: "${name}" could not be registered and called by ${key}: ${String(error)}`);
    }
  }
}
