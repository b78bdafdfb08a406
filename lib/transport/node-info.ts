/** `name@host:port`, unique in the cluster. */
export type NodeId = string;

/** Where a node can be dialled. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Largest weight: a ring has points in proportion, and every node builds the rings of all. */
export const MAX_WEIGHT = 100;

/** What a node says of itself in its hello. Never changes within one incarnation. */
export interface NodeInfo extends Address {
  readonly id: NodeId;
  readonly name: string;
  /** Hybrid-logical-clock stamp taken at boot; a higher one replaces a lower one. */
  readonly incarnation: number;
  /** The first incarnation of this process. A process that was fenced takes another: it is known to have left the former. */
  readonly firstIncarnation: number;
  /** For how long an acknowledged ping lets it run workers of types with a quorum, in milliseconds. */
  readonly leaseMs: number;
  /** Share of names relative to other nodes, 1 by default. */
  readonly weight: number;
  readonly labels: Readonly<Record<string, string>>;
  /** False for a client-only node: it gets answers and hosts nothing. */
  readonly hosting: boolean;
  /** Worker types its application provides. */
  readonly types: readonly string[];
  /** Sizes of the quorums of those that have one. All nodes must name the same: see `quorumBound`. */
  readonly quorums: Readonly<Record<string, number>>;
}

/** A member as one node describes it to another: enough to dial it. */
export interface MemberAddress extends Address {
  readonly id: NodeId;
  readonly incarnation: number;
}

/** What both sides of a link say before anything else is parsed. */
export interface Hello {
  readonly cluster: string;
  readonly protocol: { readonly min: number; readonly max: number };
  readonly node: NodeInfo;
  /** Whether the sender takes part in starts already (`up`) or waits for the join barrier (`joining`). */
  readonly status: 'joining' | 'up' | 'leaving';
  /** Digest of everyone the sender knows: who knows others asks for the list, so that one seed is enough. */
  readonly roll: number;
}

/** `fenced`: the swarm has gone on without that incarnation; `ignored`: it is on the ignore list of the peer. */
export type RefusalCode =
  'cluster' | 'protocol' | 'stale-incarnation' | 'closing' | 'identity' | 'fenced' | 'ignored';

/** Why a hello was refused. */
export interface Refusal {
  readonly code: RefusalCode;
  readonly message: string;
  /** Who is refused: the one that dials may refuse as well as the one that is dialled. */
  readonly about?: NodeId;
  /** With `stale-incarnation` and `fenced`: the newest incarnation that the peer knows of this id. */
  readonly incarnation?: number;
}

/** `name@host:port`. */
export function nodeIdOf(name: string, address: Address): NodeId {
  return `${name}@${addressKey(address)}`;
}

/** For tables of single lives of nodes: neither the id nor the incarnation alone says which. */
export function incarnationKey(id: NodeId, incarnation: number): string {
  return `${id} ${incarnation}`;
}

/** `host:port`, with brackets around an IPv6 host. */
export function addressKey({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
