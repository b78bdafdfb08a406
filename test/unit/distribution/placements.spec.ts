import { describe, expect, it } from 'vitest';
import { Members, newMember } from '../../../lib/cluster/members.js';
import type { NodeStatus } from '../../../lib/cluster/member.js';
import {
  type DistributionStrategy,
  type PlaceableNode,
  Placements,
  ring,
  staticQuorumRing,
} from '../../../lib/distribution/index.js';
import type { NodeInfo } from '../../../lib/transport/node-info.js';
import { indescribable } from '../../support/indescribable.js';

const NAMES = Array.from({ length: 100 }, (_, index) => `device-${index}`);

function info(name: string, more: Partial<NodeInfo> = {}): NodeInfo {
  const address = { host: 'h', port: 1 };
  const rest = { weight: 1, labels: {}, hosting: true, types: ['Device', 'Game'] };
  return {
    id: `${name}@h:1`,
    name,
    incarnation: 1,
    firstIncarnation: 1,
    quorums: { Device: 2, Game: 2, Model: 2 },
    leaseMs: 3_000,
    ...address,
    ...rest,
    ...more,
  };
}

/** The view of node `a`. */
function membersOf(self: Partial<NodeInfo> = {}): Members {
  return new Members({ ...newMember(info('a', self), 'up', 0), adoptedUs: true });
}

function join(members: Members, name: string, more: Partial<NodeInfo> = {}, status: NodeStatus = 'up'): void {
  members.add(info(name, more), status, 0);
}

/** A strategy of the user's own; what it was asked is kept. */
function custom(nodeFor: (name: string, nodes: readonly PlaceableNode[]) => unknown, quorum?: number) {
  const asked: Array<readonly PlaceableNode[]> = [];
  const strategy: DistributionStrategy = {
    ...(quorum !== undefined && { quorum }),
    place(nodes) {
      asked.push(nodes);
      return { nodeFor: (name) => nodeFor(name, nodes) as string | undefined };
    },
  };
  return { strategy, asked };
}

interface Given {
  readonly strategy?: DistributionStrategy;
  readonly byType?: Readonly<Record<string, DistributionStrategy>>;
}

function placementsOf(members: Members, { strategy = ring(), byType = {} }: Given = {}) {
  const reports: string[] = [];
  const placements = new Placements(
    members,
    strategy,
    ring(),
    (type) => byType[type],
    (message) => void reports.push(message),
  );
  return { placements, reports };
}

describe('who may host a type', () => {
  it('are the nodes of the ring that host and provide it', () => {
    const members = membersOf();
    join(members, 'c', {}, 'joining');
    join(members, 'b', { types: ['Game'] });
    join(members, 'd', {}, 'leaving');
    join(members, 'e', { hosting: false });
    const { placements } = placementsOf(members);
    const names = (type: string): string[] => placements.eligible(type).map(({ name }) => name);
    expect(names('Device')).toEqual(['a', 'c']);
    expect(names('Game')).toEqual(['a', 'b', 'c']);
    expect(names('Unheard')).toEqual([]);
    expect(new Set(NAMES.map((name) => placements.ownerOf(name, 'Device')))).toEqual(
      new Set(['a@h:1', 'c@h:1']),
    );
    expect(placements.ownerOf('lamp', 'Unheard')).toBeUndefined();
  });

  it('is told of every member, with why not', () => {
    const members = membersOf({ types: [] });
    join(members, 'e', { hosting: false });
    join(members, 'd', {}, 'leaving');
    join(members, 'c', {}, 'joining');
    join(members, 'b');
    const { placements } = placementsOf(members);
    expect(placements.refusals('Device')).toEqual([
      { node: 'a@h:1', refusal: 'its application does not provide Device, or it lacks its labels' },
      { node: 'b@h:1', refusal: undefined },
      { node: 'c@h:1', refusal: undefined },
      { node: 'd@h:1', refusal: 'it is leaving' },
      { node: 'e@h:1', refusal: 'it hosts nothing (hosting: false)' },
    ]);
  });

  it('follows the members', () => {
    const members = membersOf();
    const { placements } = placementsOf(members);
    expect(placements.ownerOf('lamp', 'Device')).toBe('a@h:1');
    join(members, 'b');
    expect(placements.eligible('Device')).toHaveLength(2);
    const owned = NAMES.filter((name) => placements.ownerOf(name, 'Device') === 'b@h:1');
    expect(owned.length).toBeGreaterThan(0);
    members.setStatus(members.get('b@h:1')!, 'leaving');
    for (const name of owned) expect(placements.ownerOf(name, 'Device')).toBe('a@h:1');
    members.remove('b@h:1');
    expect(placements.refusals('Device')).toHaveLength(1);
  });

  it('does not depend on what a node itself is: one that provides nothing places names as the others do', () => {
    const provider = membersOf();
    join(provider, 'b', { types: [] });
    const other = new Members({ ...provider.get('b@h:1')! });
    other.add(info('a'), 'up', 0);
    for (const members of [provider, other]) {
      expect(placementsOf(members).placements.ownerOf('lamp', 'Device')).toBe('a@h:1');
    }
  });
});

