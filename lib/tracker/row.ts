// Decides what one row of the registry is: who holds which name, as its host wrote it (single authority per row).
import type { NodeId } from '../transport/node-info.js';
import { HASH_SEED, hashString, hashWord, mixed } from '../runtime/string-hash.js';
import type { WireRow } from '../transport/frame.js';

/**
 * `claiming`: its node waits for the name's arbiter to agree; such a row stands in nobody's way but the arbiter's.
 * `starting`: the worker is being built. `running`: it takes messages. `arriving`: it is prepared to go on here and
 * handles nothing before the node that it comes from has let go of it. `parked`: it is registered and does not run: it
 * waits for a quorum, or for its next restart.
 */
export const RowStatus = { claiming: 0, starting: 1, running: 2, arriving: 3, parked: 4 } as const;
export type RowStatus = (typeof RowStatus)[keyof typeof RowStatus];
export type RowStatusName = keyof typeof RowStatus;

/**
 * Why a row is taken back. `givenBack`: the registration may live on in another row. `forgotten`: it has ended for good.
 * `moved`: the worker goes on at another node, whose row for it was tracked before.
 * `gaveWay`: the name stays with an activation on another node, perhaps of another registration.
 */
export const Untracked = { givenBack: 0, forgotten: 1, moved: 2, gaveWay: 3 } as const;
export type Untracked = (typeof Untracked)[keyof typeof Untracked];

/** `pinned`: bound to its node by `registerLocal`. `temporary`: may move, and is gone with a node that dies. */
export const RowFlag = { pinned: 1, temporary: 2 } as const;

const STATUS_NAMES = ['claiming', 'starting', 'running', 'arriving', 'parked'] as const;

/** Shared by all rows without groups, which are most. */
const NO_GROUPS: readonly string[] = Object.freeze([]);

export interface RowContent {
  readonly name: string;
  readonly type: string;
  /** Encoded start arguments. */
  readonly args: Uint8Array | null;
  readonly fence: number;
  readonly registration: string;
  readonly groups: readonly string[];
  readonly status: RowStatus;
  /** Sum of `RowFlag`s. */
  readonly flags: number;
}

/** One name on one node. Status and groups change; everything else makes another row. */
export class Row implements RowContent {
  readonly name: string;
  readonly type: string;
  readonly args: Uint8Array | null;
  /** Stamp of this activation. */
  readonly fence: number;
  /** Stays the same over restarts; `unregister` ends it for good. */
  readonly registration: string;
  readonly flags: number;
  groups: readonly string[];
  status: RowStatus;
  /** Its node is dead; the row waits to be started by another. */
  orphaned = false;
  /** It arrives, and no row of where it comes from has been read: whether it will go on here is not known. */
  isEarly = false;
  /** Of the hashes of its parts, so that a change costs no look at the others. Signed, so that it is no object of its own. */
  private sum: number;

  constructor(
    content: RowContent,
    readonly node: NodeId,
  ) {
    this.name = content.name;
    this.type = content.type;
    this.args = content.args;
    this.fence = content.fence;
    this.registration = content.registration;
    this.flags = content.flags;
    this.groups = content.groups.length > 0 ? content.groups : NO_GROUPS;
    this.status = content.status;
    this.sum = (hashOfIdentity(this) + hashOfStatus(this.status) + sumOfGroups(this.groups)) | 0;
  }

  static fromWire(wire: WireRow, node: NodeId): Row {
    return new Row(contentOfWire(wire), node);
  }

  get isPinned(): boolean {
    return (this.flags & RowFlag.pinned) !== 0;
  }

  /** Whether another node may start it when its own is dead. */
  get outlivesNode(): boolean {
    return this.flags === 0 && this.status !== RowStatus.claiming;
  }

  /** Whether its node, which lives, has the name and may be the only one: not merely asked for it, or was promised it. */
  get isHeld(): boolean {
    return this.status !== RowStatus.claiming && this.status !== RowStatus.arriving && !this.orphaned;
  }

