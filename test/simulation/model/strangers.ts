import { isUp, type SimulatedNode, type SimulatedSwarm } from '../simulated-swarm.js';

/** Whether a node goes on to show rows of nodes that are no members for it. */
export class Strangers {
  readonly violations: string[] = [];
  /** By who shows it and what: virtual time since which it is shown without a pause. */
  private since = new Map<string, number>();

  /** @param shownMs how long a row may be shown of a node that is no member any more */
  constructor(
    private readonly swarm: SimulatedSwarm,
    private readonly shownMs: number,
  ) {}

  look(): void {
    const { now } = this.swarm;
    const before = this.since;
    this.since = new Map();
    for (const node of this.swarm.awake) {
      // Where a name has gone is not known to those who are cut off from there; they go on to show where it was.
      if (!this.isLinkedToAll(node)) continue;
      for (const [name, host] of strangersOf(node)) {
        const key = `${node.index} ${name} ${host}`;
        const since = before.get(key) ?? now;
        this.since.set(key, since);
        if (now - since > this.shownMs)
          this.violations.push(
            `P6: at ${now.toFixed(0)} ${node.key} shows "${name}" on ${host}, which is no member since ${since.toFixed(0)}`,
          );
      }
    }
  }

  private isLinkedToAll({ key, kernel }: SimulatedNode): boolean {
    if (!isUp(kernel)) return false;
    return (
      kernel.inspect().transport.links.length >= this.swarm.alive.filter((other) => other.key !== key).length
    );
  }
}

function strangersOf({ kernel }: SimulatedNode): Array<readonly [name: string, host: string]> {
  if (!isUp(kernel)) return [];
  const members = new Set(kernel.nodes().map(({ id }) => id));
  return [...kernel.rows({})].flatMap(({ name, node }) => (members.has(node) ? [] : [[name, node] as const]));
}
