// Members that others named and this node has no link to yet: the join barrier waits for them, and each is dialled. Every
// dial that ends asks who was believed to be at its address, so they are known by address as well as by id.
import { addressKey, type MemberAddress, type NodeId, type NodeInfo } from '../transport/node-info.js';

export interface Expected {
  readonly address: MemberAddress;
  /** Monotonic time at which it was first named. */
  readonly since: number;
  /** As a member that has adopted this node described it. */
  info: NodeInfo | undefined;
  /** Nothing listens at its address: those who named it will say what is left of it. */
  isGone: boolean;
  /** They have had their time, or do not know its end yet: nobody is kept from joining by it any more. */
  isOverdue: boolean;
}

export class ExpectedMembers {
  private readonly byId = new Map<NodeId, Expected>();
  /** Ids that differ in their names may share an address. */
  private readonly idsAt = new Map<string, Set<NodeId>>();

  get size(): number {
    return this.byId.size;
  }

  /** Whether one may still link: not all of them are known to be gone. */
  get isAnyToCome(): boolean {
    for (const { isGone } of this.byId.values()) if (!isGone) return true;
    return false;
  }

  get isAnyAwaited(): boolean {
    for (const { isOverdue } of this.byId.values()) if (!isOverdue) return true;
    return false;
  }

  /** Those without which nobody joins, in the order in which they were first named. */
  *awaited(): IterableIterator<NodeId> {
    for (const [id, { isOverdue }] of this.byId) if (!isOverdue) yield id;
  }

  entries(): IterableIterator<[NodeId, Expected]> {
    return this.byId.entries();
  }

  get(id: NodeId): Expected | undefined {
    return this.byId.get(id);
  }

  /** Those that were named with this `addressKey`. */
  at(key: string): NodeId[] {
    return [...(this.idsAt.get(key) ?? [])];
  }

  /** One that was not expected before. */
  add(expected: Expected): void {
    const { address } = expected;
    const key = addressKey(address);
    this.byId.set(address.id, expected);
    const ids = this.idsAt.get(key);
    if (ids) ids.add(address.id);
    else this.idsAt.set(key, new Set([address.id]));
  }

  /** Returns what was expected, if it was. */
  delete(id: NodeId): Expected | undefined {
    const expected = this.byId.get(id);
    if (!expected) return undefined;
    this.byId.delete(id);
    const key = addressKey(expected.address);
    const ids = this.idsAt.get(key);
    ids?.delete(id);
    if (ids?.size === 0) this.idsAt.delete(key);
    return expected;
  }
}
