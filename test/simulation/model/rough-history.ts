// Histories of a swarm whose networks are cut and whose processes are stopped, killed and started, under constant load:
// promise P2 holds at every moment, and P3, P4, P6 and P7 once it has come to rest.
import { SwarmError, WorkerNotFoundError } from '../../../lib/errors/index.js';
import { seededRandom } from '../../../lib/runtime/virtual.runtime.js';
import { NameHistory } from '../../support/linearizability/name-history.js';
import { DISRUPTIONS, Disruptions, type DisruptionKind } from '../disruptions.js';
import type { FencedAnswer } from '../fence-log.js';
import { Operations } from '../operations.js';
import { Registrations, type Registered } from '../registrations.js';
import { isUp, type SimulatedNode, type SimulatedSwarm } from '../simulated-swarm.js';
import { beliefs, restOf } from '../swarm-at-rest.js';
import { plans, type Plan, type Step } from './plan.js';

export type RoughKind = DisruptionKind | 'register' | 'unregister' | 'call' | 'call a slow handler';

/** Plans of such histories: every fourth step or so is a disruption. */
export const roughPlans = plans<RoughKind>({
  weights: { ...DISRUPTIONS, register: 150, unregister: 50, call: 250, 'call a slow handler': 100 },
  nodes: [3, 4, 5],
  names: [4, 8],
  longestPauseMs: 1_000,
});

/** Deadlines that the kernel of the simulation was given. */
const REGISTER_MS = 10_000;
const CALL_MS = 5_000;
const STOP_MS = 36_000;
const BOOT_MS = 60_000;
/** Virtual time between two calls. */
const LOAD_EVERY_MS = 20;
/** From the heal until everything must be at rest: a suspicion, a rejoin, handoffs that hang, a lease. */
const REST_MS = 40_000;
const LOOK_EVERY_MS = 500;
/** After the heal, under load. */
const LOADED_MS = 3_000;

/** What comes of a plan, and which promises it broke. */
export class RoughHistory {
  readonly violations: string[] = [];
  readonly operations: Operations;
  readonly registrations: Registrations;
  readonly disruptions: Disruptions;
  /** That each name with a quorum behaves as one worker that is asked for one thing after the other. */
  private readonly names: NameHistory;
  /** The newest fence of each name that a node has shown. */
  private readonly seen = new Map<SimulatedNode, Map<string, number>>();
  private token = 0;
  private loading = true;
  private isHealed = false;

  constructor(
    private readonly swarm: SimulatedSwarm,
    private readonly plan: Plan<RoughKind>,
    /** Size of the quorum of `Once`. */
    private readonly size: number,
  ) {
    this.operations = new Operations(swarm);
    // A node that was cut off does not know of names that were registered meanwhile.
    this.names = new NameHistory(() => swarm.now, { trustsReplicas: false });
    this.registrations = new Registrations(swarm);
    this.disruptions = new Disruptions(swarm, {
      nodes: plan.nodes,
      size,
      boot: (port) => this.boot(port),
      stop: (node) => this.stop(node),
      crashed: () => this.noteLoss(),
      occupy: (node, ms) => this.occupy(node, ms),
    });
  }

  async run(): Promise<void> {
    const { swarm, plan, disruptions } = this;
    swarm.random = seededRandom(plan.seed);
    for (let i = 0; i < plan.nodes; i++) this.boot(undefined);
    // Nodes that are too many for a quorum have to meet once; others may be cut while they meet.
    if (swarm.random() < 0.8 || plan.nodes > 2 * this.size - 1) await swarm.advance(2_000);
    for (let i = 0; i < plan.names; i++) {
      this.register({ name: `ring-${i}`, type: 'Counter' });
      this.register({ name: `once-${i}`, type: 'Once' });
    }
    if (swarm.random() < 0.8) await swarm.advance(1_000);
    this.load();
    for (const step of plan.steps) {
      swarm.random = seededRandom(step.choice);
      this.perform(step);
      // What was begun in this instant goes as far as it can, as in a process that is not killed within a turn.
      await swarm.advance(step.pauseMs);
    }
    disruptions.end();
    this.isHealed = true;
    this.refill();
    await this.comeToRest();
    this.violations.push(
      ...swarm.fences.violations(),
      ...this.operations.violations,
      ...this.names.violations(),
      // That a name lives twice, and what that does to its state, is not promised while networks are cut.
      ...swarm.activations.violations.filter((violation) =>
        violation.startsWith('a message was handled twice'),
      ),
    );
  }

  private perform({ kind }: Step<RoughKind>): void {
    switch (kind) {
      case 'register':
        // A new name, or one whose registration failed, or was ended, before.
        return this.register(this.registrations.next(this.swarm.random() < 0.6 ? 'Once' : 'Counter'));
      case 'unregister':
        return this.unregister();
      case 'call':
        return this.callAny(undefined);
      case 'call a slow handler':
        return this.callAny(this.swarm.random() ** 2 * 6_000);
      default:
        return this.disruptions.run(kind);
    }
  }

  /** As many nodes as at first, and of those that have died so many back that the rest is a quorum. */
  private refill(): void {
    const { swarm, plan, disruptions } = this;
    const mayMiss = Math.floor(swarm.random() * this.size);
    const back = disruptions.vacant.slice(mayMiss);
    for (const port of back) this.boot(port);
    while (disruptions.staying.length < plan.nodes) this.boot(undefined);
  }

