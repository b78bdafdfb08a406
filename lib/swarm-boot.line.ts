import type { SwarmNode } from './node/swarm-snapshot.js';

/** What the line that is logged at boot tells. */
export interface BootFacts {
  readonly cluster: string;
  readonly self: SwarmNode;
  readonly nodes: readonly SwarmNode[];
  /** Names of the discovery providers. */
  readonly discovery: readonly string[];
}

/**
 * As `Swarm "shop": api-1@10.0.0.5:7946 is up, 3 nodes (api-2, api-3), hosting DeviceWorker`. Of a node that is alone
 * the kernel has said in a line of its own why, per candidate.
 */
export function bootLine({ cluster, self, nodes, discovery }: BootFacts): string {
  const others = nodes.filter(({ id }) => id !== self.id);
  const company =
    others.length > 0
      ? `${nodes.length} nodes (${others.map(({ name }) => name).join(', ')})`
      : `alone (${whyAlone(discovery)})`;
  return `Swarm "${cluster}": ${self.id} is ${self.status}, ${company}, ${roleOf(self)}`;
}

function whyAlone(discovery: readonly string[]): string {
  if (discovery.length === 0) return 'there is no discovery';
  return `${discovery.join(', ')} found nobody`;
}

function roleOf(self: SwarmNode): string {
  if (!self.hosting) return 'hosting nothing (node.hosting is false)';
  if (self.types.length === 0) return 'hosting nothing (no module provides a @SwarmWorker)';
  return `hosting ${self.types.join(', ')}`;
}