describe('a node that lacks the labels of a type', () => {
  // A node says in `types` what it can host, so a type whose labels it lacks is not among them.
  it('is given none of its names, whatever the strategy', () => {
    const members = membersOf({ labels: { gpu: 'yes' }, types: ['Device', 'Model'] });
    join(members, 'b', { types: ['Device'] });
    join(members, 'c', { labels: { gpu: 'yes' }, types: ['Device', 'Model'] });
    const { strategy, asked } = custom((_name, nodes) => nodes.at(-1)!.id);
    const { placements } = placementsOf(members, { byType: { Model: strategy } });
    expect(placements.eligible('Model').map(({ name }) => name)).toEqual(['a', 'c']);
    expect(placements.ownerOf('lamp', 'Model')).toBe('c@h:1');
    expect(asked).toEqual([
      [
        { id: 'a@h:1', weight: 1, labels: { gpu: 'yes' } },
        { id: 'c@h:1', weight: 1, labels: { gpu: 'yes' } },
      ],
    ]);
    const devices = new Set(NAMES.map((name) => placements.ownerOf(name, 'Device')));
    expect(devices).toEqual(new Set(['a@h:1', 'b@h:1', 'c@h:1']));
    expect(placements.refusals('Model')[1]!.refusal).toContain('lacks its labels');
  });

  it('does not count towards its quorum', () => {
    const members = membersOf({ types: ['Model'] });
    join(members, 'b', { types: [] });
    const { placements } = placementsOf(members, { byType: { Model: staticQuorumRing({ size: 2 }) } });
    expect(placements.ownerOf('lamp', 'Model')).toBeUndefined();
    join(members, 'c', { types: ['Model'] });
    expect(placements.ownerOf('lamp', 'Model')).toMatch(/^[ac]@/);
  });
});

