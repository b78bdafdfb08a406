import { SwarmError } from '../../lib/errors/index.js';
import { pinnedWorker, type StartPlan } from './simulated-worker.js';
import type { SimulatedNode, SimulatedSwarm } from './simulated-swarm.js';

/** What a history may do, and how often relative to the rest. */
export interface HistoryOptions {
  readonly nodes: number;
  readonly names: number;
  readonly commands: number;
  /** Pause between two crashes or stops: P4 promises to survive one node at a time. */
  readonly lossPauseMs?: number;
}

type Fate = 'present' | 'absent' | 'unknown';

/** Deadlines that the kernel of the simulation was given; an operation that ends later breaks P7. */
const REGISTER_MS = 10_000;
const CALL_MS = 5_000;
/** The time of a drain, and what handlers and `die` may have beyond it. */
const STOP_MS = 36_000;
/** A timer that fires at the deadline may do so after other things of the same instant. */
const SLACK_MS = 50;
/** After this long without commands everything must be at rest: a suspicion, a long handler, a handoff that hangs, a repair. */
const REST_MS = 26_000;
/** Between two cuts of the same two nodes: time to dial, link and be heard again. */
const CUT_PAUSE_MS = 6_000;
/** A start that hangs is given up after five attempts of `registerTimeoutMs`. */
const REST_AFTER_HANG_MS = 70_000;

/** A random history of one swarm, from its random source alone, and what must be true of it. */
const QUEUES_AT_REST = [
  'starts',
  'restarts',
  'moves',
  'arrivals',
  'conflicts',
  'questions',
  'waitingForAcks',
  'unsettledDead',
] as const;

export class History {
  readonly violations: string[] = [];
  private readonly fates = new Map<string, Fate>();
  private readonly pending = new Set<Promise<unknown>>();
  /** Operations under way per name, and names whose operations overlap. */
  private readonly inFlight = new Map<string, number>();
  private readonly overlapping = new Set<string>();
  private lastLossAt = -Infinity;
  private readonly cutAt = new Map<string, number>();
  private token = 0;
  /** Names whose workers refuse to move. */
  private readonly mayStay = new Set<string>();
  private hangs = false;
  /** Operations by how they ended, to see that a history does something. */
  readonly outcomes: Record<string, number> = {};

  constructor(
    private readonly swarm: SimulatedSwarm,
    private readonly options: HistoryOptions,
  ) {}

  async run(): Promise<void> {
    const { swarm, options } = this;
    for (let i = 0; i < options.nodes; i++) this.boot();
    if (swarm.random() < 0.8) await swarm.advance(1_500);
    for (let i = 0; i < options.commands; i++) {
      this.command();
      await swarm.advance(swarm.random() < 0.3 ? 0 : swarm.random() * 400);
    }
    swarm.network.heal();
    await swarm.advance(this.hangs ? REST_AFTER_HANG_MS : REST_MS);
    await this.checkAtRest();
    this.violations.push(...swarm.activations.violations);
  }

  private command(): void {
    const { swarm } = this;
    const dice = swarm.random();
    const node = this.anyNode();
    if (dice < 0.34) this.register(node, this.anyName(), {});
    else if (dice < 0.4) this.register(node, this.anyName(), { takesMs: Math.floor(swarm.random() * 800) });
    else if (dice < 0.42) this.register(node, this.anyName(), { throws: true });
    else if (dice < 0.43) this.register(node, this.anyName(), { takesMs: 'hang' });
    else if (dice < 0.45) this.register(node, this.anyName(), { handoff: this.anyHandoff() });
    else if (dice < 0.47) this.race(this.anyName());
    else if (dice < 0.51) this.registerLocalRace(this.anyName());
    else if (dice < 0.62) this.unregister(node, this.anyName());
    else if (dice < 0.82) this.call(node, this.anyName());
    else if (dice < 0.87) this.boot();
    else if (dice < 0.92) this.lose();
    else if (dice < 0.97) this.breakLink();
    else this.cutForAMoment();
  }

  private boot(): void {
    const { swarm, options } = this;
    if (swarm.alive.length >= options.nodes + 2) return;
    const old = swarm.nodes.filter(
      ({ alive, key }) => !alive && !swarm.alive.some((node) => node.key === key),
    );
    const port = old.length > 0 && swarm.random() < 0.5 ? Number(old[0]!.key.split(':')[1]) : undefined;
    const { started, node } = swarm.boot(port);
    this.watch(`boot ${node.key}`, node, started, 60_000);
  }

  /** A crash, or a stop, of one node, when the swarm has had time to recover from the last. */
  private lose(): void {
    const { swarm, options } = this;
    const victims = swarm.alive.filter(({ kernel }) => isUp(kernel));
    if (victims.length < 3 || swarm.now - this.lastLossAt < (options.lossPauseMs ?? 5_000)) return;
    this.lastLossAt = swarm.now;
    const victim = victims[Math.floor(swarm.random() * victims.length)]!;
    const dice = swarm.random();
    if (dice < 0.35) this.crashAfterRegistering(victim);
    else if (dice < 0.7) swarm.crash(victim);
    else this.track(swarm.stop(victim), `stop ${victim.key}`, STOP_MS);
  }

