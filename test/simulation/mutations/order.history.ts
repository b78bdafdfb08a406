// Nodes send more than one message at a time to the same few workers, over links that break: each worker handles what one
// node sends it in order, and once.
import { SwarmError } from '../../../lib/errors/index.js';
import { SimulatedSwarm, type SimulatedNode } from '../simulated-swarm.js';
import { outcomeOf, type Outcome } from './outcome.js';

const NAMES = ['name-0', 'name-1', 'name-2'];
const NODES = 3;
const SEND_EVERY_MS = 1;
const BREAK_EVERY_MS = 60;
const BREAKS = 10;
const CALL_MS = 5_000;
const REST_MS = 2_000;

/** A history of three nodes. */
export function brokenLinks(seed: number): Promise<Outcome> {
  const swarm = new SimulatedSwarm({ seed });
  return outcomeOf(swarm, new BrokenLinks(swarm));
}

class BrokenLinks {
  readonly violations: string[] = [];
  private token = 0;
  private isOver = false;

  constructor(private readonly swarm: SimulatedSwarm) {}

  async run(): Promise<void> {
    const { swarm } = this;
    await swarm.form(NODES);
    const [first] = swarm.nodes as [SimulatedNode];
    await swarm.settle(
      Promise.all(NAMES.map((name) => first.kernel.register(name, 'Counter', undefined, {}))),
    );
    // Those that were not at home yet are.
    await swarm.advance(REST_MS);
    this.send();
    for (let i = 0; i < BREAKS; i++) {
      await swarm.advance(BREAK_EVERY_MS * (0.5 + swarm.random()));
      const node = this.any(swarm.nodes);
      swarm.network.breakLink(node.key, this.any(swarm.nodes.filter((other) => other !== node)).key);
    }
    this.isOver = true;
    await swarm.advance(REST_MS);
    this.violations.push(...swarm.activations.violations);
  }

  private send(): void {
    const { swarm } = this;
    if (this.isOver) return;
    swarm.scheduler.schedule(swarm.now + SEND_EVERY_MS * (0.5 + swarm.random()), () => this.send());
    const node = this.any(swarm.nodes);
    const name = this.any(NAMES);
    const data = `token ${++this.token}`;
    swarm.sent(data, node, name, CALL_MS);
    if (swarm.random() < 0.3) return node.kernel.cast(name, 'note', data);
    const call = { pattern: 'add', data, timeoutMs: CALL_MS, chain: [] };
    node.kernel.call(name, call).catch((error: unknown) => {
      // Whoever sent a message over a link that broke cannot know what became of it.
      if (!(error instanceof SwarmError && error.code === 'ERR_SWARM_NODE_UNAVAILABLE'))
        this.violations.push(`P5: ${data} to "${name}": ${String(error)}`);
    });
    return undefined;
  }

  private any<T>(list: readonly T[]): T {
    const one = list[Math.floor(this.swarm.random() * list.length)];
    if (one === undefined) throw new RangeError('nothing to choose from');
    return one;
  }
}
