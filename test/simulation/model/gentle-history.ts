// Histories in which at most one node is lost at a time and no cut lasts as long as a suspicion: what is promised of
// every worker type under `ring()`, at every moment and once all is at rest.
import { SwarmError, WorkerNotFoundError } from '../../../lib/errors/index.js';
import { seededRandom } from '../../../lib/runtime/virtual.runtime.js';
import { pinnedWorker, type StartPlan } from '../simulated-worker.js';
import { isUp, type SimulatedNode, type SimulatedSwarm } from '../simulated-swarm.js';
import { differences } from '../swarm-at-rest.js';
import { Groups } from './groups.js';
import { plans, type Plan, type Step } from './plan.js';
import { Quiescence, TRUE_WITHIN_MS } from './quiescence.js';
import { ShownFences } from './shown-fences.js';
import { Strangers } from './strangers.js';

const WEIGHTS = {
  register: 180,
  'register slowly': 36,
  'register a start that throws': 12,
  'register a start that hangs': 1,
  'register a handoff': 18,
  'register on all nodes': 12,
  'register locally on two nodes': 24,
  unregister: 60,
  call: 84,
  'call a slow handler': 12,
  'call a handler that throws': 6,
  'call one that fails': 6,
  cast: 18,
  'join a group': 30,
  'leave a group': 12,
  publish: 18,
  start: 30,
  crash: 12,
  'crash after a registration': 9,
  drain: 9,
  'break a link': 30,
  'cut for a moment': 18,
};

export type GentleKind = keyof typeof WEIGHTS;