  /** The moment at which an acknowledged registration is held by the fewest. */
  private crashAfterRegistering(victim: SimulatedNode): void {
    const crash = (): void => {
      if (victim.alive) this.swarm.crash(victim, true);
    };
    this.register(victim, this.anyName(), {}, crash);
  }

  private breakLink(): void {
    const [a, b] = this.twoNodes();
    if (!a || !b) return;
    this.swarm.tell(`break the link ${a.key} ${b.key}`);
    this.swarm.network.breakLink(a.key, b.key);
  }

  /** Shorter than a suspicion: nothing passes, and then what was sent arrives. */
  private cutForAMoment(): void {
    const { swarm } = this;
    const [a, b] = this.twoNodes();
    if (!a || !b) return;
    // Several cuts of the same two add up to a suspicion, which is another promise's case.
    const pair = [a.key, b.key].sort().join(' ');
    if (swarm.now - (this.cutAt.get(pair) ?? -Infinity) < CUT_PAUSE_MS) return;
    this.cutAt.set(pair, swarm.now);
    swarm.tell(`cut ${a.key} ${b.key}`);
    swarm.network.cut(a.key, b.key);
    swarm.scheduler.schedule(swarm.now + swarm.random() * 1_200, () => {
      swarm.tell(`heal ${a.key} ${b.key}`);
      swarm.network.healBetween(a.key, b.key);
    });
  }

  private register(
    node: SimulatedNode | undefined,
    name: string,
    plan: StartPlan,
    afterwards: () => void = () => undefined,
  ): void {
    if (!node) return;
    const before = this.fates.get(name) ?? 'absent';
    this.hangs ||= plan.takesMs === 'hang';
    if (plan.handoff && plan.handoff !== 'restarts' && plan.handoff !== 'slow') this.mayStay.add(name);
    this.fates.set(name, 'unknown');
    const work = node.kernel.register(name, 'Counter', plan, {});
    this.watch(
      `register ${name} ${JSON.stringify(plan)} from ${node.key}`,
      node,
      work,
      REGISTER_MS,
      (error) => {
        if (!error) this.certain(name, 'present');
        else if (error.code === 'ERR_SWARM_WORKER_START')
          this.certain(name, before === 'absent' ? 'absent' : 'unknown');
        else this.fates.set(name, 'unknown');
        afterwards();
      },
    );
  }

  private race(name: string): void {
    for (const node of this.swarm.alive) this.register(node, name, {});
  }

  private registerLocalRace(name: string): void {
    for (const node of this.twoNodes()) {
      if (!node) continue;
      this.fates.set(name, 'unknown');
      const { definition, instance } = pinnedWorker(node.key, name);
      const work = node.kernel.registerLocal(name, definition, instance);
      this.watch(`registerLocal ${name} on ${node.key}`, node, work, REGISTER_MS);
    }
  }

  private unregister(node: SimulatedNode | undefined, name: string): void {
    if (!node) return;
    this.fates.set(name, 'unknown');
    this.watch(
      `unregister ${name} from ${node.key}`,
      node,
      node.kernel.unregister(name),
      REGISTER_MS,
      (error) => {
        this.swarm.activations.mayLose(name);
        if (!error) this.certain(name, 'absent');
      },
    );
  }

  private call(node: SimulatedNode | undefined, name: string): void {
    if (!node) return;
    const dice = this.swarm.random();
    const slow = dice < 0.1;
    const token = `token ${++this.token}`;
    const data = slow ? Math.floor(this.swarm.random() * 8_000) : token;
    const pattern = slow ? 'slow' : dice < 0.14 ? 'breakDown' : dice < 0.3 ? 'slow-add' : 'add';
    const call = { pattern, data, timeoutMs: undefined, chain: [] };
    const what = `call ${pattern} ${name} from ${node.key}`;
    // More failures than its type allows end a worker for good.
    if (pattern === 'breakDown') this.fates.set(name, 'unknown');
    this.watch(what, node, node.kernel.call(name, call), CALL_MS, (error) => {
      if (!error && !slow && pattern !== 'breakDown') this.swarm.activations.acknowledged(token, name);
    });
  }

  /** Only an operation that no other of its name overlapped says what must be true afterwards. */
  private certain(name: string, fate: Fate): void {
    this.fates.set(name, this.overlapping.has(name) ? 'unknown' : fate);
  }

  private watch(
    what: string,
    node: SimulatedNode,
    work: Promise<unknown>,
    timeoutMs: number,
    ended: (error: SwarmError | undefined) => void = () => undefined,
  ): void {
    const name = /\bname-\d+/.exec(what)?.[0] ?? '';
    const others = this.inFlight.get(name) ?? 0;
    if (others > 0) this.overlapping.add(name);
    this.inFlight.set(name, others + 1);
    const conclude = (error: SwarmError | undefined): void => {
      ended(error);
      const left = (this.inFlight.get(name) ?? 1) - 1;
      this.inFlight.set(name, left);
      if (left === 0) this.overlapping.delete(name);
    };
    if (!what.startsWith('boot')) this.swarm.tell(what);
    this.track(
      work.then(
        () => {
          this.swarm.tell(`  ${what}: ok`);
          conclude(undefined);
        },
        (error: unknown) => {
          if (!(error instanceof SwarmError))
            this.violations.push(`P7: ${what} failed with ${String(error)}`);
          const code = error instanceof SwarmError ? error.code : 'other';
          this.outcomes[code] = (this.outcomes[code] ?? 0) + 1;
          this.swarm.tell(`  ${what}: ${String(error)}`);
          conclude(error as SwarmError);
        },
      ),
      what,
      timeoutMs,
      node,
    );
  }

