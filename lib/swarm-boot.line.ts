import type { SwarmNode } from './node/swarm-snapshot.js';

/** What the line that is logged at boot tells. */
export interface BootFacts {
  readonly cluster: string;
  readonly self: SwarmNode;
  readonly nodes: readonly SwarmNode[];
  /** Why nobody else is there, a line per candidate. */
  readonly whyAlone: readonly string[];
}

/** As `Swarm "shop": api-1@10.0.0.5:7946 is up, 3 nodes (api-2, api-3), hosting DeviceWorker`. */
export function bootLine({ cluster, self, nodes, whyAlone }: BootFacts): string {
  const others = nodes.filter(({ id }) => id !== self.id);
  const company =
    others.length > 0
      ? `${nodes.length} nodes (${others.map(({ name }) => name).join(', ')})`
      : `alone (${whyAlone.join('; ')})`;
  return `Swarm "${cluster}": ${self.id} is ${self.status}, ${company}, ${roleOf(self)}`;
}

function roleOf(self: SwarmNode): string {
  if (!self.hosting) return 'hosting nothing (node.hosting is false)';
  if (self.types.length === 0) return 'hosting nothing (no module provides a @SwarmWorker)';
  return `hosting ${self.types.join(', ')}`;
}
