// A node is cut off whose handlers go on for so long that their workers have been started elsewhere when they end: what they
// answer counts for nobody, not even for a caller on the same node (promise P2).
import type { FencedAnswer } from '../fence-log.js';
import type { SlowMessage } from '../simulated-once.js';
import { SimulatedSwarm, type SimulatedNode } from '../simulated-swarm.js';
import { outcomeOf, type Outcome } from './outcome.js';

const NODES = 3;
const QUORUM = 2;
const NAMES = Array.from({ length: 8 }, (_, index) => `once-${index}`);
/** A node may give leases only when all that an earlier process under its id may have given are over. */
const ESTABLISHED_MS = 4_000;
/** Longer than it takes to suspect a node, to fence it, and to wait for its lease to end. */
const HANDLER_MS = 12_000;
const CALL_MS = 20_000;
const LOAD_EVERY_MS = 20;

/** A history of one node that is cut off. */
export function lateHandlers(seed: number): Promise<Outcome> {
  const swarm = new SimulatedSwarm({ seed, quorum: QUORUM });
  return outcomeOf(swarm, new LateHandlers(swarm, seed % NODES));
}

class LateHandlers {
  readonly violations: string[] = [];
  private token = 0;

  constructor(
    private readonly swarm: SimulatedSwarm,
    private readonly victimIndex: number,
  ) {}

  async run(): Promise<void> {
    const { swarm, violations } = this;
    await swarm.form(NODES);
    await swarm.advance(ESTABLISHED_MS);
    const victim = swarm.nodes[this.victimIndex]!;
    const { kernel } = victim;
    await swarm.settle(Promise.all(NAMES.map((name) => kernel.register(name, 'Once', undefined, {}))));
    const here = NAMES.filter((name) => kernel.lookup(name)?.node === kernel.self.id);
    const others = swarm.nodes.filter((node) => node !== victim);
    swarm.tell(`cut off ${victim.key}, which has ${here.join(', ')}`);
    for (const { key } of others) swarm.network.cut(key, victim.key);
    for (const name of here)
      this.call(victim, name, 'slow', { token: `token ${++this.token}`, ms: HANDLER_MS });
    for (const until = swarm.now + HANDLER_MS + 1_000; swarm.now < until;) {
      await swarm.advance(LOAD_EVERY_MS);
      for (const name of here) this.call(others[0]!, name, 'add', `token ${++this.token}`);
    }
    for (const name of here)
      if (others[0]!.kernel.explain(name).status !== 'running')
        violations.push(`P4: "${name}" of ${victim.key}, which is cut off, runs nowhere else`);
    violations.push(...swarm.fences.violations());
  }

  private call(
    { kernel, key }: SimulatedNode,
    name: string,
    pattern: string,
    data: string | SlowMessage,
  ): void {
    const { swarm } = this;
    kernel.call(name, { pattern, data, timeoutMs: CALL_MS, chain: [] }).then(
      (answer) => swarm.fences.accepted(name, answer as FencedAnswer, key),
      (error: unknown) => swarm.tell(`${pattern} to ${name} from ${key}: ${String(error)}`),
    );
  }
}