  private track(work: Promise<unknown>, what: string, timeoutMs: number, node?: SimulatedNode): void {
    const { swarm } = this;
    const began = swarm.now;
    let settled = false;
    const promise: Promise<unknown> = work.finally(() => {
      settled = true;
      this.pending.delete(promise);
      this.outcomes['settled'] = (this.outcomes['settled'] ?? 0) + 1;
      if (swarm.now - began > timeoutMs + SLACK_MS)
        this.violations.push(`P7: ${what} took ${swarm.now - began} ms`);
    });
    this.pending.add(promise);
    swarm.scheduler.schedule(began + timeoutMs + SLACK_MS, () => {
      // Nobody waits for an answer in a process that is gone.
      if (!settled && (node?.alive ?? true))
        this.violations.push(`P7: ${what} has not ended after ${timeoutMs} ms`);
    });
  }

  private async checkAtRest(): Promise<void> {
    const { swarm, violations } = this;
    const { alive } = swarm;
    const [first] = alive;
    if (!first) return;
    for (const { kernel, key } of alive) {
      const up = kernel.nodes().filter(({ status }) => status === 'up').length;
      if (up !== alive.length) violations.push(`membership: ${key} sees ${up} of ${alive.length} nodes up`);
      const { queues } = kernel.inspect();
      for (const queue of QUEUES_AT_REST) {
        if (queues[queue] !== 0) violations.push(`at rest ${key} still has ${queue}: ${queues[queue]}`);
      }
    }
    this.checkReplicas();
    await this.checkNames(first);
  }

  private checkReplicas(): void {
    const { alive } = this.swarm;
    const views = alive.map(({ kernel }) =>
      JSON.stringify([...kernel.rows({})].map(({ name, node, fence }) => [name, node, fence]).sort()),
    );
    if (new Set(views).size > 1) this.violations.push('P6: the registries differ');
    const logs = alive.map(({ kernel }) =>
      JSON.stringify(
        kernel
          .inspect()
          .rows.filter(({ orphaned, seq }) => orphaned === 0 && seq > 0)
          .map(({ node, incarnation, seq, digest }) => [node, incarnation, seq, digest])
          .sort(),
      ),
    );
    if (new Set(logs).size > 1) this.violations.push(`P6: the logs differ:\n${logs.join('\n')}`);
  }

  private async checkNames({ kernel }: SimulatedNode): Promise<void> {
    const { activations } = this.swarm;
    for (const [name, fate] of this.fates) {
      const row = kernel.lookup(name);
      if (fate === 'present' && !row) this.violations.push(`P4: "${name}" was registered and is gone`);
      if (fate === 'absent' && row) this.violations.push(`"${name}" was unregistered and is back`);
      const nodes = activations.nodesOf(name).length;
      if (row?.type === 'Counter' && nodes !== 1)
        this.violations.push(`"${name}" has a row and lives on ${nodes} nodes`);
      if (!row && nodes > 0) this.violations.push(`"${name}" has no row and lives on ${nodes} nodes`);
      if (row?.type !== 'Counter') continue;
      const call = { pattern: 'total', data: undefined, timeoutMs: undefined, chain: [] };
      const total = Number(await this.swarm.settle(kernel.call(name, call)));
      const owed = activations.owed(name);
      if (total < owed)
        this.violations.push(`P5: "${name}" counts ${total} of ${owed} acknowledged additions`);
      if (kernel.explain(name).misplaced && !this.mayStay.has(name))
        this.violations.push(`"${name}" is misplaced: ${kernel.explain(name).reason}`);
    }
  }

  private anyName(): string {
    return `name-${Math.floor(this.swarm.random() * this.options.names)}`;
  }

  private anyHandoff(): NonNullable<StartPlan['handoff']> {
    const all = ['throws', 'hangs', 'ignores', 'restarts', 'end-throws', 'end-hangs', 'slow'] as const;
    return all[Math.floor(this.swarm.random() * all.length)] ?? 'slow';
  }

  private anyNode(): SimulatedNode | undefined {
    const { alive } = this.swarm;
    return alive[Math.floor(this.swarm.random() * alive.length)];
  }

  private twoNodes(): [SimulatedNode | undefined, SimulatedNode | undefined] {
    const a = this.anyNode();
    const others = this.swarm.alive.filter((node) => node !== a);
    return [a, others[Math.floor(this.swarm.random() * others.length)]];
  }
}

function isUp(kernel: SimulatedNode['kernel']): boolean {
  try {
    return kernel.self.status === 'up';
  } catch {
    return false;
  }
}
