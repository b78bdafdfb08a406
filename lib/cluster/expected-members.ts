// Decides how long members are waited for that others named and this node has no link to yet (promise P1): the join barrier
// does not open without them, and each is dialled, until it is linked, is said to have ended, or is heard by nobody.
import type { KernelLogger, Runtime } from '../runtime/runtime.interface.js';
import { addressKey, type MemberAddress, type NodeId, type NodeInfo } from '../transport/node-info.js';
import type { Dialer } from './dialer.js';
import type { Members } from './members.js';

interface Expected {
  readonly address: MemberAddress;
  /** Monotonic time at which it was first named. */
  readonly since: number;
  /** As a member that has adopted this node described it. */
  info: NodeInfo | undefined;
  /** Nothing listens at its address: those who named it will say what is left of it. */
  isGone: boolean;
  /** The join barrier does not wait for it any more. */
  isOverdue: boolean;
}

/** What `ExpectedMembers` asks of its node, and what it tells it. */
export interface ExpectedMembersParts {
  readonly runtime: Runtime;
  readonly logger: KernelLogger;
  readonly members: Pick<Members, 'get'>;
  readonly dialer: Pick<Dialer, 'seek' | 'forget'>;
  readonly pollMs: number;
  readonly suspectAfterMs: number;
  /** Whether this node has a node that others named, or knows what became of it. */
  isKnown(info: NodeInfo): boolean;
  /** Whether a link to it may be opened, and tells anything new. */
  mayLink(address: MemberAddress): boolean;
  /** It may be there all the same, with workers that this node knows nothing of. */
  isMissing(info: NodeInfo): void;
  /** Nobody is expected any more. */
  noneLeft(): void;
  /** The join barrier may be open now. */
  check(): void;
}

/** The members that others have named and this node has not met. */
export class ExpectedMembers {
  private readonly table = new ExpectedTable();

  constructor(private readonly parts: ExpectedMembersParts) {}

  start(): void {
    this.forgetUnreachable();
  }

  get isAny(): boolean {
    return this.table.size > 0;
  }

  /** Whether one may still link: not all of them are known to be gone. */
  get isAnyToCome(): boolean {
    return this.table.isAnyToCome;
  }

  get isAnyAwaited(): boolean {
    return this.table.isAnyAwaited;
  }

  /** Those without which nobody joins, in the order in which they were first named. */
  awaited(): IterableIterator<NodeId> {
    return this.table.awaited();
  }

  /** Those that were named with this `addressKey`. */
  at(key: string): NodeId[] {
    return this.table.at(key);
  }

  /** The incarnation under which it is expected. */
  incarnationOf(id: NodeId): number | undefined {
    return this.table.get(id)?.address.incarnation;
  }

  /** Another node named this one: link to it, and do not pass the barrier without it. */
  hearOf(address: MemberAddress, info?: NodeInfo): void {
    this.expect(address, info, () => this.parts.dialer.seek(address));
  }

  /** As `hearOf`, where `seek` says how it is looked for. */
  expect(address: MemberAddress, info: NodeInfo | undefined, seek: () => void): void {
    if (!this.parts.mayLink(address)) return;
    const known = this.table.get(address.id);
    if (known && known.address.incarnation >= address.incarnation) {
      if (info && info.incarnation === known.address.incarnation) known.info = info;
    } else {
      // What was found out about an earlier process under its id does not hold for this one.
      this.table.delete(address.id);
      this.table.add({ address, since: this.parts.runtime.now(), info, isGone: false, isOverdue: false });
    }
    seek();
  }

  /** It is linked. That an earlier process under its id has ended may be news to those who named that. */
  met({ id, incarnation, firstIncarnation }: NodeInfo): void {
    const named = this.incarnationOf(id) ?? incarnation;
    if (named < incarnation && named < firstIncarnation) this.gone(id);
    else this.table.delete(id);
  }

  /**
   * It is not there any more. Until those that named it know that too, and have told what is left of it, this node may lack
   * rows of it and must not take a name for free. To notice its end may take them as long as a suspicion.
   */
  gone(id: NodeId): void {
    const expected = this.table.get(id);
    if (!expected || expected.isGone) return;
    expected.isGone = true;
    this.parts.runtime.after(this.parts.pollMs, () => {
      expected.isOverdue = true;
      this.parts.check();
    });
  }

  /** Another node has given that one up, and what it holds of it is being read. */
  toldOfEnd(id: NodeId, incarnation: number): void {
    const expected = this.table.get(id);
    if (!expected?.isGone || expected.address.incarnation > incarnation) return;
    this.drop(id);
    this.parts.check();
  }

  /** Nobody hears it. */
  giveUp(id: NodeId): void {
    this.parts.logger.warn(
      `${id} is a member for others, and neither this node nor any of them hears it now: check the network between them`,
    );
    const expected = this.table.get(id);
    const info = expected?.info;
    if (expected?.isGone) this.leaveToOthers(id, expected);
    else this.drop(id);
    if (info && !this.parts.isKnown(info)) this.parts.isMissing(info);
    this.parts.check();
  }

  /** It is expected no more. */
  drop(id: NodeId): void {
    const { members, dialer } = this.parts;
    const dropped = this.table.delete(id);
    if (!dropped) return;
    if (!members.get(id)) dialer.forget(dropped.address);
    // Not a change of the membership: peers that still name it would then have it expected again.
    if (!this.isAny) this.parts.noneLeft();
  }

  /** Those that named it learn at the same time that nobody hears it, and have still to tell what is left of it. */
  private leaveToOthers(id: NodeId, expected: Expected): void {
    expected.isOverdue = true;
    if (!this.parts.members.get(id)) this.parts.dialer.forget(expected.address);
  }

  /** Those that cannot be reached at all are waited for as long as a silent member is, not longer. */
  private forgetUnreachable(): void {
    const { runtime, suspectAfterMs, pollMs } = this.parts;
    const now = runtime.now();
    for (const [id, { since, isGone }] of [...this.table.entries()]) {
      if (isGone && now - since > suspectAfterMs + pollMs) this.drop(id);
      else if (!isGone && now - since > suspectAfterMs) this.giveUp(id);
    }
    this.parts.check();
    runtime.after(suspectAfterMs / 4, () => this.forgetUnreachable());
  }
}

/** Those that are expected, by id and by address. */
export class ExpectedTable {
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
