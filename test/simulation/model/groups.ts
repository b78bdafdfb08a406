import type { SwarmError } from '../../../lib/errors/index.js';
import type { SimulatedSwarm } from '../simulated-swarm.js';

type Change = 'join' | 'leave';

interface Membership {
  readonly group: string;
  readonly name: string;
  underWay: number;
  /** Several changes are under way, or were with one that is, so that neither says what is true afterwards. */
  overlap: boolean;
  /** `undefined`: changes overlapped or failed, so that either may be. */
  last: Change | undefined;
  /** Virtual time of the last change. */
  at: number;
}

/** A change is answered by the worker's node alone: for so long others may not have read it. */
const UNREAD_MS = 50;

const GROUPS = ['group-0', 'group-1', 'group-2'] as const;

/** Who must be in which group, from what was acknowledged. */
export class Groups {
  private readonly memberships = new Map<string, Membership>();

  constructor(private readonly swarm: SimulatedSwarm) {}

  any(random: () => number): string {
    return GROUPS[Math.floor(random() * GROUPS.length)] ?? GROUPS[0];
  }

  /** @returns to be told how it ended */
  began(group: string, name: string, change: Change): (error: SwarmError | undefined) => void {
    const key = `${group} ${name}`;
    const membership = this.memberships.get(key) ?? {
      ...{ group, name, underWay: 0, overlap: false },
      ...{ last: undefined, at: 0 },
    };
    this.memberships.set(key, membership);
    membership.overlap ||= membership.underWay > 0;
    membership.underWay++;
    membership.last = undefined;
    return (error) => {
      membership.underWay--;
      membership.last = error || membership.overlap ? undefined : change;
      if (membership.underWay === 0) membership.overlap = false;
      membership.at = this.swarm.now;
    };
  }

  /** A name that is given up takes its memberships along. */
  forget(name: string): void {
    for (const membership of this.memberships.values()) {
      if (membership.name === name) membership.last = undefined;
    }
  }

  /** The node at which the name lives dies, and what others have not read with it. */
  nodeDies(name: string): void {
    for (const membership of this.memberships.values()) {
      if (membership.name === name && this.swarm.now - membership.at < UNREAD_MS) membership.last = undefined;
    }
  }

  /** Groups are the same everywhere, hold live names only, and those that joined as long as they live. */
  unrest(): string[] {
    const found: string[] = [];
    const [first, ...others] = this.swarm.alive;
    if (!first) return found;
    for (const group of GROUPS) {
      const members = membersOf(first.kernel, group);
      for (const { kernel, key } of others) {
        const theirs = membersOf(kernel, group);
        if (theirs.join() !== members.join())
          found.push(`P6: ${group} has ${members.join()} for ${first.key} and ${theirs.join()} for ${key}`);
      }
      for (const { name, last } of this.of(group)) {
        const isMember = members.includes(name);
        if (last === 'leave' && isMember) found.push(`"${name}" has left ${group} and is in it`);
        if (last === 'join' && !isMember && first.kernel.lookup(name))
          found.push(`"${name}" has joined ${group} and is not in it`);
      }
    }
    return found;
  }

  private of(group: string): Membership[] {
    return [...this.memberships.values()].filter((membership) => membership.group === group);
  }
}

function membersOf(
  kernel: { members(group: string): Array<{ readonly name: string }> },
  group: string,
): string[] {
  return kernel
    .members(group)
    .map(({ name }) => name)
    .sort();
}
