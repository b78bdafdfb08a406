// Tells listeners what of the visible registry has changed. Costs nothing while nobody listens, and nothing per name
// when somebody begins to.
import type { RegistryEvent } from '../events/index.js';
import type { Row } from './row.js';

export class RegistryWatch {
  private readonly listeners = new Set<(event: RegistryEvent) => void>();
  /** What was last shown of names that are not listed at this moment, since somebody listens. Of others it is their row. */
  private readonly lastShown = new Map<string, RegistryEvent>();

  constructor(private readonly report: (error: unknown) => void) {}

  listen(listener: (event: RegistryEvent) => void): () => void {
    this.listeners.add(listener);
    return () => {
      this.listeners.delete(listener);
      if (this.listeners.size === 0) this.lastShown.clear();
    };
  }

  /** A listed row is about to change, or to be shown no more. */
  hiding(row: Row): void {
    if (this.listeners.size > 0) this.lastShown.set(row.name, eventOf('registered', row));
  }

  /** Another row of the name is visible than before, or the same after `hiding`, or none any more. */
  changed(name: string, row: Row | undefined): void {
    if (this.listeners.size === 0) return;
    const before = this.lastShown.get(name);
    if (row?.isListed) {
      this.lastShown.delete(name);
      const event = eventOf(before ? 'updated' : 'registered', row);
      if (before?.node === event.node && before.fence === event.fence && before.groups === event.groups)
        return;
      this.tell(event);
    } else if (before && !row) {
      this.lastShown.delete(name);
      this.tell({ ...before, type: 'unregistered' });
    }
  }

  private tell(event: RegistryEvent): void {
    for (const listener of this.listeners) {
      try {
        listener(event);
      } catch (error) {
        this.report(error);
      }
    }
  }
}

function eventOf(
  type: RegistryEvent['type'],
  { name, type: workerType, node, fence, groups }: Row,
): RegistryEvent {
  return { type, name, workerType, node, fence, groups };
}
