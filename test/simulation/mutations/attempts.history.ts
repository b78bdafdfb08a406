// A move is given up because its link breaks behind the target's back, another is made, and then the source dies: only
// what it moved last goes on (promise P1).
import { FrameKind, type Frame } from '../../../lib/transport/frame.js';
import { namesWhere, SimulatedSwarm, type SimulatedNode } from '../simulated-swarm.js';
import { outcomeOf, type Outcome } from './outcome.js';

/** Belongs to the first of three nodes, to the second when that leaves, and to the fourth that comes. */
const [NAME] = namesWhere(
  1,
  (home) => home(7000, 7001, 7002) === 7000 && home(7001, 7002) === 7001 && home(7001, 7002, 7003) === 7003,
) as [string];
const MOVED_WITHIN_MS = 1_000;
/** Longer than a suspicion. */
const REST_MS = 6_000;
/** Shorter than it takes until two that meet are one again. */
const LOOK_EVERY_MS = 2;

/** A history of one worker that is moved twice. */
export function secondAttempts(seed: number): Promise<Outcome> {
  const history = new SecondAttempts(seed);
  return outcomeOf(history.swarm, history);
}

class SecondAttempts {
  readonly violations: string[] = [];
  readonly swarm: SimulatedSwarm;
  private state: 'whole' | 'about to break' | 'cut' = 'whole';

  constructor(seed: number) {
    this.swarm = new SimulatedSwarm({ seed, loses: (_random, _from, _to, { kind }) => this.cutAt(kind) });
  }

  async run(): Promise<void> {
    const { swarm, violations } = this;
    await swarm.form(3);
    const [source] = swarm.nodes as [SimulatedNode];
    await swarm.settle(source.kernel.register(NAME, 'Counter', undefined, {}));
    this.state = 'about to break';
    void swarm.stop(source).catch(() => undefined);
    if (!(await swarm.scheduler.runUntil(() => this.state === 'cut', MOVED_WITHIN_MS)))
      throw new Error('the second node was not prepared');
    const { node: last, started } = swarm.boot();
    await swarm.settle(started);
    const hasMoved = (): boolean => last.kernel.lookup(NAME)?.node === last.kernel.self.id;
    if (!(await swarm.scheduler.runUntil(hasMoved, MOVED_WITHIN_MS)))
      throw new Error('it has not moved to the last node');

    swarm.crash(source);
    for (const until = swarm.now + REST_MS; swarm.now < until;) {
      await swarm.advance(LOOK_EVERY_MS);
      swarm.activations.look(NAME);
    }
    violations.push(...swarm.activations.violations);
    const nodes = swarm.activations.nodesOf(NAME);
    if (nodes.join() !== last.key) violations.push(`P1: at rest "${NAME}" lives on [${nodes.join(', ')}]`);
    for (const { kernel, key } of swarm.alive) {
      const row = kernel.lookup(NAME);
      if (row?.node !== last.kernel.self.id) violations.push(`P6: ${key} shows "${NAME}" on ${row?.node}`);
    }
  }

  /** The second node was prepared, and nobody hears of it. */
  private cutAt(kind: Frame['kind']): boolean {
    if (this.state !== 'about to break' || kind !== FrameKind.Prepared) return false;
    this.state = 'cut';
    const { network, nodes } = this.swarm;
    const [source, second] = nodes as [SimulatedNode, SimulatedNode];
    network.cut(source.key, second.key);
    network.breakLink(source.key, second.key);
    return true;
  }
}
