// Holds the dead nodes of which something is left, and how far the logs of the others were read.
import { keepLatest } from '../runtime/keep-latest.js';
import { incarnationKey, type NodeId } from '../transport/node-info.js';
import { DeadNode } from './dead-node.js';
import { RowTable } from './row-table.js';

/** Of how many dead nodes with nothing left it is known how far their logs were read. */
const FINISHED_LIMIT = 4_096;

export class DeadNodes {
  private readonly held = new Map<string, DeadNode>();
  /** How far the logs of those were read of which nothing is left. */
  private readonly finished = new Map<string, number>();

  get size(): number {
    return this.held.size;
  }

  get(id: string): DeadNode | undefined {
    return this.held.get(id);
  }

  /** False where it lives again, or another stands for the same incarnation, which has died once more. */
  has(dead: DeadNode): boolean {
    return this.held.get(dead.id) === dead;
  }

  all(): IterableIterator<DeadNode> {
    return this.held.values();
  }

  /** What is held of it, or nothing but how far its log was read. */
  known(node: NodeId, incarnation: number): DeadNode {
    const known = this.held.get(incarnationKey(node, incarnation));
    if (known) return known;
    const dead = new DeadNode(new RowTable(node, incarnation));
    dead.table.seq = this.readUpTo(node, incarnation);
    return dead;
  }

  /** As `known`, and held from now on. */
  heldOf(node: NodeId, incarnation: number): DeadNode {
    return this.hold(this.known(node, incarnation));
  }

  hold(dead: DeadNode): DeadNode {
    this.held.set(dead.id, dead);
    return dead;
  }

  /** How far the log of a dead incarnation was read; 0 if nothing is known of it. */
  readUpTo(node: NodeId, incarnation: number): number {
    const id = incarnationKey(node, incarnation);
    return this.held.get(id)?.table.seq ?? this.finished.get(id) ?? 0;
  }

  /** It lives. */
  delete({ id }: DeadNode): void {
    this.held.delete(id);
  }

  /** Nothing of it is left. */
  finish({ id, table }: DeadNode): void {
    this.held.delete(id);
    const seq = Math.max(table.seq, this.finished.get(id) ?? 0);
    keepLatest(this.finished, id, seq, FINISHED_LIMIT);
  }
}
