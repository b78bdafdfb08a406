import type { IgnoreList } from './cluster/ignore-list.js';
import type { SwarmNode } from './node/swarm-snapshot.interface.js';

/** What the options say of who hosts workers. */
export interface HostingWish {
  readonly node: { readonly hosting: boolean };
  readonly ignoreList: Pick<IgnoreList, 'reasonFor'>;
}

/** What the line that is logged at boot tells. */
export interface BootFacts {
  readonly cluster: string;
  readonly self: SwarmNode;
  readonly nodes: readonly SwarmNode[];
  /** Why nobody else is there, a line per candidate. */
  readonly whyAlone: readonly string[];
  /** Tells a node that was meant to be a client from one that is ignored. */
  readonly wish: HostingWish;
}

/** As `Swarm "shop": api-1@10.0.0.5:7946 is up, 3 nodes (api-2, api-3), hosting DeviceWorker`. */
export function bootLine({ cluster, self, nodes, whyAlone, wish }: BootFacts): string {
  const others = nodes.filter(({ id }) => id !== self.id);
  const company =
    others.length > 0
      ? `${nodes.length} nodes (${others.map(({ name }) => name).join(', ')})`
      : `alone (${whyAlone.join('; ')})`;
  return `Swarm "${cluster}": ${self.id} is ${self.status}, ${company}, ${roleOf(self, wish)}`;
}

function roleOf(self: SwarmNode, wish: HostingWish): string {
  if (!self.hosting) return `hosting nothing (${whyClient(self, wish)})`;
  if (self.types.length === 0) return 'hosting nothing (no module provides a @SwarmWorker)';
  return `hosting ${self.types.join(', ')}`;
}

/** As its options say, as its own list says, or else as a list of the others does. */
function whyClient(self: SwarmNode, wish: HostingWish): string {
  if (!wish.node.hosting) return 'node.hosting is false';
  return wish.ignoreList.reasonFor(self) ?? 'another node ignores it: see the warning above';
}
