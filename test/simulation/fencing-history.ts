// A random history of a swarm whose networks are cut and whose processes are stopped, killed and started, and what must
// be true of it: promise P2 at every moment, and P3, P4, P6 and P7 once it has come to rest.
import type { Registered } from './registrations.js';
import { Disruptions } from './disruptions.js';
import type { FencedAnswer } from './fence-log.js';
import { Operations } from './operations.js';
import { Registrations } from './registrations.js';
import { beliefs, restOf } from './swarm-at-rest.js';
import type { SimulatedNode, SimulatedSwarm } from './simulated-swarm.js';

export interface FencingOptions {
  /** Nodes when nothing is amiss, 3 to 5. */
  readonly nodes: number;
  /** Size of the quorum of `Once`. */
  readonly size: number;
  /** How many things happen. */
  readonly disruptions: number;
  /** Names of either type. */
  readonly names: number;
}

/** Deadlines that the kernel of the simulation was given. */
const REGISTER_MS = 10_000;
const CALL_MS = 5_000;
const STOP_MS = 36_000;
const BOOT_MS = 60_000;
/** Virtual time between two calls. */
const LOAD_EVERY_MS = 20;
/** Virtual time between two registrations beyond those at the beginning. */
const REGISTER_EVERY_MS = 1_500;
/** From the heal until everything must be at rest: a suspicion, a rejoin, handoffs that hang, a lease. */
const REST_MS = 40_000;
const LOOK_EVERY_MS = 500;

export class FencingHistory {
  readonly violations: string[] = [];
  readonly operations: Operations;
  readonly registrations: Registrations;
  readonly disruptions: Disruptions;
  private token = 0;
  private loading = true;

  constructor(
    private readonly swarm: SimulatedSwarm,
    private readonly options: FencingOptions,
  ) {
    this.operations = new Operations(swarm);
    this.registrations = new Registrations(swarm);
    this.disruptions = new Disruptions(swarm, {
      nodes: options.nodes,
      size: options.size,
      boot: (port) => this.boot(port),
      stop: (node) => this.stop(node),
      crashed: () => this.registrations.noteLoss(),
      occupy: (node, ms) => this.occupy(node, ms),
    });
  }

  async run(): Promise<void> {
    const { swarm, options, disruptions } = this;
    for (let i = 0; i < options.nodes; i++) this.boot(undefined);
    // Nodes that are too many for a quorum have to meet once; others may be cut while they meet.
    if (swarm.random() < 0.8 || options.nodes > 2 * options.size - 1) await swarm.advance(2_000);
    for (let i = 0; i < options.names; i++) {
      this.register({ name: `ring-${i}`, type: 'Counter' });
      this.register({ name: `once-${i}`, type: 'Once' });
    }
    if (swarm.random() < 0.8) await swarm.advance(1_000);
    this.load();
    this.registerMore();
    for (let i = 0; i < options.disruptions; i++) {
      // What was begun in this instant goes as far as it can, as in a process that is not killed within a turn.
      await swarm.advance(0);
      disruptions.next();
      await swarm.advance(swarm.random() < 0.3 ? swarm.random() * 100 : swarm.random() * 4_000);
    }
    disruptions.end();
    this.refill();
    await this.comeToRest();
    this.violations.push(
      ...swarm.fences.violations(),
      ...this.operations.violations,
      // That a name lives twice, and what that does to its state, is not promised while networks are cut.
      ...swarm.activations.violations.filter((violation) =>
        violation.startsWith('a message was handled twice'),
      ),
    );
  }

  /** As many nodes as at first, and of those that have died so many back that the rest is a quorum. */
  private refill(): void {
    const { swarm, options, disruptions } = this;
    const mayMiss = Math.floor(swarm.random() * options.size);
    const back = disruptions.vacant.slice(mayMiss);
    for (const port of back) this.boot(port);
    while (disruptions.staying.length < options.nodes) this.boot(undefined);
  }

  private async comeToRest(): Promise<void> {
    const { swarm, options } = this;
    const healedAt = swarm.now;
    await swarm.advance(1_000);
    this.loading = false;
    const rest = async (): Promise<string[]> => {
      const { underWay } = this.operations;
      if (underWay.length > 0) return underWay.map((what) => `P7: ${what} is still under way`);
      return restOf(swarm, this.registrations, options.nodes);
    };
    while (swarm.now - healedAt < REST_MS) {
      const found = await rest();
      if (found.length === 0) return;
      await swarm.advance(LOOK_EVERY_MS);
    }
    this.violations.push(...(await rest()));
    for (const line of beliefs(swarm, this.registrations)) swarm.tell(line);
  }

  private boot(port: number | undefined): SimulatedNode {
    const { node, started } = this.swarm.boot(port);
    const operation = { what: `start of ${node.key}`, node, timeoutMs: BOOT_MS, told: true };
    this.operations.follow(operation, started);
    return node;
  }

  private stop(node: SimulatedNode): void {
    const operation = { what: `drain of ${node.key}`, node, timeoutMs: STOP_MS, told: false };
    this.operations.follow(operation, this.swarm.stop(node), () => this.registrations.noteLoss());
  }

  private register({ name, type }: Registered): void {
    const node = this.anyNode();
    if (!node) return;
    const concluded = this.registrations.began(name, type);
    const work = node.kernel.register(name, type, undefined, {});
    const operation = { what: `register ${name} from ${node.key}`, node, timeoutMs: REGISTER_MS, told: true };
    this.operations.follow(operation, work, concluded);
  }

  private registerMore(): void {
    const { swarm, registrations } = this;
    if (!this.loading) return;
    const type = swarm.random() < 0.6 ? 'Once' : 'Counter';
    const dice = swarm.random();
    // A new name, or one whose registration failed, or was ended, before.
    if (dice < 0.8) this.register(registrations.next(type));
    else this.unregister();
    swarm.scheduler.schedule(swarm.now + REGISTER_EVERY_MS * (0.5 + swarm.random()), () =>
      this.registerMore(),
    );
  }

  private unregister(): void {
    const node = this.anyNode();
    const name = this.registrations.any();
    if (!node || name === undefined) return;
    const concluded = this.registrations.ends(name);
    const what = `unregister ${name} from ${node.key}`;
    const operation = { what, node, timeoutMs: REGISTER_MS, told: true };
    this.operations.follow(operation, node.kernel.unregister(name), concluded);
  }

  private load(): void {
    const { swarm } = this;
    if (!this.loading) return;
    swarm.scheduler.schedule(swarm.now + LOAD_EVERY_MS * (0.5 + swarm.random()), () => this.load());
    const node = this.anyNode();
    const name = this.registrations.any();
    if (!node || name === undefined) return;
    const isSlow = swarm.random() < 0.03;
    this.call(node, name, isSlow ? swarm.random() ** 2 * 6_000 : undefined);
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
    this.operations.follow(operation, work, (error, answer) => {
      if (error || !isOnce) return;
      if ((answer as FencedAnswer).token === token)
        swarm.fences.accepted(name, answer as FencedAnswer, node.key);
      else this.violations.push(`${operation.what}, ${token}, got the answer ${JSON.stringify(answer)}`);
    });
  }

  /** One that can be asked: its process runs, and has not begun to leave. */
  private anyNode(): SimulatedNode | undefined {
    const candidates = this.disruptions.staying.filter(({ pausedAt }) => pausedAt === undefined);
    return candidates[Math.floor(this.swarm.random() * candidates.length)];
  }
}
