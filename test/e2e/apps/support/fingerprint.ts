import { createHash } from 'node:crypto';
import type { SwarmRegistry } from 'nestjs-swarm';

/** The number of names and a hash over name, node and fence of each: equal on nodes whose registries are equal. */
export function fingerprint(registry: SwarmRegistry): string {
  const rows = [...registry.registered()].map(({ name, node, fence }) => `${name} ${node} ${fence}`);
  return `${rows.length} ${createHash('sha1').update(rows.sort().join('\n')).digest('hex')}`;
}
