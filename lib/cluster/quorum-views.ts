// Decides whose acknowledgements count for a lease (promise P2): those of nodes whose view names no member that this node
// does not know. Otherwise two nodes that do not know each other could both get a lease from a third that hears both.
import { FrameKind, type ViewFrame } from '../transport/frame.js';
import { incarnationKey, type NodeId, type NodeInfo } from '../transport/node-info.js';
import type { Transport } from '../transport/transport.interface.js';
import { isQuorumHost, type Members } from './members.js';
import { votes } from './quorum-bound.js';

/** What `QuorumViews` asks of its node, and what it tells it. */
export interface QuorumViewsParts {
  readonly transport: Transport;
  readonly members: Members;
  /** Nodes that may still run workers although they are not heard. */
  missing(): Iterable<NodeInfo>;
  /** Whether this node takes that incarnation for a member, for missing, or knows what has become of it. */
  isKnown(info: NodeInfo): boolean;
  /** A member that only others know: it is looked for. */
  heardOf(info: NodeInfo): void;
  /** A node that others miss, and this one has not known. */
  isMissing(info: NodeInfo): void;
  /** Asks for an acknowledgement again: the last one did not count. */
  askAgain(peer: NodeId): void;
}

interface View {
  readonly version: number;
  readonly members: readonly NodeInfo[];
  readonly missing: readonly NodeInfo[];
}

/** Which nodes each member, this one included, takes for present. Empty if nobody hosts a type with a quorum. */
export class QuorumViews {
  private own: View = { version: 1, members: [], missing: [] };
  private shown = '';
  private readonly others = new Map<NodeId, View>();
  /** Peers whose last word did not count, because they know more than this node. */
  private readonly withheld = new Set<NodeId>();

  constructor(private readonly parts: QuorumViewsParts) {}

  /** Number of the present view of this node, which its acknowledgements carry; above 0. */
  get version(): number {
    return this.own.version;
  }

  /** Members, or what is known of them, have changed. */
  changed(): void {
    const { transport, members, askAgain } = this.parts;
    const here = members.quorumHosts().filter(votes);
    const missing = [...this.parts.missing()].filter(isQuorumHost);
    const view = { members: here.map(({ info }) => info), missing };
    const shown = [view.members, view.missing]
      .map((nodes) =>
        nodes
          .map(({ id, incarnation }) => incarnationKey(id, incarnation))
          .sort()
          .join(),
      )
      .join(' missing ');
    if (shown !== this.shown) {
      this.shown = shown;
      this.own = { version: this.own.version + 1, ...view };
      transport.broadcast([...members.linkedIds()], this.frame());
    }
    for (const peer of [...this.withheld]) {
      this.learn(peer);
      if (!this.agrees(peer)) continue;
      this.withheld.delete(peer);
      askAgain(peer);
    }
  }

  /** A link has opened, or one has room again that may have refused the view: without it no acknowledgement counts there. */
  tell(peer: NodeId): void {
    this.parts.transport.send(peer, this.frame());
  }

  unlinked(peer: NodeId): void {
    this.others.delete(peer);
    this.withheld.delete(peer);
  }

  received(from: NodeId, { version, members, missing }: ViewFrame): void {
    this.others.set(from, { version, members, missing });
    this.learn(from);
    this.changed();
  }

  /** Whether an acknowledgement that was given in that view counts. */
  counts(from: NodeId, version: number): boolean {
    if ((this.others.get(from)?.version ?? 0) >= version && this.agrees(from)) return true;
    this.withheld.add(from);
    return false;
  }

  private learn(peer: NodeId): void {
    const { isKnown, heardOf, isMissing } = this.parts;
    const { members = [], missing = [] } = this.others.get(peer) ?? {};
    for (const info of missing) if (!isKnown(info)) isMissing(info);
    for (const info of members) if (!isKnown(info)) heardOf(info);
  }

  private agrees(peer: NodeId): boolean {
    const view = this.others.get(peer);
    return view !== undefined && [...view.members, ...view.missing].every(this.parts.isKnown);
  }

  private frame(): ViewFrame {
    return { kind: FrameKind.View, ...this.own };
  }
}
