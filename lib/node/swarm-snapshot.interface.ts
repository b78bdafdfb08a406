import type { NodeStatus } from '../cluster/member.js';
import type { TransportSnapshot } from '../transport/transport.interface.js';

/** A member of the swarm as this node sees it. */
export interface SwarmNode {
  /** `name@host:port`. */
  readonly id: string;
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** Stamp taken when that process started; a restarted process has a higher one. */
  readonly incarnation: number;
  readonly status: NodeStatus;
  readonly weight: number;
  readonly labels: Readonly<Record<string, string>>;
  /** False for a client-only node. */
  readonly hosting: boolean;
  /** Worker types that its application provides. */
  readonly types: readonly string[];
}

/** What `SwarmCluster.inspect()` returns: the node's whole view at one moment. For people and tests, not for programs. */
export interface SwarmSnapshot {
  readonly self: SwarmNode;
  readonly nodes: readonly SwarmNode[];
  /** Ids of the nodes that names are placed on, sorted. */
  readonly ring: readonly string[];
  /** Per node: how far its log was read, and how many of its rows are held in which status. */
  readonly rows: ReadonlyArray<{
    readonly node: string;
    readonly incarnation: number;
    readonly seq: number;
    readonly digest: number;
    readonly starting: number;
    readonly running: number;
    /** Prepared to go on there, and not let go of by the node that they come from. */
    readonly arriving: number;
    /** Registered, and not running: they wait for a quorum or for their next restart. */
    readonly parked: number;
    /** Rows of a dead node that nobody hosts yet. */
    readonly orphaned: number;
  }>;
  /** How many workers live on this node, those being started included. */
  readonly workers: number;
  /** Workers of this node that have failed and wait for their next start. */
  readonly pausing: number;
  /** Worker types of this node whose workers pause, or were stopped, for want of nodes. */
  readonly withoutQuorum: readonly string[];
  /** Types with a quorum: for how many more milliseconds their workers may run here, 0 without a lease. */
  readonly leases: ReadonlyArray<{ readonly type: string; readonly leftMs: number }>;
  /**
   * Nodes that are not heard, and that may still run workers of these types as far as this node knows: nothing of it is
   * started elsewhere before `fencedBy` is a quorum and its lease is over.
   */
  readonly missing: ReadonlyArray<{
    readonly node: string;
    readonly incarnation: number;
    readonly fencedBy: readonly string[];
    readonly workerTypes: readonly string[];
  }>;
  /** Types with more nodes than their quorum fits, and the nodes that host none of their workers for that. */
  readonly exceeded: ReadonlyArray<{ readonly type: string; readonly nodes: readonly string[] }>;
  /** Workers that are leaving this node, at most a hundred of them. */
  readonly moves: ReadonlyArray<{ readonly name: string; readonly to: string; readonly step: string }>;
  /** Things under way: starts, calls waiting for an answer, messages waiting for a worker to be placed. */
  readonly queues: Readonly<Record<string, number>>;
  /** Events counted since the node started. */
  readonly counters: Readonly<Record<string, number>>;
  readonly transport: TransportSnapshot;
}