/** Plans of such histories. Few names make operations meet each other, many spread them. */
export function gentlePlansOf(
  nodes: readonly number[],
  names: readonly number[],
): ReturnType<typeof plans<GentleKind>> {
  return plans<GentleKind>({ weights: WEIGHTS, nodes, names, longestPauseMs: 400 });
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
const REST_MS = 40_000;
/** How often it is looked whether they are. */
const LOOK_EVERY_MS = 250;
/** Pause between two crashes or stops: P4 promises to survive one node at a time. */
const LOSS_PAUSE_MS = 5_000;
/** Between two cuts of the same two nodes: time to dial, link and be heard again. */
const CUT_PAUSE_MS = 6_000;
/** A start that hangs is given up after five attempts of `registerTimeoutMs`. */
const REST_AFTER_HANG_MS = 110_000;

/** One slow handler of so many never ends. */
const HANGS_ONE_IN = 16;

const QUEUES_AT_REST = [
  'starts',
  'restarts',
  'moves',
  'arrivals',
  'conflicts',
  'questions',
  'waitingForAcks',
  'unsettledDead',
  'waitingForNames',
  'calls',
  'multiCalls',
  'parkedMessages',
] as const;

/** What comes of a plan, and which promises it broke. */
export class GentleHistory {
  readonly violations: string[] = [];
  private readonly fates = new Map<string, Fate>();
  private readonly pending = new Map<
    object,
    { readonly what: string; readonly node: SimulatedNode | undefined }
  >();
  /** Operations under way per name, and names whose operations overlap. */
  private readonly inFlight = new Map<string, number>();
  private readonly overlapping = new Set<string>();
  private lastLossAt = -Infinity;
  private readonly cutAt = new Map<string, number>();
  private token = 0;
  /** Names whose workers refuse to move. */
  private readonly mayStay = new Set<string>();
  /** Names one of whose handlers hangs. */
  private readonly stuck = new Set<string>();
  private hangs = false;

  private random: () => number;
  private readonly groups: Groups;
  private readonly fences: ShownFences;
  private readonly strangers: Strangers;

  constructor(
    private readonly swarm: SimulatedSwarm,
    private readonly plan: Plan<GentleKind>,
    private readonly trueWithinMs = TRUE_WITHIN_MS,
  ) {
    this.random = seededRandom(plan.seed);
    this.groups = new Groups(swarm);
    this.fences = new ShownFences(swarm);
    this.strangers = new Strangers(swarm, trueWithinMs);
  }

  async run(): Promise<void> {
    const { swarm, plan, violations } = this;
    for (let i = 0; i < plan.nodes; i++) this.boot();
    if (this.random() < 0.8) await swarm.advance(1_500);
    for (const step of plan.steps) {
      this.random = seededRandom(step.choice);
      this.perform(step);
      await swarm.advance(step.pauseMs);
      this.look();
    }
    swarm.network.heal();
    swarm.isLosing = false;
    await this.comeToRest();
    violations.push(...swarm.activations.violations, ...this.fences.violations, ...this.strangers.violations);
  }

  private async comeToRest(): Promise<void> {
    const { swarm } = this;
    const until = swarm.now + (this.hangs ? REST_AFTER_HANG_MS : REST_MS);
    const quiescence = new Quiescence(swarm, this.trueWithinMs);
    let unrest: readonly string[];
    do {
      await swarm.advance(LOOK_EVERY_MS);
      this.look();
      const busy = [...this.underWay, ...this.busy()];
      const wrong = busy.length === 0 || swarm.now >= until ? this.wrong() : [];
      quiescence.look(busy, wrong);
      unrest = [...busy, ...wrong];
    } while (unrest.length > 0 && swarm.now < until);
    this.violations.push(...unrest, ...quiescence.violations);
    const [first] = swarm.alive;
    if (first) await this.checkNames(first);
  }

  /** What must hold at every moment. */
  private look(): void {
    this.fences.look(this.fates.keys());
    this.strangers.look();
    for (const name of this.fates.keys()) this.swarm.activations.look(name);
  }

  private perform({ kind, choice }: Step<GentleKind>): void {
    const node = this.anyNode();
    const name = this.anyName();
    const steps: Record<GentleKind, () => void> = {
      register: () => this.register(node, name, {}),
      'register slowly': () => this.register(node, name, { takesMs: Math.floor(this.random() * 800) }),
      'register a start that throws': () => this.register(node, name, { throws: true }),
      'register a start that hangs': () => this.register(node, name, { takesMs: 'hang' }),
      'register a handoff': () => this.register(node, name, { handoff: this.anyHandoff() }),
      'register on all nodes': () => this.race(name),
      'register locally on two nodes': () => this.registerLocalRace(name),
      unregister: () => this.unregister(node, name),
      call: () => this.call(node, name, this.random() < 0.2 ? 'slow-add' : 'add'),
      'call a slow handler': () =>
        choice % HANGS_ONE_IN === 0 ? this.callHanging(node, name) : this.call(node, name, 'slow'),
      'call a handler that throws': () => this.call(node, name, 'fail'),
      'call one that fails': () => this.call(node, name, 'breakDown'),
      cast: () => this.cast(node, name),
      'join a group': () => this.changeGroup(node, name, 'join'),
      'leave a group': () => this.changeGroup(node, name, 'leave'),
      publish: () => this.publish(node),
      start: () => this.boot(),
      crash: () => this.lose((victim) => this.crash(victim)),
      'crash after a registration': () => this.lose((victim) => this.crashAfterRegistering(victim)),
      drain: () => this.lose((victim) => this.track(this.swarm.stop(victim), `stop ${victim.key}`, STOP_MS)),
      'break a link': () => this.breakLink(),
      'cut for a moment': () => this.cutForAMoment(),
    };
    steps[kind]();
  }

  private boot(): void {
    const { swarm, plan } = this;
    if (swarm.alive.length >= plan.nodes + 2) return;
    const old = swarm.nodes.filter(
      ({ alive, key }) => !alive && !swarm.alive.some((node) => node.key === key),
    );
    const port = old.length > 0 && this.random() < 0.5 ? Number(old[0]!.key.split(':')[1]) : undefined;
    const { started, node } = swarm.boot(port);
    this.watch(`boot ${node.key}`, node, started, 60_000);
  }

  /** One node, when the swarm has had time to recover from the last. */
  private lose(how: (victim: SimulatedNode) => void): void {
    const { swarm } = this;
    const victims = swarm.alive.filter(({ kernel }) => isUp(kernel));
    if (victims.length < 3 || swarm.now - this.lastLossAt < LOSS_PAUSE_MS) return;
    this.lastLossAt = swarm.now;
    const victim = victims[Math.floor(this.random() * victims.length)];
    if (victim) how(victim);
  }

  private crash(victim: SimulatedNode, losesInFlight = false): void {
    const { activations } = this.swarm;
    for (const name of this.fates.keys())
      if (activations.nodesOf(name).includes(victim.key)) this.groups.nodeDies(name);
    this.swarm.crash(victim, losesInFlight);
  }

  /** The moment at which an acknowledged registration is held by the fewest. */
  private crashAfterRegistering(victim: SimulatedNode): void {
    const crash = (): void => {
      if (victim.alive) this.crash(victim, true);
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
    swarm.scheduler.schedule(swarm.now + this.random() * 1_200, () => {
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
    if (before !== 'present') this.groups.forget(name);
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
      this.mayEnd(name);
      const { definition, instance } = pinnedWorker(node.key, name);
      const work = node.kernel.registerLocal(name, definition, instance);
      this.watch(`registerLocal ${name} on ${node.key}`, node, work, REGISTER_MS);
    }
  }

  private unregister(node: SimulatedNode | undefined, name: string): void {
    if (!node) return;
    this.fates.set(name, 'unknown');
    this.groups.forget(name);
    this.swarm.activations.mayEnd(name);
    this.watch(
      `unregister ${name} from ${node.key}`,
      node,
      node.kernel.unregister(name),
      REGISTER_MS,
      (error) => {
        this.swarm.activations.mayLose(name);
        this.groups.forget(name);
        if (!error) this.certain(name, 'absent');
      },
    );
  }

  private call(
    node: SimulatedNode | undefined,
    name: string,
    pattern: 'add' | 'slow-add' | 'slow' | 'fail' | 'breakDown',
  ): void {
    if (!node) return;
    const token = `token ${++this.token}`;
    const data = pattern === 'slow' ? Math.floor(this.random() * 8_000) : token;
    const call = { pattern, data, timeoutMs: undefined, chain: [] };
    this.swarm.sent(token, node, name, CALL_MS);
    const what = `call ${pattern} ${name} from ${node.key}`;
    // More failures than its type allows end a worker for good.
    if (pattern === 'breakDown') this.mayEnd(name);
    this.watch(what, node, node.kernel.call(name, call), CALL_MS, (error) => {
      if (!error && pattern.endsWith('add')) this.swarm.activations.acknowledged(token, name);
    });
  }

  /** Its worker neither answers nor moves again; a node that leaves leaves it behind. */
  private callHanging(node: SimulatedNode | undefined, name: string): void {
    if (!node) return;
    this.hangs = true;
    this.stuck.add(name);
    this.mayStay.add(name);
    this.mayEnd(name);
    const call = { pattern: 'hang', data: undefined, timeoutMs: undefined, chain: [] };
    this.watch(`call hang ${name} from ${node.key}`, node, node.kernel.call(name, call), CALL_MS);
  }

  private mayEnd(name: string): void {
    this.fates.set(name, 'unknown');
    this.groups.forget(name);
  }

  private cast(node: SimulatedNode | undefined, name: string): void {
    if (!node || !isUp(node.kernel)) return;
    const token = `token ${++this.token}`;
    this.swarm.sent(token, node, name, Infinity);
    this.tried(`cast ${token} to ${name} from ${node.key}`, () => node.kernel.cast(name, 'note', token));
  }

  private changeGroup(node: SimulatedNode | undefined, name: string, change: 'join' | 'leave'): void {
    if (!node) return;
    const group = this.groups.any(this.random);
    const work = change === 'join' ? node.kernel.joinGroup(group, name) : node.kernel.leaveGroup(group, name);
    const concluded = this.groups.began(group, name, change);
    const wasPresent = this.fates.get(name) === 'present';
    this.watch(`${change} ${group} ${name} from ${node.key}`, node, work, REGISTER_MS, (error) => {
      concluded(error);
      // A start may fail in which the name joins, and all that it was is gone.
      if (!wasPresent || this.fates.get(name) !== 'present') this.groups.forget(name);
    });
  }

  /** Each member hears a publication once at most. */
  private publish(node: SimulatedNode | undefined): void {
    if (!node || !isUp(node.kernel)) return;
    const group = this.groups.any(this.random);
    const token = `token ${++this.token}`;
    this.tried(`publish ${token} to ${group} from ${node.key}`, () =>
      node.kernel.publish(group, 'hear', token),
    );
  }

  /** What is sent without an answer may be refused at once, with a reason. */
  private tried(what: string, work: () => void): void {
    this.swarm.tell(what);
    try {
      work();
    } catch (error) {
      this.swarm.tell(`  ${what}: ${String(error)}`);
      if (!(error instanceof SwarmError)) this.violations.push(`P7: ${what} failed with ${String(error)}`);
    }
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
    const key = {};
    this.pending.set(key, { what, node });
    const ended = (): void => {
      settled = true;
      this.pending.delete(key);
      if (swarm.now - began > timeoutMs + SLACK_MS)
        this.violations.push(`P7: ${what} took ${swarm.now - began} ms`);
    };
    work.then(ended, ended);
    swarm.scheduler.schedule(began + timeoutMs + SLACK_MS, () => {
      // Nobody waits for an answer in a process that is gone.
      if (!settled && (node?.alive ?? true))
        this.violations.push(`P7: ${what} has not ended after ${timeoutMs} ms`);
    });
  }

  /** Nobody waits for an answer in a process that is gone. */
  private get underWay(): string[] {
    const open = [...this.pending.values()].filter(({ node }) => node?.alive ?? true);
    return open.map(({ what }) => `P7: ${what} is still under way`);
  }

  /** What is under way in the nodes themselves. */
  private busy(): string[] {
    const { alive } = this.swarm;
    const found = alive.flatMap(({ kernel, key }) => (isUp(kernel) ? [] : [`membership: ${key} is not up`]));
    if (found.length > 0) return found;
    for (const { kernel, key } of alive) {
      const members = kernel.nodes();
      const up = members.filter(({ status }) => status === 'up').length;
      if (up !== alive.length) found.push(`membership: ${key} sees ${up} of ${alive.length} nodes up`);
      // Whose last word was lost behind a cut is taken for leaving until it is suspected.
      else if (members.length > up)
        found.push(`membership: ${key} waits for the end of ${members.length - up} that leave`);
      const { queues, self, transport } = kernel.inspect();
      // A link of its own takes its place soon, and calls that were on their way over it fail.
      for (const { peer, via } of transport.links)
        if (via !== undefined) found.push(`at rest ${key} reaches ${peer} by way of ${via}`);
      const stuckHere = [...this.stuck].filter((name) => kernel.lookup(name)?.node === self.id).length;
      for (const queue of QUEUES_AT_REST) {
        // What hangs is tried to be moved for ever.
        if (queue === 'moves' && (queues[queue] ?? 0) <= stuckHere) continue;
        if (queues[queue] !== 0) found.push(`at rest ${key} still has ${queue}: ${queues[queue]}`);
      }
    }
    return found;
  }

  /** What is not as it must be when nothing is under way, but for what has to be asked for. */
  private wrong(): string[] {
    const { alive } = this.swarm;
    const found: string[] = [];
    for (const { kernel, key } of alive) {
      const ids = new Set(kernel.nodes().map(({ id }) => id));
      for (const { name, node } of kernel.rows({}))
        if (!ids.has(node)) found.push(`${key} has "${name}" on ${node}, which is no member`);
    }
    return [...found, ...differences(alive), ...this.groups.unrest(), ...this.misfits()];
  }

  /** Rows and workers that do not belong together. */
  private misfits(): string[] {
    const kernel = this.swarm.alive[0]?.kernel;
    if (!kernel) return [];
    const found: string[] = [];
    for (const name of this.fates.keys()) {
      const row = kernel.lookup(name);
      const lives = this.swarm.activations.nodesOf(name).length;
      if (row?.type === 'Counter' && lives !== 1)
        found.push(`"${name}" has a row and lives on ${lives} nodes`);
      if (!row && lives > 0) found.push(`"${name}" has no row and lives on ${lives} nodes`);
      if (row?.type !== 'Counter' || this.mayStay.has(name)) continue;
      const { misplaced, reason } = kernel.explain(name);
      if (misplaced) found.push(`"${name}" is misplaced: ${reason}`);
    }
    return found;
  }

  /** P4 and P5 of every name. */
  private async checkNames({ kernel }: SimulatedNode): Promise<void> {
    const { swarm, violations } = this;
    const totals: Array<Promise<unknown>> = [];
    for (const [name, fate] of this.fates) {
      const row = kernel.lookup(name);
      if (fate === 'present' && !row) violations.push(`P4: "${name}" was registered and is gone`);
      if (fate === 'absent' && row) violations.push(`"${name}" was unregistered and is back`);
      if (row?.type !== 'Counter' || this.stuck.has(name)) continue;
      // A slow handler may run that nobody waits for any more.
      const call = { pattern: 'total', data: undefined, timeoutMs: 15_000, chain: [] };
      const compare = (total: unknown): void => {
        const owed = swarm.activations.owed(name);
        if (Number(total) < owed)
          violations.push(`P5: "${name}" counts ${String(total)} of ${owed} acknowledged additions`);
      };
      const complain = (error: unknown): void => {
        // Whoever ended it may have died before it was told, and its worker was busy until now.
        if (fate !== 'present' && error instanceof WorkerNotFoundError) return;
        violations.push(`P3: "${name}" does not answer: ${String(error)}`);
      };
      totals.push(kernel.call(name, call).then(compare, complain));
    }
    await swarm.settle(Promise.all(totals));
  }

  private anyName(): string {
    return `name-${Math.floor(this.random() * this.plan.names)}`;
  }

  private anyHandoff(): NonNullable<StartPlan['handoff']> {
    const all = ['throws', 'hangs', 'ignores', 'restarts', 'end-throws', 'end-hangs', 'slow'] as const;
    return all[Math.floor(this.random() * all.length)] ?? 'slow';
  }

  private anyNode(): SimulatedNode | undefined {
    const { alive } = this.swarm;
    return alive[Math.floor(this.random() * alive.length)];
  }

  private twoNodes(): [SimulatedNode | undefined, SimulatedNode | undefined] {
    const a = this.anyNode();
    const others = this.swarm.alive.filter((node) => node !== a);
    return [a, others[Math.floor(this.random() * others.length)]];
  }
}
