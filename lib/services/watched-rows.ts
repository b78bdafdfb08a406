import { filter, map, Observable, type Observable as Stream } from 'rxjs';
import type { RegistryRow, RowFilter } from '../node/kernel.interface.js';
import type { RegistryEvent } from '../events/index.js';

/**
 * The changes of the rows that match a filter, as if there were no others: a worker that joins the group (or moves to
 * the node) of the filter is `registered` there, one that leaves is `unregistered`.
 *
 * @param matching the rows that match when the subscription begins
 */
export function watchRows(
  changes: Stream<RegistryEvent>,
  rowFilter: RowFilter,
  matching: () => Iterable<RegistryRow>,
): Observable<RegistryEvent> {
  // Name and type of a row never change, so only a filter by node or group needs to know who was in.
  if (rowFilter.node === undefined && rowFilter.group === undefined) {
    return changes.pipe(filter((event) => matches(event, rowFilter)));
  }
  return new Observable((subscriber) => {
    const inside = new Set(Array.from(matching(), ({ name }) => name));
    return changes
      .pipe(
        map((event) => seenThrough(event, rowFilter, inside)),
        filter((event) => event !== undefined),
      )
      .subscribe(subscriber);
  });
}

function seenThrough(
  event: RegistryEvent,
  rowFilter: RowFilter,
  inside: Set<string>,
): RegistryEvent | undefined {
  const was = inside.has(event.name);
  const is = event.type !== 'unregistered' && matches(event, rowFilter);
  if (is) inside.add(event.name);
  else inside.delete(event.name);
  if (!was && !is) return undefined;
  return { ...event, type: is ? (was ? 'updated' : 'registered') : 'unregistered' };
}

function matches(event: RegistryEvent, { prefix, type, node, group }: RowFilter): boolean {
  return (
    (prefix === undefined || event.name.startsWith(prefix)) &&
    (type === undefined || event.workerType === type) &&
    (node === undefined || event.node === node) &&
    (group === undefined || event.groups.includes(group))
  );
}
