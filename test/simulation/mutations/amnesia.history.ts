// Two of three nodes are killed and come back knowing nothing, while the third one, which is cut off, still has what it
// ran: at once, when it still has a lease that they have given it in their earlier lives, or after they had taken over
// from it (promise P2).
import type { FencedAnswer } from '../fence-log.js';
import { isUp, SimulatedSwarm, type SimulatedNode } from '../simulated-swarm.js';
import { outcomeOf, type Outcome } from './outcome.js';

const NODES = 3;
const QUORUM = 2;
const NAMES = Array.from({ length: 8 }, (_, index) => `once-${index}`);
/** A node may give leases only when all that an earlier process under its id may have given are over. */
const ESTABLISHED_MS = 4_000;
/** From the cut until the others have taken over, and the node alone has not given up that they come back: 4 to 5.5 s. */
const TAKEN_OVER_MS = 4_000;
const PATIENT_MS = 1_500;
/** From the restart on. */
const AFTERWARDS_MS = 9_000;
const LOAD_EVERY_MS = 8;
const REGISTER_EVERY_MS = 150;

/** A history of three nodes, two of which forget everything. */
export function forgetfulQuorum(seed: number): Promise<Outcome> {
  const swarm = new SimulatedSwarm({ seed, quorum: QUORUM });
  return outcomeOf(swarm, new ForgetfulQuorum(swarm));
}

class ForgetfulQuorum {
  readonly violations: string[] = [];
  private token = 0;
  private loading = true;

  constructor(private readonly swarm: SimulatedSwarm) {}

  async run(): Promise<void> {
    const { swarm } = this;
    await swarm.form(NODES);
    await swarm.advance(ESTABLISHED_MS);
    await this.register(swarm.nodes[0]!);
    this.load();
    await swarm.advance(500 + swarm.random() * 1_000);
    const { alive } = swarm;
    const alone = alive[Math.floor(swarm.random() * alive.length)]!;
    const others = alive.filter((node) => node !== alone);
    swarm.tell(`cut off ${alone.key}`);
    for (const { key } of others) swarm.network.cut(key, alone.key);
    const isLate = swarm.random() < 0.5;
    if (isLate) await swarm.advance(TAKEN_OVER_MS + swarm.random() * PATIENT_MS);
    for (const node of others) swarm.crash(node);
    const back = others.map(({ key }) => swarm.boot(Number(key.slice(key.lastIndexOf(':') + 1))).node);
    if (isLate) swarm.network.heal();
    for (const until = swarm.now + AFTERWARDS_MS; swarm.now < until;) {
      for (const node of back) if (isUp(node.kernel)) void this.register(node);
      await swarm.advance(REGISTER_EVERY_MS);
    }
    this.loading = false;
    const lived = swarm.fences.records.filter(({ node, at }) => at > 0n && node !== alone.key).length;
    if (lived === 0) this.violations.push('nothing was done beside the node that is cut off');
    this.violations.push(...swarm.fences.violations());
  }

  /** Whoever has lost everything is told the names again; those that are known are refused. */
  private async register({ kernel, key }: SimulatedNode): Promise<void> {
    const { swarm } = this;
    const work = NAMES.map((name) =>
      kernel.register(name, 'Once', undefined, {}).then(
        () => swarm.tell(`"${name}" was registered by ${key}`),
        (error: unknown) => swarm.tell(`"${name}" could not be registered by ${key}: ${String(error)}`),
      ),
    );
    if (this.token === 0) await swarm.settle(Promise.all(work));
  }

  private load(): void {
    const { swarm } = this;
    if (!this.loading) return;
    swarm.scheduler.schedule(swarm.now + LOAD_EVERY_MS * (0.5 + swarm.random()), () => this.load());
    const node = swarm.alive[Math.floor(swarm.random() * swarm.alive.length)];
    const name = NAMES[Math.floor(swarm.random() * NAMES.length)]!;
    if (!node || !isUp(node.kernel)) return;
    const call = { pattern: 'add', data: `token ${++this.token}`, timeoutMs: undefined, chain: [] };
    node.kernel.call(name, call).then(
      (answer) => swarm.fences.accepted(name, answer as FencedAnswer, node.key),
      (error: unknown) => swarm.tell(`${call.data} to ${name} from ${node.key}: ${String(error)}`),
    );
  }
}
