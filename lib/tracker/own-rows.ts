// The only place that writes rows of this node: into the log that others copy, and into the index that all read.
import type { NodeId } from '../transport/node-info.js';
import type { OwnLog } from './own-log.js';
import type { RegistryIndex } from './registry-index.js';
import { Row, type RowContent, type RowStatus, type Untracked } from './row.js';

export class OwnRows {
  constructor(
    private readonly node: NodeId,
    private readonly log: OwnLog,
    private readonly index: RegistryIndex,
  ) {}

  get(name: string): Row | undefined {
    return this.log.table.get(name);
  }

  /** Whether the row still stands, or was ended meanwhile. */
  has(row: Row): boolean {
    return this.log.table.get(row.name) === row;
  }

  values(): IterableIterator<Row> {
    return this.log.table.values();
  }

  track(content: RowContent): Row {
    const row = new Row(content, this.node);
    this.log.track(row);
    this.index.add(row);
    return row;
  }

  /** As `track`, in place of the row that this node has of the name: the same worker under another fence. */
  replace(previous: Row, content: RowContent): Row {
    const row = new Row(content, this.node);
    this.log.track(row);
    this.index.replace(previous, row);
    return row;
  }

  untrack(row: Row, why: Untracked): void {
    this.log.untrack(row, why);
    this.index.remove(row);
  }

  setStatus(row: Row, status: RowStatus): void {
    this.index.alter(row, () => this.log.update(row, status, row.groups));
  }

  /** Told to the others in as little as it takes, however many groups the row is in. */
  changeGroup(row: Row, group: string, joins: boolean): void {
    this.index.changeGroup(row, group, joins, () => this.log.changeGroup(row, group, joins));
  }

  setGroups(row: Row, groups: readonly string[]): void {
    this.index.alter(row, () => this.log.update(row, row.status, groups));
  }
}
