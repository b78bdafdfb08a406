// What befalls a simulated swarm: networks that are cut in every way, processes that are stopped, killed, ended and
// started, one by one and in the middle of each other.
import { Cuts } from './cuts.js';
import type { SimulatedNode, SimulatedSwarm } from './simulated-swarm.js';

/** What the disruptions ask of the history that they are part of. */
export interface Surroundings {
  /** How many nodes there are when nothing is amiss. */
  readonly nodes: number;
  /** Size of the quorum. */
  readonly size: number;
  /** A node is started; its promise is to be followed. */
  boot(port: number | undefined): SimulatedNode;
  /** A node is drained, and then gone. */
  stop(node: SimulatedNode): void;
  /** A node has died: what it alone knew is lost. */
  crashed(node: SimulatedNode): void;
  /** Has a worker of that node begin a message that takes as long. */
  occupy(node: SimulatedNode, ms: number): void;
}

/** What may befall a swarm, and how often relative to the rest. */
export const DISRUPTIONS = {
  partition: 20,
  isolate: 16,
  'cut one way': 12,
  'deaf or mute': 10,
  'cut between two': 14,
  'flapping link': 12,
  'broken link': 6,
  pause: 18,
  'pause of a busy node': 14,
  'pause while handing off': 8,
  'pause in a drain': 8,
  crash: 16,
  start: 16,
  drain: 10,
  'cut in a join': 8,
  'cut in a drain': 8,
  'restart of many': 3,
  'restart of all': 1,
};

export type DisruptionKind = keyof typeof DISRUPTIONS;

/** Within that time a node that boots has met all others. */
const CALM_MS = 2_000;

export class Disruptions {
  /** How often each kind happened. */
  readonly happened: Record<string, number> = {};
  private readonly leaving = new Set<SimulatedNode>();
  private over = false;
  private readonly cuts: Cuts;
  /** Nothing begins before. */
  private calmUntil = 0;

  private readonly kinds: Readonly<Record<DisruptionKind, () => boolean>> = {
    partition: () => this.cuts.partition(),
    isolate: () => this.cuts.isolate(),
    'cut one way': () => this.cuts.cutOneWay(),
    'deaf or mute': () => this.cuts.deafOrMute(),
    'cut between two': () => this.cuts.cutBetweenTwo(),
    'flapping link': () => this.cuts.flap(),
    'broken link': () => this.cuts.breakLink(),
    pause: () => this.pauseOne(),
    'pause of a busy node': () => this.pauseBusy(),
    'pause while handing off': () => this.pauseInHandoff(),
    'pause in a drain': () => this.pauseInDrain(),
    crash: () => this.crash(),
    start: () => this.boot(),
    drain: () => this.stop(),
    'cut in a join': () => this.cutInJoin(),
    'cut in a drain': () => this.cutInDrain(),
    'restart of many': () => this.restartMany(this.swarm.alive.filter(() => this.chance(0.6))),
    'restart of all': () => this.restartMany(this.swarm.alive),
  };

  constructor(
    private readonly swarm: SimulatedSwarm,
    private readonly surroundings: Surroundings,
  ) {
    this.cuts = new Cuts(swarm, () => this.isCalm);
  }

  /** Nodes that live and are not about to leave. */
  get staying(): SimulatedNode[] {
    return this.swarm.alive.filter((node) => !this.leaving.has(node));
  }

  /** Happens, or begins to, if it can now. */
  run(kind: DisruptionKind): void {
    if (this.kinds[kind]()) this.happened[kind] = (this.happened[kind] ?? 0) + 1;
  }

  /** Everything passes again, every process goes on, and nothing more happens. */
  end(): void {
    this.over = true;
    this.swarm.tell('everything is healed and goes on');
    this.swarm.network.heal();
    for (const node of this.swarm.alive) this.swarm.resume(node);
  }

  /** Ports of nodes that have died and did not come back. */
  get vacant(): number[] {
    const { nodes, alive } = this.swarm;
    const taken = new Set(alive.map(({ key }) => key));
    return [...new Set(nodes.map(({ key }) => key))].filter((key) => !taken.has(key)).map(portOf);
  }

  private pauseOne(): boolean {
    const { awake } = this.swarm;
    return awake.length > 0 && this.pauseFor(this.any(awake));
  }

  private pauseBusy(): boolean {
    const { awake } = this.swarm;
    if (awake.length === 0) return false;
    const node = this.any(awake);
    this.surroundings.occupy(node, 200 + this.swarm.random() * 6_000);
    this.later(5 + this.swarm.random() * 300, () => this.pauseFor(node));
    return true;
  }

