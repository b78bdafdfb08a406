import { HybridLogicalClock } from '../../../../lib/runtime/hybrid-logical-clock.js';
import { Forgotten } from '../../../../lib/tracker/forgotten.js';
import { Orphans } from '../../../../lib/tracker/orphans.js';
import { OwnRows } from '../../../../lib/tracker/own-rows.js';
import { OwnStream } from '../../../../lib/tracker/own-stream.js';
import { RegistryIndex } from '../../../../lib/tracker/registry-index.js';
import { Replicas } from '../../../../lib/tracker/replicas.js';
import { RowStatus, type Row, type RowContent } from '../../../../lib/tracker/row.js';
import { FrameKind, type Frame } from '../../../../lib/transport/frame.js';
import type { NodeId } from '../../../../lib/transport/node-info.js';
import { ManualRuntime } from '../../runtime/support/manual.runtime.js';
import { FakeTransport } from './fake-transport.js';

export const POLL_MS = 500;

let stamp = 1;

export function content(name: string, more: Partial<RowContent> = {}): RowContent {
  const fence = stamp++;
  return {
    name,
    type: 'Device',
    args: null,
    fence,
    registration: `r${fence}`,
    groups: [],
    status: RowStatus.running,
    flags: 0,
    ...more,
  };
}

/** The tracker of one node, its frames given to the trackers of the nodes that it is linked with. */
export class TrackerNode {
  readonly transport: FakeTransport;
  readonly index: RegistryIndex;
  readonly stream: OwnStream;
  readonly rows: OwnRows;
  readonly replicas: Replicas;
  readonly orphans: Orphans;
  readonly forgotten = new Forgotten();
  readonly counters: Record<string, number> = {};
  /** Peers that were told that they are level, once per link. */
  readonly caughtUp: NodeId[] = [];
  readonly changes: string[] = [];
  /** Called with each change of the index. */
  changing: () => void = () => undefined;
  readonly members = new Map<NodeId, number>();
  readonly toldForgotten: string[] = [];
  adoptedBy: NodeId[] = [];
  settled = 0;
  /** Others know of nodes that this one has not met. */
  lacksRows = false;
  private readonly linked = new Set<NodeId>();
  private readonly firstHave = new Set<NodeId>();

  constructor(
    readonly id: NodeId,
    readonly runtime: ManualRuntime,
    public incarnation = 1,
  ) {
    this.transport = new FakeTransport(runtime);
    this.index = new RegistryIndex({
      changed: (name) => {
        this.changes.push(name);
        this.changing();
      },
      contested: () => undefined,
    });
    this.stream = new OwnStream({
      node: id,
      incarnation,
      runtime,
      transport: this.transport,
      caughtUp: (peer) => {
        this.caughtUp.push(peer);
        this.orphans.sendAll(peer, () => ({
          kind: FrameKind.Adopted,
          roll: 0,
          established: true,
          fenced: [],
          missing: [],
        }));
      },
      moved: () => undefined,
      peerCount: () => this.members.size,
    });
    this.rows = new OwnRows(id, this.stream.log, this.index);
    const trace = (): void => undefined;
    const shared = {
      runtime,
      transport: this.transport,
      index: this.index,
      forgotten: this.forgotten,
      trace,
    };
    this.replicas = new Replicas({
      ended: (name, registration) => this.orphans.forget(name, registration),
      ...shared,
      clock: new HybridLogicalClock(runtime),
      mayLackRows: () => this.lacksRows,
      count: (counter) => (this.counters[counter] = (this.counters[counter] ?? 0) + 1),
    });
    this.orphans = new Orphans({
      ...shared,
      pollMs: POLL_MS,
      linkedPeers: () => this.linked,
      isCurrent: () => true,
      isLetGo: (row) => this.replicas.isLetGo(row),
      outlives: () => false,
      isMember: (node, of) => this.members.get(node) === of,
      settled: () => this.settled++,
    });
  }

  track(name: string, more: Partial<RowContent> = {}): Row {
    return this.rows.track(content(name, more));
  }

  linkTo(peer: TrackerNode): void {
    for (const [a, b] of [
      [this, peer],
      [peer, this],
    ] as const) {
      a.transport.link(b.id, (frame) => b.receive(a.id, frame));
    }
    this.opened(peer);
    peer.opened(this);
  }

  unlinkFrom(peer: TrackerNode): void {
    this.closed(peer.id);
    peer.closed(this.id);
  }

  /** What the membership does when a member is taken for dead. */
  takeForDead(peer: NodeId, incarnation = 1): void {
    this.closed(peer);
    this.members.delete(peer);
    this.stream.peersChanged();
    this.orphans.add(peer, incarnation, this.replicas.take(peer));
  }

  /** A ping to every peer, as after the log has come to rest. */
  ping(): void {
    for (const peer of this.linked) {
      const state = this.stream.stateFor(peer);
      this.transport.send(peer, {
        kind: FrameKind.Ping,
        id: 1,
        stamp: 1,
        incarnation: 1,
        delayMs: 0,
        ...state,
      });
    }
  }

  /** What this node sees of the registry. */
  view(): string[] {
    return [...this.index.rows()].map(({ name, node, status }) => `${name} ${node} ${status}`).sort();
  }

  orphanNames(): string[] {
    return [...this.orphans.rows()]
      .filter(({ orphaned }) => orphaned)
      .map(({ name }) => name)
      .sort();
  }

  private opened(peer: TrackerNode): void {
    this.linked.add(peer.id);
    this.members.set(peer.id, peer.incarnation);
    this.firstHave.add(peer.id);
    this.stream.open(peer.id);
    this.orphans.revive(peer.id, peer.incarnation, (held) =>
      this.replicas.open(peer.id, peer.incarnation, held),
    );
  }

  private closed(peer: NodeId): void {
    if (!this.linked.delete(peer)) return;
    this.transport.unlink(peer);
    this.stream.close(peer);
    this.orphans.unlinked(peer);
  }

  private receive(from: NodeId, frame: Frame): void {
    switch (frame.kind) {
      case FrameKind.Have:
        return this.stream.have(from, frame, this.firstHave.delete(from));
      case FrameKind.Batch:
        return this.replicas.batch(from, frame);
      case FrameKind.BatchAck:
        return this.stream.acked(from, frame.seq);
      case FrameKind.Snapshot:
        return this.replicas.snapshot(from, frame);
      case FrameKind.Ping:
        return this.replicas.compare(from, frame);
      case FrameKind.Lost:
        return this.orphans.lost(from, frame);
      case FrameKind.Orphans:
        return this.orphans.received(from, frame);
      case FrameKind.Adopted:
        return void this.adoptedBy.push(from);
      case FrameKind.Forgotten:
        return void this.toldForgotten.push(...frame.registrations.map(([name]) => name));
      default:
        return undefined;
    }
  }
}

/** `count` nodes, each linked with each, and a clock that a test moves. */
export function trackers(count: number): { runtime: ManualRuntime; nodes: TrackerNode[] } {
  const runtime = new ManualRuntime();
  const nodes = Array.from({ length: count }, (_, index) => new TrackerNode(`n${index}@h:${index}`, runtime));
  nodes.forEach((node, index) => {
    for (const other of nodes.slice(index + 1)) node.linkTo(other);
  });
  runtime.pass(1);
  return { runtime, nodes };
}

/** The first node dies; the others have noticed and are linked with each other. */
export function die(nodes: readonly TrackerNode[]): TrackerNode[] {
  const [victim, ...survivors] = nodes;
  for (const node of survivors) node.takeForDead(victim!.id, victim!.incarnation);
  return survivors;
}