  private async comeToRest(): Promise<void> {
    const { swarm, plan } = this;
    const healedAt = swarm.now;
    await swarm.advance(LOADED_MS);
    this.loading = false;
    const rest = async (): Promise<string[]> => {
      const { underWay } = this.operations;
      if (underWay.length > 0) return underWay.map((what) => `P7: ${what} is still under way`);
      return restOf(swarm, this.registrations, plan.nodes);
    };
    while (swarm.now - healedAt < REST_MS) {
      const found = await rest();
      if (found.length === 0) return;
      await swarm.advance(LOOK_EVERY_MS);
    }
    this.violations.push(...(await rest()));
    for (const line of beliefs(swarm, this.registrations)) swarm.tell(line);
  }

  private noteLoss(): void {
    const { registrations, names, size } = this;
    const lost = registrations.noteLoss();
    const thin = registrations.noteThinRows(size).filter((name) => !lost.includes(name));
    for (const name of [...lost, ...thin]) names.mayEnd(name, 'a loss');
    for (const name of registrations.noteThinEnds(size)) names.mayReturn(name, 'a loss');
  }

  private boot(port: number | undefined): SimulatedNode {
    const { node, started } = this.swarm.boot(port);
    const operation = { what: `start of ${node.key}`, node, timeoutMs: BOOT_MS, told: true };
    this.operations.follow(operation, started);
    return node;
  }

  private stop(node: SimulatedNode): void {
    const operation = { what: `drain of ${node.key}`, node, timeoutMs: STOP_MS, told: false };
    this.operations.follow(operation, this.swarm.stop(node), () => this.noteLoss());
  }

  private register({ name, type }: Registered): void {
    const node = this.anyNode();
    if (!node) return;
    const concluded = [this.registrations.began(name, type)];
    if (type === 'Once') concluded.push(this.names.register(name, node.key));
    const work = node.kernel.register(name, type, undefined, {});
    const operation = { what: `register ${name} from ${node.key}`, node, timeoutMs: REGISTER_MS, told: true };
    this.operations.follow(operation, work, all(concluded));
  }

  private unregister(): void {
    const node = this.anyNode();
    const name = this.registrations.any();
    if (!node || name === undefined) return;
    const concluded = [this.registrations.ends(name)];
    if (this.registrations.typeOf(name) === 'Once') concluded.push(this.names.unregister(name, node.key));
    const what = `unregister ${name} from ${node.key}`;
    const operation = { what, node, timeoutMs: REGISTER_MS, told: true };
    this.operations.follow(operation, node.kernel.unregister(name), all(concluded));
  }

  private load(): void {
    const { swarm } = this;
    if (!this.loading) return;
    swarm.scheduler.schedule(swarm.now + LOAD_EVERY_MS * (0.5 + swarm.random()), () => this.load());
    this.callAny(undefined);
  }

  private callAny(slowMs: number | undefined): void {
    const node = this.anyNode();
    const name = this.registrations.any();
    if (node && name !== undefined) this.call(node, name, slowMs);
  }

  /** A worker of the node begins what it is then stopped in. */
  private occupy(node: SimulatedNode, ms: number): void {
    const here = this.registrations.names.filter((name) =>
      this.swarm.activations.live.get(name)?.has(node.key),
    );
    const name = here[Math.floor(this.swarm.random() * here.length)];
    const caller = this.anyNode();
    if (name !== undefined && caller) this.call(caller, name, ms);
  }

  /** `slowMs`: how long the handler takes. */
  private call(node: SimulatedNode, name: string, slowMs: number | undefined): void {
    const { swarm, registrations } = this;
    const isOnce = registrations.typeOf(name) === 'Once';
    const token = `token ${++this.token}`;
    const isSlow = slowMs !== undefined;
    const slow = isOnce ? { token, ms: slowMs } : slowMs;
    const message = isSlow ? { pattern: 'slow', data: slow } : { pattern: 'add', data: token };
    const work = node.kernel.call(name, { ...message, timeoutMs: undefined, chain: [] });
    const operation = {
      what: `call ${message.pattern} ${name} from ${node.key}`,
      node,
      timeoutMs: CALL_MS,
      told: isSlow,
    };
    const concluded = isOnce ? this.names.add(name, node.key, token) : undefined;
    const isKnown = this.knows(node, name);
    this.operations.follow(operation, work, (error, answer) => {
      concluded?.(error, answer);
      if (isKnown && error instanceof WorkerNotFoundError && registrations.fateOf(name) === 'present')
        this.violations.push(`P4: ${operation.what}, ${token}, at ${swarm.now.toFixed(0)}: ${String(error)}`);
      if (error || !isOnce) return;
      if ((answer as FencedAnswer).token === token)
        swarm.fences.accepted(name, answer as FencedAnswer, node.key);
      else this.violations.push(`${operation.what}, ${token}, got the answer ${JSON.stringify(answer)}`);
    });
  }

  /** Whether the name is registered for certain, the node has shown that registration, and no network is cut. */
  private knows(node: SimulatedNode, name: string): boolean {
    const { registrations, seen } = this;
    const fences = seen.get(node) ?? new Map<string, number>();
    seen.set(node, fences);
    const shown = isUp(node.kernel) ? node.kernel.lookup(name)?.fence : undefined;
    const newest = Math.max(shown ?? 0, fences.get(name) ?? 0);
    fences.set(name, newest);
    if (!this.isHealed || registrations.fateOf(name) !== 'present') return false;
    return newest >= registrations.fenceOf(name);
  }

  /** One that can be asked: its process runs, and has not begun to leave. */
  private anyNode(): SimulatedNode | undefined {
    const candidates = this.disruptions.staying.filter(({ pausedAt }) => pausedAt === undefined);
    return candidates[Math.floor(this.swarm.random() * candidates.length)];
  }
}

type Concluded = (error: SwarmError | undefined, value: unknown) => void;

function all(listeners: readonly Concluded[]): Concluded {
  return (error, value) => {
    for (const listener of listeners) listener(error, value);
  };
}
