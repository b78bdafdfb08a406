// Decides which nodes count for a worker type with a quorum (promise P2): at most `2 * size - 1`, so that no two
// quorums are disjoint. The oldest incarnations come first, so that a newcomer never takes the place of one that counts,
// and a node that is not heard keeps its place until it is known to have ended.
import type { NodeId, NodeInfo } from '../transport/node-info.js';
import type { Member } from './member.js';
import type { Members } from './members.js';

/** A node that is no member any more, and may still run workers. */
export interface MissingNode {
  readonly info: NodeInfo;
  /** It may have taken over what this node ran before, or never knew: nothing is run here before it is met or released. */
  readonly blocks: boolean;
  /** It has left in order: it hosts nothing, but what it acknowledged may still hold a lease. */
  readonly hasLeft: boolean;
}

/** Who counts for a type with a quorum, as one node sees it. */
export interface QuorumBound {
  /** Whether a missing node may hold what this node does not know of. */
  readonly isBlocked: boolean;
  /** How many are a quorum, as the oldest of them says. */
  readonly size: number;
  /** How many count: members, missing ones, and those that have left and may still hold up a lease. */
  readonly places: number;
  /** Members that count, this node perhaps among them. */
  readonly members: readonly Member[];
  /** Nodes that count and are not heard. */
  readonly missing: readonly NodeInfo[];
  /** Members that could host the type and do not count: the newest ones, and those that name another size. */
  readonly beyond: readonly Member[];
}

/** A place among those that count. Ids are unique, so a process that was started under one has taken the place of the last. */
interface Place {
  readonly id: NodeId;
  oldest: NodeInfo;
  member: Member | undefined;
  missing: NodeInfo | undefined;
}

/**
 * The nodes that count for a type with a quorum, given those that are missing and not released for it. Where nodes name
 * different sizes, as while the size is being changed, the oldest is right, and the others host none of the type.
 */
export function quorumBound(members: Members, missing: Iterable<MissingNode>, type: string): QuorumBound {
  const places = new Map<NodeId, Place>();
  const placeOf = (info: NodeInfo): Place => {
    const place = places.get(info.id) ?? { id: info.id, oldest: info, member: undefined, missing: undefined };
    places.set(info.id, place);
    if (info.incarnation < place.oldest.incarnation) place.oldest = info;
    return place;
  };
  for (const member of [members.self, ...members.peers()])
    if (mayHost(member.info, type)) placeOf(member.info).member = member;
  let isBlocked = false;
  for (const { info, hasLeft, blocks } of missing) {
    if (!mayHost(info, type)) continue;
    isBlocked ||= blocks;
    const place = placeOf(info);
    if (!hasLeft) place.missing ??= info;
  }
  const sorted = [...places.values()].sort(
    (a, b) => a.oldest.incarnation - b.oldest.incarnation || (a.id < b.id ? -1 : Number(a.id > b.id)),
  );
  const size = sorted[0]?.oldest.quorums[type] ?? 1;
  const agreeing = sorted.filter(({ member, oldest }) => (member?.info ?? oldest).quorums[type] === size);
  const counted = agreeing.slice(0, 2 * size - 1);
  return {
    isBlocked,
    size,
    places: counted.length,
    members: counted.flatMap((place) => place.member ?? []),
    missing: counted.flatMap((place) => place.missing ?? []),
    beyond: sorted.flatMap((place) => (counted.includes(place) ? [] : (place.member ?? []))),
  };
}

/** Whether the word of a member counts: it has joined, and is not known to be elsewhere. */
export function votes({ status }: Member): boolean {
  return status === 'up' || status === 'leaving';
}

function mayHost({ hosting, types, quorums }: NodeInfo, type: string): boolean {
  return hosting && types.includes(type) && quorums[type] !== undefined;
}
