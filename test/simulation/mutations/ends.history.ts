// A name with a quorum is unregistered just when its node is cut off from the others that count, together with all that do
// not: these hold the end, and those that count would start it anew (promises P2, P4).
import { SimulatedSwarm, type SimulatedNode } from '../simulated-swarm.js';
import { outcomeOf, type Outcome } from './outcome.js';

const NODES = 5;
const QUORUM = 2;
/** Of so many nodes any `QUORUM` are one of the quorums of which no two are disjoint. */
const COUNTING = 2 * QUORUM - 1;
const NAMES = Array.from({ length: 8 }, (_, index) => `once-${index}`);
/** A node may give leases only when all that an earlier process under its id may have given are over. */
const ESTABLISHED_MS = 4_000;
/** Longer than it takes to suspect a node, to fence it, and to wait for its lease to end. */
const TAKEN_OVER_MS = 12_000;
const CALL_MS = 1_000;

/** A history of five nodes, of which three count. */
export function endsOfFew(seed: number): Promise<Outcome> {
  const swarm = new SimulatedSwarm({ seed, quorum: QUORUM });
  return outcomeOf(swarm, new EndsOfFew(swarm, seed % COUNTING));
}

class EndsOfFew {
  readonly violations: string[] = [];

  constructor(
    private readonly swarm: SimulatedSwarm,
    private readonly hostIndex: number,
  ) {}

  async run(): Promise<void> {
    const { swarm, violations } = this;
    await swarm.form(NODES);
    await swarm.advance(ESTABLISHED_MS);
    const oldest = [...swarm.nodes].sort(byAge);
    const host = oldest[this.hostIndex]!;
    const { kernel } = host;
    await swarm.settle(Promise.all(NAMES.map((name) => kernel.register(name, 'Once', undefined, {}))));
    const here = NAMES.filter((name) => kernel.lookup(name)?.node === kernel.self.id);
    const others = oldest.slice(0, COUNTING).filter((node) => node !== host);
    const minority = [host, ...oldest.slice(COUNTING)];
    swarm.tell(`cut off ${minority.map(({ key }) => key).join(', ')}; ${host.key} has ${here.join(', ')}`);
    for (const { key } of minority) for (const other of others) swarm.network.cut(key, other.key);
    const ended = new Set<string>();
    for (const name of here)
      kernel.unregister(name).then(
        () => ended.add(name),
        (error: unknown) => swarm.tell(`unregister ${name} from ${host.key}: ${String(error)}`),
      );
    await swarm.advance(TAKEN_OVER_MS);
    const { kernel: asked } = others[0]!;
    const call = { pattern: 'total', data: undefined, timeoutMs: CALL_MS, chain: [] };
    const calls = await swarm.settle(Promise.allSettled(here.map((name) => asked.call(name, call))));
    calls.forEach(({ status }, index) => {
      const name = here[index]!;
      if (status === 'fulfilled' && ended.has(name))
        violations.push(`P2, P4: "${name}" was unregistered, and answers`);
      if (status === 'rejected' && !ended.has(name))
        violations.push(`P4: "${name}" of ${host.key}, which is cut off, runs nowhere else`);
    });
    violations.push(...swarm.fences.violations());
  }
}

/** In the order in which nodes count: the oldest first. */
function byAge({ kernel: { self: a } }: SimulatedNode, { kernel: { self: b } }: SimulatedNode): number {
  return a.incarnation - b.incarnation || (a.id < b.id ? -1 : 1);
}