describe('a strategy of a type', () => {
  it('places its names, and the strategy of the node all others', () => {
    const members = membersOf();
    for (const name of ['b', 'c']) join(members, name);
    const first = custom((_name, nodes) => nodes[0]!.id);
    const last = custom((_name, nodes) => nodes.at(-1)!.id);
    const { placements } = placementsOf(members, {
      strategy: first.strategy,
      byType: { Game: last.strategy },
    });
    for (const name of NAMES) {
      expect(placements.ownerOf(name, 'Device')).toBe('a@h:1');
      expect(placements.ownerOf(name, 'Game')).toBe('c@h:1');
    }
  });

  it('is asked once per ring, with the nodes sorted by id', () => {
    const members = membersOf();
    join(members, 'c', { weight: 2, labels: { zone: 'z' } });
    join(members, 'b');
    const { strategy, asked } = custom((_name, nodes) => nodes[0]!.id);
    const { placements } = placementsOf(members, { strategy });
    for (const name of NAMES) placements.ownerOf(name, 'Device');
    placements.quorumOf('Device');
    placements.eligible('Device');
    expect(asked).toEqual([
      [
        { id: 'a@h:1', weight: 1, labels: {} },
        { id: 'b@h:1', weight: 1, labels: {} },
        { id: 'c@h:1', weight: 2, labels: { zone: 'z' } },
      ],
    ]);
    members.remove('b@h:1');
    placements.ownerOf('lamp', 'Device');
    placements.ownerOf('lamp', 'Device');
    expect(asked.map((nodes) => nodes.length)).toEqual([3, 2]);
  });

  it('may place by labels', () => {
    const members = membersOf({ labels: { zone: 'north' } });
    join(members, 'b', { labels: { zone: 'south' } });
    const { strategy } = custom(
      (name, nodes) => nodes.find(({ labels }) => name.startsWith(labels['zone']!))?.id,
    );
    const { placements, reports } = placementsOf(members, { strategy });
    expect(placements.ownerOf('south/1', 'Device')).toBe('b@h:1');
    expect(placements.ownerOf('north/1', 'Device')).toBe('a@h:1');
    expect(placements.ownerOf('west/1', 'Device')).toBeUndefined();
    expect(reports).toEqual([]);
  });

  it('has a quorum of its own', () => {
    const members = membersOf();
    const { placements } = placementsOf(members, { byType: { Game: staticQuorumRing({ size: 2 }) } });
    expect([placements.quorumOf('Game'), placements.quorumOf('Device')]).toEqual([2, undefined]);
    expect(placements.ownerOf('lamp', 'Game')).toBeUndefined();
    expect(placements.ownerOf('lamp', 'Device')).toBe('a@h:1');
    join(members, 'b');
    expect(placements.ownerOf('lamp', 'Game')).toBe(placements.ownerOf('lamp', 'Device'));
  });

  it('does not change who arbitrates', () => {
    const members = membersOf();
    for (const name of ['b', 'c']) join(members, name);
    const { strategy } = custom((_name, nodes) => nodes[0]!.id);
    const plain = placementsOf(members).placements;
    const own = placementsOf(members, {
      strategy,
      byType: { Game: staticQuorumRing({ size: 9 }) },
    }).placements;
    for (const name of NAMES) {
      expect(own.arbiterOf(name)).toBe(plain.arbiterOf(name));
      expect(own.arbiterOf(name)).toBe(plain.ownerOf(name, 'Device'));
    }
  });
});

