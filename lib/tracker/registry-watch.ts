// Tells listeners what of the visible registry has changed. Costs nothing while nobody listens.
import type { RegistryEvent } from '../events/index.js';
import type { RegistryIndex } from './registry-index.js';
import type { Row } from './row.js';

export class RegistryWatch {
  private readonly listeners = new Set<(event: RegistryEvent) => void>();
  /** The row last shown per name; filled while somebody listens. */
  private readonly shown = new Map<string, RegistryEvent>();

  constructor(private readonly report: (error: unknown) => void) {}

  listen(index: RegistryIndex, listener: (event: RegistryEvent) => void): () => void {
    if (this.listeners.size === 0) {
      for (const row of index.listedRows()) this.shown.set(row.name, eventOf('registered', row));
    }
    this.listeners.add(listener);
    return () => {
      this.listeners.delete(listener);
      if (this.listeners.size === 0) this.shown.clear();
    };
  }

  changed(name: string, row: Row | undefined): void {
    if (this.listeners.size === 0) return;
    const before = this.shown.get(name);
    if (row?.isListed) {
      const event = eventOf(before ? 'updated' : 'registered', row);
      if (before?.node === event.node && before.fence === event.fence && before.groups === event.groups)
        return;
      this.shown.set(name, event);
      this.tell(event);
    } else if (before && !row) {
      this.shown.delete(name);
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
