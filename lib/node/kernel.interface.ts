import type { RegistryEvent, SwarmEvent } from '../events/index.js';
import type { OutgoingCall } from '../messaging/outgoing-call.js';
import type { WorkerDefinition } from '../workers/worker-definition.interface.js';
import type { DrainReport } from '../handoff/drain-report.js';
import type { PlacementExplanation } from './placement-explanation.interface.js';
import type { SwarmNode, SwarmSnapshot } from './swarm-snapshot.interface.js';

/** A row of the registry as the services show it. */
export interface RegistryRow {
  readonly name: string;
  readonly type: string;
  readonly node: string;
  readonly fence: number;
  readonly groups: readonly string[];
}

/** Which rows to list; every field given must match. */
export interface RowFilter {
  readonly prefix?: string;
  readonly type?: string;
  readonly node?: string;
  readonly group?: string;
}

/**
 * One node of the swarm without Nest: what the services call. Every promise settles by its deadline with a
 * value or a `SwarmError`; every method throws `NotStartedError` before `start` and `ShuttingDownError` after `stop`.
 */
export interface Kernel {
  /** Listens, joins; resolves when up, or after `joinTimeoutMs` with the join going on. */
  start(): Promise<void>;
  /** Drains, leaves and closes; nothing outlives the promise. Idempotent. */
  stop(): Promise<void>;

  register(name: string, type: string, args: unknown, options: { timeoutMs?: number }): Promise<RegistryRow>;
  registerLocal(name: string, definition: WorkerDefinition, instance: object): Promise<RegistryRow>;
  unregister(name: string): Promise<boolean>;
  locate(name: string, options: { timeoutMs?: number }): Promise<RegistryRow | undefined>;
  /** The local replica's row, if the name runs. */
  lookup(name: string): RegistryRow | undefined;
  rows(filter: RowFilter): IterableIterator<RegistryRow>;
  count(): number;

  call(name: string, call: OutgoingCall): Promise<unknown>;
  cast(name: string, pattern: string, data: unknown): void;

  joinGroup(group: string, name: string): Promise<void>;
  leaveGroup(group: string, name: string): Promise<void>;
  members(group: string): RegistryRow[];
  groups(): string[];
  publish(group: string, pattern: string, data: unknown): number;
  multiCall(
    group: string,
    call: OutgoingCall,
  ): Promise<Array<{ row: RegistryRow; value: unknown } | { row: RegistryRow; error: Error }>>;

  readonly self: SwarmNode;
  nodes(): SwarmNode[];
  /** Why no other node is there, a line per candidate. Of use when `nodes()` shows nobody else. */
  whyAlone(): string[];
  /**
   * Where the strategy would place the name; `undefined` if no node is eligible. Without `type`: the registered row's, else
   * any hosting node.
   */
  ownerOf(name: string, type?: string): string | undefined;
  ready(options: { nodes?: number; timeoutMs?: number }): Promise<void>;
  /** Resolves when nothing is under way on this node: no start, restart, move, conflict, or sync. */
  settled(options: { timeoutMs?: number }): Promise<void>;
  /** Hands every worker off and leaves; as `stop`, which does the same first. Idempotent: all get the same report. */
  drain(options: { timeoutMs?: number }): Promise<DrainReport>;
  inspect(): SwarmSnapshot;
  explain(name: string): PlacementExplanation;

  /** Returns how to stop listening. */
  onEvent(listener: (event: SwarmEvent) => void): () => void;
  onRegistryChange(listener: (event: RegistryEvent) => void): () => void;
}
