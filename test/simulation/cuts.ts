// How the networks of a simulated swarm are cut: in halves, around one, between two, in one direction, again and again.
import type { SimulatedNode, SimulatedSwarm } from './simulated-swarm.js';

type Pair = readonly [from: string, to: string];

/** Each method begins one thing, which ends by itself; false if it cannot be now. */
export class Cuts {
  /** Cuts that have not been healed. */
  private open = 0;

  constructor(
    private readonly swarm: SimulatedSwarm,
    /** Whether nothing may begin now. */
    private readonly isCalm: () => boolean,
  ) {}

  get areHealed(): boolean {
    return this.open === 0;
  }

  partition(): boolean {
    const sides = new Map(this.swarm.alive.map((node) => [node.key, this.chance(0.5)]));
    const cuts = this.pairs((from, to) => sides.get(from) !== sides.get(to));
    if (cuts.length === 0) return false;
    const left = [...sides].flatMap(([key, side]) => (side ? [key] : []));
    return this.cutFor(cuts, `partition: ${left.join(' ')} from the others`, this.duration());
  }

  isolate(): boolean {
    if (this.swarm.alive.length === 0) return false;
    const { key } = this.any(this.swarm.alive);
    return this.cutFor(
      this.pairs((from, to) => from === key || to === key),
      `isolate ${key}`,
      this.duration(),
    );
  }

  cutOneWay(): boolean {
    const [a, b] = this.two();
    if (!a || !b) return false;
    return this.cutFor([[a.key, b.key]], `cut from ${a.key} to ${b.key}`, this.duration());
  }

  /** As a firewall that drops what comes in, or what goes out. */
  deafOrMute(): boolean {
    if (this.swarm.alive.length === 0) return false;
    const { key } = this.any(this.swarm.alive);
    const isDeaf = this.chance(0.5);
    return this.cutFor(
      this.pairs((from, to) => (isDeaf ? to : from) === key),
      `${key} is ${isDeaf ? 'deaf' : 'mute'}`,
      this.duration(),
    );
  }

  /** All others reach both. */
  cutBetweenTwo(): boolean {
    const [a, b] = this.two();
    if (!a || !b) return false;
    const cuts: Pair[] = [
      [a.key, b.key],
      [b.key, a.key],
    ];
    return this.cutFor(cuts, `cut between ${a.key} and ${b.key}`, this.duration());
  }

  flap(): boolean {
    const [a, b] = this.two();
    if (!a || !b) return false;
    const until = this.swarm.now + 1_000 + this.swarm.random() * 7_000;
    const turn = (): void => {
      if (this.swarm.now > until) return;
      const cutMs = 50 + this.swarm.random() * 900;
      const cuts: Pair[] = [[a.key, b.key]];
      if (this.chance(0.7)) cuts.push([b.key, a.key]);
      this.cutFor(cuts, `flap between ${a.key} and ${b.key}`, cutMs);
      this.later(cutMs + this.swarm.random() * 900, turn);
    };
    turn();
    return true;
  }

  breakLink(): boolean {
    const [a, b] = this.two();
    if (!a || !b) return false;
    this.swarm.tell(`break the link ${a.key} ${b.key}`);
    this.swarm.network.breakLink(a.key, b.key);
    return true;
  }

  /** From some of the others, or from all. */
  cutOff(node: SimulatedNode | undefined): void {
    if (!node?.alive) return;
    const from = new Set(this.swarm.alive.filter(() => this.chance(0.6)).map(({ key }) => key));
    const isBetween = (a: string, b: string): boolean => a === node.key && from.has(b);
    const cuts = this.pairs((a, b) => isBetween(a, b) || isBetween(b, a));
    if (cuts.length > 0)
      this.cutFor(cuts, `cut ${node.key} off from ${[...from].join(' ')}`, this.duration());
  }

  private cutFor(cuts: readonly Pair[], what: string, ms: number): boolean {
    const { swarm } = this;
    if (this.isCalm()) return false;
    this.open++;
    swarm.tell(`${what} for ${ms.toFixed(0)} ms`);
    for (const [from, to] of cuts) swarm.network.cutOneWay(from, to);
    this.later(ms, () => {
      this.open--;
      swarm.tell(`heal: ${what}`);
      for (const [from, to] of cuts) swarm.network.healBetween(from, to);
    });
    return true;
  }

  /** Short ones are more frequent, so that suspicions are about to be raised when they end. */
  private duration(): number {
    return 300 + this.swarm.random() ** 2 * 11_700;
  }

  private pairs(isCut: (from: string, to: string) => boolean): Pair[] {
    const keys = this.swarm.alive.map(({ key }) => key);
    return keys.flatMap((from) =>
      keys.filter((to) => from !== to && isCut(from, to)).map((to): Pair => [from, to]),
    );
  }

  private two(): [SimulatedNode | undefined, SimulatedNode | undefined] {
    const { alive } = this.swarm;
    if (alive.length < 2) return [undefined, undefined];
    const a = this.any(alive);
    return [a, this.any(alive.filter((node) => node !== a))];
  }

  private any<T>(list: readonly T[]): T {
    const one = list[Math.floor(this.swarm.random() * list.length)];
    if (one === undefined) throw new RangeError('nothing to choose from');
    return one;
  }

  private chance(probability: number): boolean {
    return this.swarm.random() < probability;
  }

  private later(ms: number, task: () => void): void {
    this.swarm.scheduler.schedule(this.swarm.now + ms, task);
  }
}
