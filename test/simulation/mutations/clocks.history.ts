// A node whose clock is as slow as promise P2 allows for is cut off from others whose clocks are as fast: it believes in
// its lease for longer than the others would wait by clocks that are taken to be right.
import type { FencedAnswer } from '../fence-log.js';
import { SimulatedSwarm, type SimulatedNode } from '../simulated-swarm.js';
import { outcomeOf, type Outcome } from './outcome.js';

const NODES = 3;
const QUORUM = 2;
const NAMES = Array.from({ length: 8 }, (_, index) => `once-${index}`);
/** Ports of a simulated swarm begin here. */
const FIRST_PORT = 7000;
/** Rates that differ by almost 1 % from what is right. */
const SLOW = 0.9901;
const FAST = 1.0099;
/** Longer than a suspicion, so that it is the lease that is waited for, and long enough for the clocks to differ. */
const LEASE_MS = 10_000;
/** A node may give leases only when all that an earlier process under its id may have given are over. */
const ESTABLISHED_MS = 11_000;
/** From the cut on: some time before the lease is over, and some time after. */
const CLOSE_MS = 9_500;
const PAST_MS = 11_000;
/** Pause between two calls of one node, meanwhile and before. */
const DENSE_MS = 4;
const SPARSE_MS = 60;

/** A history of one node that is cut off until its names have been taken over. */
export function clocksThatDiffer(seed: number): Promise<Outcome> {
  const slow = FIRST_PORT + (seed % NODES);
  const swarm = new SimulatedSwarm({
    seed,
    quorum: QUORUM,
    kernel: { leaseMs: LEASE_MS },
    clocks: (port) => ({ rate: port === slow ? SLOW : FAST }),
  });
  return outcomeOf(swarm, new ClocksThatDiffer(swarm, slow));
}

class ClocksThatDiffer {
  readonly violations: string[] = [];
  private token = 0;
  private pauseMs = SPARSE_MS;
  private loading = true;

  constructor(
    private readonly swarm: SimulatedSwarm,
    private readonly slow: number,
  ) {}

  async run(): Promise<void> {
    const { swarm, violations } = this;
    await swarm.form(NODES);
    await swarm.advance(ESTABLISHED_MS);
    const { kernel } = swarm.nodes[0]!;
    await swarm.settle(Promise.all(NAMES.map((name) => kernel.register(name, 'Once', undefined, {}))));
    for (const node of swarm.nodes) this.load(node);
    await swarm.advance(swarm.random() * 1_000);
    const victim = swarm.nodes.find(({ key }) => key.endsWith(`:${this.slow}`))!;
    const here = NAMES.filter((name) => kernel.lookup(name)?.node.endsWith(victim.key));
    swarm.tell(`cut off ${victim.key}, which has ${here.join(', ')}`);
    for (const { key } of swarm.nodes) if (key !== victim.key) swarm.network.cut(key, victim.key);
    await swarm.advance(CLOSE_MS);
    this.pauseMs = DENSE_MS;
    await swarm.advance(PAST_MS - CLOSE_MS);
    this.loading = false;
    const other = swarm.nodes.find((node) => node !== victim)!;
    for (const name of here) {
      const { node, status } = other.kernel.explain(name);
      if (status !== 'running' || node?.endsWith(victim.key))
        violations.push(`P4: "${name}" of ${victim.key}, which is cut off, is ${status} on ${node}`);
    }
    violations.push(...swarm.fences.violations());
  }

  private load(node: SimulatedNode): void {
    const { swarm } = this;
    if (!this.loading) return;
    swarm.scheduler.schedule(swarm.now + this.pauseMs * (0.5 + swarm.random()), () => this.load(node));
    const name = NAMES[Math.floor(swarm.random() * NAMES.length)]!;
    const call = { pattern: 'add', data: `token ${++this.token}`, timeoutMs: undefined, chain: [] };
    node.kernel.call(name, call).then(
      (answer) => swarm.fences.accepted(name, answer as FencedAnswer, node.key),
      (error: unknown) => swarm.tell(`${call.data} to ${name} from ${node.key}: ${String(error)}`),
    );
  }
}