  /** Whether it waits to be let go of by the node that it comes from. */
  get isArriving(): boolean {
    return this.status === RowStatus.arriving && !this.orphaned;
  }

  /** Whether it does not run and nobody is starting it. */
  get isParked(): boolean {
    return this.status === RowStatus.parked || this.orphaned;
  }

  /** Whether the name is there for whoever looks: it runs, or goes on in a moment where it has just moved to. */
  get isShown(): boolean {
    return this.isRunning || this.isArriving;
  }

  /** Whether callers see it: an attempt to move may fail, and what it would have become must not have been seen before. */
  get isListed(): boolean {
    return this.isRunning || (this.isArriving && !this.isEarly);
  }

  /** Whether its registration can be ended now: nobody is just starting it. */
  get mayEnd(): boolean {
    return !this.orphaned && (this.status === RowStatus.running || this.status === RowStatus.parked);
  }

  get statusName(): RowStatusName | 'orphaned' {
    if (this.orphaned) return 'orphaned';
    return STATUS_NAMES[this.status];
  }

  /** Whether messages reach it. */
  get isRunning(): boolean {
    return this.status === RowStatus.running && !this.orphaned;
  }

  /** 32 bits over everything that replicas must agree on. */
  get hash(): number {
    return mixed(this.sum);
  }

  update(status: RowStatus, groups: readonly string[]): void {
    this.sum = (this.sum - hashOfStatus(this.status) + hashOfStatus(status)) | 0;
    this.status = status;
    if (groups !== this.groups) this.setGroups(groups);
  }

  /** Nothing happens if it is, or is not, a member already. */
  changeGroup(group: string, joins: boolean): void {
    if (this.groups.includes(group) === joins) return;
    const hash = hashOfGroup(group);
    this.sum = (joins ? this.sum + hash : this.sum - hash) | 0;
    const groups = joins ? [...this.groups, group] : this.groups.filter((other) => other !== group);
    this.groups = groups.length > 0 ? groups : NO_GROUPS;
  }

  toWire(): WireRow {
    return [
      this.name,
      this.type,
      this.args,
      this.fence,
      this.registration,
      this.groups,
      this.status,
      this.flags,
    ];
  }

  private setGroups(groups: readonly string[]): void {
    this.sum = (this.sum - sumOfGroups(this.groups) + sumOfGroups(groups)) | 0;
    this.groups = groups.length > 0 ? groups : NO_GROUPS;
  }
}

/** What another row of the same worker is made from. */
export function contentOf(row: Row): RowContent {
  const { name, type, args, fence, registration, groups, status, flags } = row;
  return { name, type, args, fence, registration, groups, status, flags };
}

/** What a row says that another node has sent. */
export function contentOfWire(wire: WireRow): RowContent {
  const [name, type, args, fence, registration, groups, status, flags] = wire;
  return { name, type, args, fence, registration, groups, status: status as RowStatus, flags };
}

/** Rows travel together up to about this size: with arguments of 64 KiB each, 256 of them would be a frame too large. */
export const BYTES_PER_FRAME = 64 * 1024;

/** About how many bytes a row takes whose names are of the usual length. */
export function wireBytes(args: Uint8Array | null, groups: readonly string[]): number {
  let bytes = 128 + (args ? args.length : 0);
  for (const group of groups) bytes += group.length;
  return bytes;
}

function hashOfIdentity({ name, registration, fence }: Row): number {
  const hash = hashString(hashString(HASH_SEED, name), registration);
  // Modulo 2^32; by `%` it would cost as much as all else here.
  return mixed(hashWord(hash, fence >>> 0));
}

function hashOfStatus(status: RowStatus): number {
  return mixed(hashWord(HASH_SEED, status));
}

function hashOfGroup(group: string): number {
  return mixed(hashString(HASH_SEED, group));
}

/** In whichever order they were joined. */
function sumOfGroups(groups: readonly string[]): number {
  let sum = 0;
  for (const group of groups) sum = (sum + hashOfGroup(group)) | 0;
  return sum;
}
