// What the membership needs of its node, and what it tells it.
import type { DiscoveryProvider } from '../discovery/discovery-provider.interface.js';
import type { HybridLogicalClock } from '../runtime/hybrid-logical-clock.js';
import type { KernelLogger, Runtime } from '../runtime/runtime.interface.js';
import type { Frame } from '../transport/frame.js';
import type { NodeId, NodeInfo } from '../transport/node-info.js';
import type { Transport } from '../transport/transport.interface.js';
import type { IgnoreList } from './ignore-list.js';
import type { Member } from './member.js';

/** The options of a node that its membership goes by. */
export interface MembershipOptions {
  readonly cluster: string;
  readonly protocol: { readonly min: number; readonly max: number };
  readonly heartbeatMs: number;
  readonly suspectAfterMs: number;
  readonly pollMs: number;
  readonly aloneAfterMs: number;
  readonly leaseMs: number;
  readonly ignoreList: IgnoreList;
}

/** What the rest of the kernel is told of the members. */
export interface MembershipListener {
  /** A link to the member is open: it is in the ring from now on. */
  linked(member: Member): void;
  /** The link broke; the member is not yet taken for dead. */
  unlinked(member: Member): void;
  /** `reborn`: the same process goes on under another incarnation. */
  down(member: Member, reason: string, reborn: boolean): void;
  /** Who is in the ring, or whether starts are allowed, has changed. */
  changed(): void;
  /** Everything that the member had tracked before it linked was read. */
  level(member: Member): void;
  /** A member's own status changed, or it appeared for the first time. */
  statusChanged(member: Member): void;
  /** This node has passed the join barrier. */
  selfUp(): void;
  /** This node has another incarnation, and joins anew. */
  reincarnated(incarnation: number): void;
  /** The others have gone on without this node: what it runs under a lease must end; `done` when it has. */
  selfFenced(by: NodeId, done: () => void): void;
  suspected(member: Member, reason: string): void;
  refuted(id: NodeId, by: NodeId): void;
  fenced(id: NodeId, incarnation: number, by: NodeId): void;
  /** What it ran may be started elsewhere, for types with a quorum. */
  released(info: NodeInfo, types: readonly string[]): void;
  /** A node that was taken for dead is linked again in the same incarnation. */
  merged(member: Member): void;
  leaseExtended(type: string, until: number): void;
  leasesChanged(lost: readonly string[], regained: readonly string[]): void;
  /**
   * Who acknowledges this node now may have forgotten that it was fenced: what it runs under a lease must end; `done` when
   * it has.
   */
  leaseStale(types: readonly string[], done: () => void): void;
  trustedUntil(until: number): void;
  /** How far the log of that incarnation was read here. What this node itself has tracked is handed to the links before. */
  readUpTo(id: NodeId, incarnation: number): number;
  logState(peer: NodeId): { readonly seq: number | null; readonly digest: number };
  /** Sends a frame, made when its turn has come, behind all that the peer is told of the dead. */
  sendBehind(peer: NodeId, frame: () => Frame): void;
}

/** Reaches nodes by way of others. */
export interface Relays {
  /** Opens a link to a node by way of another. */
  relay(to: NodeId, via: NodeId): void;
  /** The node through which a link goes, `undefined` for one of its own. */
  viaOf(peer: NodeId): NodeId | undefined;
}

/** What a `Membership` is made from. */
export interface MembershipParts {
  readonly runtime: Runtime;
  readonly clock: HybridLogicalClock;
  readonly transport: Transport;
  readonly logger: KernelLogger;
  readonly discovery: readonly DiscoveryProvider[];
  readonly self: NodeInfo;
  readonly relays: Relays;
  /** Sizes of the quorums of the types that this node hosts. */
  readonly quorums: ReadonlyMap<string, number>;
  readonly options: MembershipOptions;
  readonly listener: MembershipListener;
}
