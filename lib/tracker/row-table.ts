import type { NodeId } from '../transport/node-info.js';
import type { Row } from './row.js';

/** The rows of one node in one incarnation, its own log's position, and the digest that replicas compare. */
export class RowTable {
  private readonly rows = new Map<string, Row>();
  /** Number of the last operation of that node's log that is contained here. */
  seq = 0;
  /** XOR of the rows' hashes. */
  digest = 0;

  constructor(
    readonly node: NodeId,
    /** Rises only for this node's own table, while it is empty. */
    public incarnation: number,
  ) {}

  get size(): number {
    return this.rows.size;
  }

  get(name: string): Row | undefined {
    return this.rows.get(name);
  }

  values(): IterableIterator<Row> {
    return this.rows.values();
  }

  /** Puts a row in place of any other of its name, which is returned. */
  put(row: Row): Row | undefined {
    const previous = this.rows.get(row.name);
    this.replace(previous, row);
    return previous;
  }

  delete(name: string): Row | undefined {
    const row = this.rows.get(name);
    if (row) this.remove(row);
    return row;
  }

  /** Removes a row that is known to be here: names are looked up no more often than needed, for that costs most. */
  remove(row: Row): void {
    this.rows.delete(row.name);
    this.digest = (this.digest ^ row.hash) >>> 0;
  }

  /** Puts a row where `previous` is known to stand, or none if there is none. */
  replace(previous: Row | undefined, row: Row): void {
    if (previous) this.digest ^= previous.hash;
    this.rows.set(row.name, row);
    this.digest = (this.digest ^ row.hash) >>> 0;
  }

  update(row: Row, status: Row['status'], groups: readonly string[]): void {
    this.digest ^= row.hash;
    row.update(status, groups);
    this.digest = (this.digest ^ row.hash) >>> 0;
  }

  changeGroup(row: Row, group: string, joins: boolean): void {
    this.digest ^= row.hash;
    row.changeGroup(group, joins);
    this.digest = (this.digest ^ row.hash) >>> 0;
  }
}
