import { isUp, type SimulatedNode, type SimulatedSwarm } from '../simulated-swarm.js';

interface Shown {
  /** The newest fence that the node has ever shown of the name. */
  newest: number;
  /** Virtual time since which it shows an older one. */
  olderSince: number | undefined;
}

/** The row that a worker has left may come to be known after the one to which it went, and what follows it soon after. */
const BEHIND_MS = 1_000;

/** Whether a node shows an older fence of a name than it has shown before, for longer than frames may be on their way. */
export class ShownFences {
  readonly violations: string[] = [];
  private readonly shown = new Map<SimulatedNode, Map<string, Shown>>();

  constructor(private readonly swarm: SimulatedSwarm) {}

  look(names: Iterable<string>): void {
    const asked = [...names];
    for (const node of this.swarm.alive) {
      if (!isUp(node.kernel)) continue;
      const before = this.shown.get(node) ?? new Map<string, Shown>();
      this.shown.set(node, before);
      for (const name of asked) this.compare(node, name, before);
    }
  }

  private compare({ kernel, key }: SimulatedNode, name: string, before: Map<string, Shown>): void {
    const fence = kernel.lookup(name)?.fence;
    const shown = before.get(name) ?? { newest: 0, olderSince: undefined };
    before.set(name, shown);
    if (fence === undefined || fence >= shown.newest) {
      shown.newest = Math.max(shown.newest, fence ?? 0);
      shown.olderSince = undefined;
      return;
    }
    const { now } = this.swarm;
    shown.olderSince ??= now;
    if (now - shown.olderSince > BEHIND_MS)
      this.violations.push(
        `whereis: at ${now.toFixed(0)} ${key} shows "${name}" under fence ${fence}, after ${shown.newest}`,
      );
  }
}