describe('a strategy that is wrong', () => {
  const two = (): Members => {
    const members = membersOf();
    join(members, 'b');
    return members;
  };

  it.each<[string, unknown, string]>([
    ['a node that is not there', 'z@h:1', 'named "z@h:1" for "lamp"'],
    ['the name of a node in place of its id', 'a', 'named "a" for "lamp"'],
    ['null', null, 'named null for "lamp"'],
    ['a promise', Promise.resolve('a@h:1'), 'named an object for "lamp"'],
  ])('by %s names nobody, and it is told once per ring', (_title, answer, told) => {
    const members = two();
    const { strategy } = custom(() => answer);
    const { placements, reports } = placementsOf(members, { strategy });
    for (let time = 0; time < 3; time++) expect(placements.ownerOf('lamp', 'Device')).toBeUndefined();
    expect(placements.ownerOf('lamp', 'Game')).toBeUndefined();
    expect(reports).toHaveLength(1);
    expect(reports[0]).toContain(`the distribution strategy of Device ${told}`);
    expect(reports[0]).toContain('a@h:1, b@h:1');
    members.remove('b@h:1');
    expect(placements.ownerOf('lamp', 'Device')).toBeUndefined();
    expect(reports).toHaveLength(2);
  });

  it('by a node that left since does not bring it back', () => {
    const members = two();
    const { strategy } = custom(() => 'b@h:1');
    const { placements, reports } = placementsOf(members, { strategy });
    expect(placements.ownerOf('lamp', 'Device')).toBe('b@h:1');
    members.setStatus(members.get('b@h:1')!, 'leaving');
    expect(placements.ownerOf('lamp', 'Device')).toBeUndefined();
    expect(reports).toEqual([expect.stringContaining('named "b@h:1"')]);
  });

  it('and throws for a name, has nobody for that one only', () => {
    const { strategy } = custom((name, nodes) => {
      if (name === 'bad') throw new Error('no idea');
      return nodes[0]!.id;
    });
    const { placements, reports } = placementsOf(two(), { strategy });
    expect(placements.ownerOf('bad', 'Device')).toBeUndefined();
    expect(placements.ownerOf('bad', 'Device')).toBeUndefined();
    expect(placements.ownerOf('good', 'Device')).toBe('a@h:1');
    expect(reports).toEqual([
      'the distribution strategy of Device threw Error: no idea for "bad", which has no node therefore',
    ]);
  });

  it.each<[string, DistributionStrategy, string]>([
    [
      'throws',
      {
        place() {
          throw new TypeError('no nodes');
        },
      },
      'threw TypeError: no nodes, so its names have no node',
    ],
    [
      'throws what cannot be looked at',
      {
        place() {
          throw indescribable().proxy;
        },
      },
      'threw something that cannot be described, so its names have no node',
    ],
    ['gives no placement', { place: () => undefined as never }, 'gave undefined for a placement'],
    ['gives something else', { place: () => ({}) as never }, 'gave an object for a placement'],
    [
      'has a quorum that throws',
      {
        get quorum(): number {
          throw new Error('not yet');
        },
        place: ring().place,
      },
      'threw Error: not yet, so its names have no node',
    ],
    ['has a quorum that is none', { quorum: 0, place: ring().place }, 'has the quorum 0, so its names'],
  ])('and %s, has nobody at all; other types go on', (_title, strategy, told) => {
    const { placements, reports } = placementsOf(two(), { byType: { Game: strategy } });
    for (const name of NAMES) {
      expect(placements.ownerOf(name, 'Game')).toBeUndefined();
      expect(placements.ownerOf(name, 'Device')).toBeDefined();
      expect(placements.arbiterOf(name)).toBeDefined();
    }
    expect(placements.quorumOf('Game')).toBeUndefined();
    expect(placements.eligible('Game')).toHaveLength(2);
    expect(reports).toEqual([expect.stringContaining(`the distribution strategy of Game ${told}`)]);
  });

  it('is told even where two are', () => {
    const [one, other] = [custom(() => 'x'), custom(() => 'y')];
    const { placements, reports } = placementsOf(two(), {
      strategy: one.strategy,
      byType: { Game: other.strategy },
    });
    for (const type of ['Device', 'Game', 'Device', 'Game']) placements.ownerOf('lamp', type);
    expect(reports).toEqual([
      expect.stringContaining('strategy of Device named "x"'),
      expect.stringContaining('strategy of Game named "y"'),
    ]);
  });

  it('is not asked about no nodes, or fewer than its quorum', () => {
    const { strategy, asked } = custom((_name, nodes) => nodes[0]!.id, 2);
    const members = membersOf({ types: ['Device'] });
    const { placements, reports } = placementsOf(members, { strategy });
    expect(placements.ownerOf('lamp', 'Game')).toBeUndefined();
    expect(placements.ownerOf('lamp', 'Device')).toBeUndefined();
    expect(placements.quorumOf('Device')).toBe(2);
    expect(asked).toEqual([]);
    join(members, 'b', { types: ['Device'] });
    expect(placements.ownerOf('lamp', 'Device')).toBe('a@h:1');
    expect(asked).toHaveLength(1);
    expect(reports).toEqual([]);
  });

  it('may do what it likes with the list it is given', () => {
    const { strategy } = custom((_name, nodes) => (nodes as PlaceableNode[]).pop()?.id);
    const { placements } = placementsOf(two(), { byType: { Game: strategy } });
    expect(placements.ownerOf('lamp', 'Game')).toBe('b@h:1');
    expect(placements.ownerOf('lamp', 'Game')).toBe('a@h:1');
    expect(placements.eligible('Game')).toHaveLength(2);
    expect(placements.ownerOf('lamp', 'Device')).toBeDefined();
  });
});
