// One of two nodes that have fenced a third is restarted, and meets the third before it meets the other: it has forgotten
// whom it has fenced, and whom it has given a lease (promise P2).
import type { KernelOptions } from '../../../lib/node/kernel-options.js';
import type { FencedAnswer } from '../fence-log.js';
import { isUp, SimulatedSwarm, type SimulatedNode } from '../simulated-swarm.js';
import { outcomeOf, type Outcome } from './outcome.js';

const NAMES = Array.from({ length: 40 }, (_, index) => `once-${index}`);
const LOAD_EVERY_MS = 7;
/** Longer than it takes to fence a node, so that its lease can be kept alive. */
const LONG_LEASE_MS = 10_000;
/** Enough for the others to fence who is cut off. */
const FENCED_MS = 5_000;
/** From the restart on: until what was forgotten is no danger any more, and all have a lease who may. */
const SETTLED_MS = 8_000;

/** The third has a lease still, which ends before the others take over what it runs. */
export function forgottenFence(seed: number): Promise<Outcome> {
  const history = new ForgottenFence(seed, { leaseMs: LONG_LEASE_MS });
  return outcomeOf(history.swarm, { violations: history.violations, run: () => history.keepAlive() });
}

/** Its lease is over; it meets the one that remembers when it has another. */
export function forgottenTakeover(seed: number): Promise<Outcome> {
  const history = new ForgottenFence(seed, {});
  return outcomeOf(history.swarm, { violations: history.violations, run: () => history.meetAgain() });
}

class ForgottenFence {
  readonly swarm: SimulatedSwarm;
  readonly violations: string[] = [];
  private token = 0;

  constructor(seed: number, kernel: Partial<KernelOptions>) {
    this.swarm = new SimulatedSwarm({ seed, quorum: 2, kernel });
  }

  async keepAlive(): Promise<void> {
    const { swarm } = this;
    const [a, b, c] = await this.atWork();
    for (const { key } of [a, b]) swarm.network.cut(key, c.key);
    // Late enough for the other to wait for its vote in vain no longer, early enough not to be given up before.
    await swarm.advance(LONG_LEASE_MS - 2_500);
    const [missing] = a.kernel.inspect().missing;
    if (missing?.fencedBy.length !== 2) this.violations.push('it was not fenced');
    swarm.network.cut(a.key, b.key);
    swarm.network.healBetween(b.key, c.key);
    this.restart(b);
    await swarm.advance(2 * LONG_LEASE_MS);
    this.violations.push(...swarm.fences.violations());
  }

  async meetAgain(): Promise<void> {
    const { swarm, violations } = this;
    const [a, b, c] = await this.atWork();
    const { incarnation } = c.kernel.self;
    for (const { key } of [a, b]) swarm.network.cut(key, c.key);
    await swarm.advance(FENCED_MS);
    swarm.network.cut(a.key, b.key);
    swarm.network.healBetween(b.key, c.key);
    const again = this.restart(b);
    await swarm.advance(SETTLED_MS);
    if (c.kernel.self.incarnation === incarnation) violations.push('it goes on as who was fenced');
    if (!hasLease(c)) violations.push('P8: it has no lease, although one acknowledges it');
    swarm.network.healBetween(a.key, again.key);
    await swarm.advance(SETTLED_MS);
    if (!hasLease(a)) violations.push('P8: who remembers has no lease, although one acknowledges it');
    swarm.network.heal();
    await swarm.advance(SETTLED_MS);
    violations.push(...swarm.fences.violations());
  }

  /** Three nodes whose names are called all the time, and that have forgotten nothing. */
  private async atWork(): Promise<[SimulatedNode, SimulatedNode, SimulatedNode]> {
    const { swarm } = this;
    await swarm.form(3);
    await swarm.advance(LONG_LEASE_MS + 1_000);
    const [a, b, c] = swarm.nodes;
    const { kernel } = a!;
    await swarm.settle(Promise.all(NAMES.map((name) => kernel.register(name, 'Once', undefined, {}))));
    this.load();
    await swarm.advance(1_000);
    return [a!, b!, c!];
  }

  /** Another process under the id of a node that has just died. */
  private restart(node: SimulatedNode): SimulatedNode {
    this.swarm.crash(node);
    return this.swarm.boot(Number(node.key.slice(node.key.lastIndexOf(':') + 1))).node;
  }

  private load(): void {
    const { swarm } = this;
    swarm.scheduler.schedule(swarm.now + LOAD_EVERY_MS, () => this.load());
    for (const { kernel, key } of swarm.awake) {
      if (!isUp(kernel)) continue;
      const name = NAMES[this.token % NAMES.length]!;
      const call = { pattern: 'add', data: `token ${++this.token}`, timeoutMs: 1_000, chain: [] };
      kernel.call(name, call).then(
        (answer) => swarm.fences.accepted(name, answer as FencedAnswer, key),
        (error: unknown) => swarm.tell(`${call.data} to ${name} from ${key}: ${String(error)}`),
      );
    }
  }
}

function hasLease({ kernel }: SimulatedNode): boolean {
  return kernel.inspect().leases.some(({ leftMs }) => leftMs > 0);
}
