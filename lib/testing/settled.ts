import type { Kernel } from '../node/kernel.interface.js';
import type { SwarmSnapshot } from '../node/swarm-snapshot.interface.js';

/**
 * What still keeps a swarm from being at rest, `undefined` if nothing does: every node is up and sees all the others
 * up, all replicas of the registry are equal, and nothing is under way. Parked workers are at rest: they wait for a node
 * that may host them.
 *
 * @param isCut whether nothing passes between two of them. Then they reach each other by way of another node, or are of two
 * swarms, each of which is at rest by itself.
 */
export function unrest(
  kernels: readonly Kernel[],
  isCut: (a: Kernel, b: Kernel) => boolean = () => false,
): string | undefined {
  for (const part of partsOf(kernels, isCut)) {
    const reason = unrestIn(part) ?? unreached(part, isCut);
    if (reason !== undefined) return reason;
  }
  return undefined;
}

/** Who can hear each other, if need be by way of others. */
function partsOf(kernels: readonly Kernel[], isCut: (a: Kernel, b: Kernel) => boolean): Kernel[][] {
  const left = new Set(kernels);
  const parts: Kernel[][] = [];
  for (const first of left) {
    const part = [first];
    left.delete(first);
    for (const one of part) {
      const reached = [...left].filter((other) => !isCut(one, other));
      for (const other of reached) left.delete(other);
      part.push(...reached);
    }
    parts.push(part);
  }
  return parts;
}

/** A link over a cut is one that nobody has found dead yet. */
function unreached(kernels: readonly Kernel[], isCut: (a: Kernel, b: Kernel) => boolean): string | undefined {
  for (const kernel of kernels) {
    for (const other of kernels.filter((one) => one !== kernel && isCut(kernel, one))) {
      const link = kernel.inspect().transport.links.find(({ peer }) => peer === other.self.id);
      if (link?.via === undefined)
        return `${kernel.self.id} does not reach ${other.self.id} by way of another yet`;
    }
  }
  return undefined;
}

function unrestIn(kernels: readonly Kernel[]): string | undefined {
  const snapshots = kernels.map((kernel) => kernel.inspect());
  const ids = new Set(snapshots.map(({ self }) => self.id).sort());
  for (const snapshot of snapshots) {
    const reason = membership(snapshot, ids) ?? business(snapshot);
    if (reason !== undefined) return `${snapshot.self.id} ${reason}`;
  }
  return difference(snapshots, ids);
}

function membership({ self, nodes }: SwarmSnapshot, ids: ReadonlySet<string>): string | undefined {
  if (self.status !== 'up') return `is ${self.status}`;
  const up = new Set(nodes.filter(({ status }) => status === 'up').map(({ id }) => id));
  const missing = [...ids].filter((id) => !up.has(id));
  if (missing.length > 0) return `does not see ${missing.join(', ')}`;
  const extra = nodes.map(({ id }) => id).filter((id) => !ids.has(id));
  return extra.length > 0 ? `still sees ${extra.join(', ')}` : undefined;
}

function business({ rows, queues }: SwarmSnapshot): string | undefined {
  const busy = Object.entries(queues).filter(([, length]) => length > 0);
  if (busy.length > 0) return `is busy: ${busy.map(([queue, length]) => `${length} ${queue}`).join(', ')}`;
  const orphaned = rows.reduce((sum, row) => sum + row.orphaned, 0);
  if (orphaned > 0) return `holds ${orphaned} workers of dead nodes that nobody hosts yet`;
  const starting = rows.reduce((sum, row) => sum + row.starting, 0);
  if (starting > 0) return `knows of ${starting} workers that are starting`;
  const arriving = rows.reduce((sum, row) => sum + row.arriving, 0);
  return arriving > 0 ? `knows of ${arriving} workers that are on their way to another node` : undefined;
}

function difference(snapshots: readonly SwarmSnapshot[], ids: ReadonlySet<string>): string | undefined {
  for (const id of ids) {
    const versions = new Set(snapshots.map((snapshot) => versionOf(snapshot, id)));
    if (versions.size > 1) return `the nodes differ about ${id}: ${[...versions].join(' and ')}`;
  }
  return undefined;
}

function versionOf({ rows }: SwarmSnapshot, id: string): string {
  const row = rows.find(({ node }) => node === id);
  // A node that hosts nothing and whose log was never read is as good as an empty log.
  if (!row || row.running + row.parked === 0) return 'nothing';
  const parked = row.parked > 0 ? ` and ${row.parked} parked` : '';
  return `${row.running}${parked} at ${row.incarnation}/${row.seq} (${row.digest})`;
}