  private pauseInHandoff(): boolean {
    if (!this.boot()) return false;
    this.later(this.swarm.random() * 1_500, () => {
      const { awake } = this.swarm;
      if (awake.length > 0) this.pauseFor(this.any(awake));
    });
    return true;
  }

  private pauseInDrain(): boolean {
    const leaving = this.stopOne();
    if (!leaving) return false;
    this.later(this.swarm.random() * 150, () => {
      const { awake } = this.swarm;
      const node = this.chance(0.6) || awake.length === 0 ? leaving : this.any(awake);
      if (awake.includes(node)) this.pauseFor(node);
    });
    return true;
  }

  private crash(): boolean {
    const { swarm } = this;
    // One that is stopped may be killed too.
    if (swarm.alive.length < 2) return false;
    const node = this.any(swarm.alive);
    this.kill(node);
    const dice = swarm.random();
    // As a supervisor does at once, as a new machine does later, or not before another boot.
    if (dice < 0.5) this.later(swarm.random() * 3_000, () => this.bootAt(portOf(node.key)));
    else if (dice < 0.6) this.later(swarm.random() * 3_000, () => this.bootAt(undefined));
    return true;
  }

  private kill(node: SimulatedNode): void {
    this.swarm.crash(node, this.chance(0.3));
    this.surroundings.crashed(node);
  }

  private boot(): boolean {
    if (this.staying.length > this.surroundings.nodes) return false;
    const { vacant } = this;
    return this.bootAt(vacant.length > 0 && this.chance(0.75) ? this.any(vacant) : undefined);
  }

  private bootAt(port: number | undefined): boolean {
    if (this.over || (port !== undefined && !this.vacant.includes(port))) return false;
    if (this.isSurge) {
      if (!this.isQuiet) return this.later(CALM_MS, () => this.bootAt(port));
      this.calmUntil = this.swarm.now + CALM_MS;
    }
    this.surroundings.boot(port);
    return true;
  }

  /**
   * One more process would be more than a quorum fits. Where nodes that never met the others are cut off from them
   * together, they would be a swarm, and a quorum, of their own: that is why so many must not run, and it is not promised
   * what happens then. Those that meet the others know that they are too many.
   */
  private get isSurge(): boolean {
    return this.swarm.alive.length >= 2 * this.surroundings.size - 1;
  }

  private get isQuiet(): boolean {
    return this.cuts.areHealed && this.swarm.awake.length === this.swarm.alive.length;
  }

  private stop(): boolean {
    return this.stopOne() !== undefined;
  }

  private stopOne(): SimulatedNode | undefined {
    const candidates = this.staying.filter(({ pausedAt }) => pausedAt === undefined);
    if (candidates.length < 2) return undefined;
    const node = this.any(candidates);
    this.leaving.add(node);
    this.surroundings.stop(node);
    return node;
  }

  private cutInJoin(): boolean {
    if (!this.boot()) return false;
    this.later(this.swarm.random() * 400, () => this.cuts.cutOff(this.swarm.nodes.at(-1)));
    return true;
  }

  private cutInDrain(): boolean {
    const node = this.stopOne();
    if (!node) return false;
    this.later(this.swarm.random() * 150, () => this.cuts.cutOff(node));
    return true;
  }

  private restartMany(nodes: readonly SimulatedNode[]): boolean {
    for (const node of nodes) this.kill(node);
    for (const { key } of nodes) this.later(this.swarm.random() * 500, () => this.bootAt(portOf(key)));
    return nodes.length > 1;
  }

  private pauseFor(node: SimulatedNode): boolean {
    const { swarm } = this;
    if (this.isCalm || !node.alive || node.pausedAt !== undefined) return false;
    swarm.pause(node);
    this.later(500 + swarm.random() ** 2 * 14_500, () => swarm.resume(node));
    return true;
  }

  private get isCalm(): boolean {
    return this.over || this.swarm.now < this.calmUntil;
  }

  private any<T>(list: readonly T[]): T {
    const one = list[Math.floor(this.swarm.random() * list.length)];
    if (one === undefined) throw new RangeError('nothing to choose from');
    return one;
  }

  private chance(probability: number): boolean {
    return this.swarm.random() < probability;
  }

  private later(ms: number, task: () => void): true {
    this.swarm.scheduler.schedule(this.swarm.now + ms, () => {
      if (!this.over) task();
    });
    return true;
  }
}

function portOf(key: string): number {
  return Number(key.slice(key.lastIndexOf(':') + 1));
}
