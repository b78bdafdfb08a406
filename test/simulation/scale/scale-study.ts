// What a swarm of a given size costs: to start, at rest, with names, and when a node dies. In virtual time, from a seed.
import { joined, type Phase, type ScaleResult, type TimedPhase } from './scale-result.js';
import { OutOfBudgetError, TimeBudget } from './time-budget.js';
import { ScaleSwarm, WORKER } from './scale-swarm.js';

/** Some heartbeats and rounds of discovery. */
const REST_MS = 5_000;

export interface ScaleOptions {
  readonly nodes: number;
  /** Registered on each node, wherever they are then placed. */
  readonly names: number;
  readonly seed: number;
  /** Seconds of processor time after which the case is given up. */
  readonly budgetSeconds: number;
  /** Runs a full garbage collection; without it no memory is measured. */
  readonly collectGarbage: (() => void) | undefined;
  /** Told all that was measured so far, after each stretch: what comes then may take long, or too long. */
  readonly measured?: (result: ScaleResult) => void;
}

/** Measures all but the rolling start. Whatever was measured when the budget is spent is in the result. */
export function studyStart(options: ScaleOptions): Promise<ScaleResult> {
  return new ScaleStudy(options).run((study) => study.together());
}

/** Measures the rolling start only. */
export function studyRollingStart(options: ScaleOptions): Promise<ScaleResult> {
  return new ScaleStudy(options).run((study) => study.rolling());
}

class ScaleStudy {
  private readonly swarm: ScaleSwarm;
  private readonly result: ScaleResult;
  private cpuBefore = process.cpuUsage();
  private step = '';
  private progress: () => string = () => '';

  constructor(private readonly options: ScaleOptions) {
    const { nodes, names, seed, budgetSeconds } = options;
    this.swarm = new ScaleSwarm(seed, new TimeBudget(budgetSeconds));
    this.result = { nodes, names, seed };
  }

  async run(work: (study: this) => Promise<void>): Promise<ScaleResult> {
    try {
      await work(this);
    } catch (error) {
      if (!(error instanceof OutOfBudgetError)) throw error;
      this.result.unfinished = `${this.step}: ${error.message}; ${this.progress()}`;
    }
    return this.result;
  }

  async together(): Promise<void> {
    const { swarm, result, options } = this;
    const { nodes, names } = options;
    const heapAtFirst = this.heap();

    this.begins('start', () => this.pairsTold(nodes));
    for (let i = 0; i < nodes; i++) swarm.boot();
    result.start = await this.timed(() => swarm.until('all see all', () => swarm.isOneSwarm));
    await swarm.settle('all are at rest', Promise.all(swarm.nodes.map(({ kernel }) => kernel.settled({}))));
    // What places names is made with the first of them, and belongs to no name.
    for (const { kernel } of swarm.nodes)
      for (const type of [undefined, WORKER.type]) kernel.ownerOf('', type);
    const heapOfNodes = this.heap();
    if (heapOfNodes !== undefined) result.heapPerNode = (heapOfNodes - heapAtFirst!) / nodes;

    this.begins('rest', () => '');
    await swarm.pass(REST_MS);
    result.rest = this.ends();

    const total = nodes * names;
    this.begins('register', () => {
      const shown = swarm.nodes.map(({ kernel }) => kernel.count());
      return `${Math.min(...shown)} to ${Math.max(...shown)} of ${total} names are shown on a node`;
    });
    result.register = await this.timed(async () => {
      await swarm.settle('all names are registered', this.registerAll());
      await swarm.until('all nodes show all names', () =>
        swarm.nodes.every(({ kernel }) => kernel.count() === total),
      );
    });
    await swarm.settle('all are at rest', Promise.all(swarm.nodes.map(({ kernel }) => kernel.settled({}))));
    const heapOfNames = this.heap();
    if (heapOfNames !== undefined) result.heapPerName = (heapOfNames - heapOfNodes!) / nodes / total;

    await this.crash();
  }

  /** In the middle of the ring of ids, so that it was dialled by some and has dialled others. */
  private async crash(): Promise<void> {
    const { swarm, result } = this;
    const victim = swarm.nodes[Math.floor(swarm.nodes.length / 2)]!;
    const { id } = victim.kernel.self;
    const names = [...victim.kernel.rows({ node: id })].map(({ name }) => name);
    const isBack = (name: string): boolean =>
      swarm.alive.every(({ kernel }) => (kernel.lookup(name)?.node ?? id) !== id);
    this.begins('crash', () => this.pairsTold(swarm.alive.length));
    const began = swarm.now;
    swarm.crash(victim);
    result.crash = await this.timed(() => swarm.until('nobody has it as a member', () => swarm.isOneSwarm));
    this.begins('failover', () => {
      const back = names.filter(isBack);
      return `${back.length} of its ${names.length} names run elsewhere for all nodes`;
    });
    // The names of the last check are not looked at again: there may be many, on many nodes.
    const missing = new Set(names);
    const rest = await this.timed(() =>
      swarm.until('its names run elsewhere', () => {
        for (const name of missing) {
          if (!isBack(name)) return false;
          missing.delete(name);
        }
        return true;
      }),
    );
    result.failover = { ...joined(result.crash, rest), tookMs: swarm.now - began };
  }

  async rolling(): Promise<void> {
    const { swarm, result, options } = this;
    let all: TimedPhase | undefined;
    for (let i = 0; i < options.nodes; i++) {
      this.begins('rolling', () => `${i} of ${options.nodes} nodes are one swarm`);
      swarm.boot();
      result.lastJoin = await this.timed(() => swarm.until('all see all', () => swarm.isOneSwarm));
      all = all ? joined(all, result.lastJoin) : result.lastJoin;
    }
    if (all) result.rolling = all;
  }

  private registerAll(): Promise<unknown> {
    const { nodes } = this.swarm;
    const names = Array.from({ length: this.options.names }, (_, index) => index);
    return Promise.all(
      nodes.flatMap(({ kernel }, node) =>
        names.map((index) => kernel.register(`device-${node}-${index}`, WORKER.type, undefined, {})),
      ),
    );
  }

  private begins(step: string, progress: () => string): void {
    if (this.step !== step) this.options.measured?.(this.result);
    this.step = step;
    this.progress = progress;
    this.swarm.meter.take();
    this.cpuBefore = process.cpuUsage();
  }

  private ends(): Phase {
    const { user, system } = process.cpuUsage(this.cpuBefore);
    return { traffic: this.swarm.meter.take(), cpuSeconds: (user + system) / 1e6 };
  }

  private async timed(work: () => Promise<void>): Promise<TimedPhase> {
    const began = this.swarm.now;
    await work();
    return { tookMs: this.swarm.now - began, ...this.ends() };
  }

  private pairsTold(nodes: number): string {
    const { swarm } = this;
    return `of ${nodes} × ${nodes} pairs of nodes ${swarm.pairsLinked} are linked, and ${swarm.pairsUp} up for each other`;
  }

  private heap(): number | undefined {
    const { collectGarbage } = this.options;
    if (!collectGarbage) return undefined;
    // What the first lets go of may hold more.
    collectGarbage();
    collectGarbage();
    return process.memoryUsage().heapUsed;
  }
}
