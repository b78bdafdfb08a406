import { beforeEach, describe, expect, it } from 'vitest';
import { ExpectedTable } from '../../../lib/cluster/expected-members.js';
import { Members, newMember } from '../../../lib/cluster/members.js';
import type { NodeInfo } from '../../../lib/transport/node-info.js';

function info(name: string, port: number, more: Partial<NodeInfo> = {}): NodeInfo {
  const address = { host: '10.0.0.1', port };
  return {
    ...{ id: `${name}@10.0.0.1:${port}`, name, incarnation: 1, firstIncarnation: 1, leaseMs: 3_000 },
    ...{ weight: 1, labels: {}, hosting: true, types: [], quorums: {} },
    ...address,
    ...more,
  };
}

const ids = (infos: Iterable<{ readonly id: string }>): string[] => [...infos].map(({ id }) => id);

describe('the members of a swarm', () => {
  let members: Members;

  beforeEach(() => {
    members = new Members(newMember(info('self', 1), 'up', 0));
  });

  it('are told by one list for all who ask, made anew only when one comes or goes', () => {
    members.add(info('a', 2), 'up', 0);
    const infos = members.infos();
    expect(ids(infos)).toEqual(['self@10.0.0.1:1', 'a@10.0.0.1:2']);
    members.setStatus(members.get('a@10.0.0.1:2')!, 'leaving');
    expect(members.infos()).toBe(infos);
    members.add(info('b', 3), 'up', 0);
    members.remove('a@10.0.0.1:2');
    expect(ids(members.infos())).toEqual(['self@10.0.0.1:1', 'b@10.0.0.1:3']);
    expect(ids(infos), 'what was told stays').toEqual(['self@10.0.0.1:1', 'a@10.0.0.1:2']);
  });

  it('are told with the incarnation that this node has now', () => {
    const before = members.digest;
    expect(members.infos()[0]?.incarnation).toBe(1);
    members.self.info = { ...members.self.info, incarnation: 2 };
    expect(members.infos()[0]?.incarnation).toBe(2);
    expect(members.digest).not.toBe(before);
    expect([members.hasAllOf(members.digest), members.hasAllOf(before)]).toEqual([true, false]);
  });

  it('have one digest on all nodes, in whatever order they came, and another for each that differs', () => {
    const [self, a, b] = [info('self', 1), info('a', 2), info('b', 3)];
    const knowing = (own: NodeInfo, ...others: NodeInfo[]): Members => {
      const known = new Members(newMember(own, 'up', 0));
      for (const other of others) known.add(other, 'up', 0);
      return known;
    };
    const digest = knowing(self, a, b).digest;
    expect(Number.isSafeInteger(digest)).toBe(true);
    expect([knowing(self, b, a).digest, knowing(a, b, self).digest]).toEqual([digest, digest]);
    const others = [
      knowing(self),
      knowing(self, a),
      knowing(self, b),
      knowing(a, b),
      knowing(self, a, { ...b, incarnation: 2 }),
      knowing(self, a, { ...b, incarnation: 1 + 2 ** 32 }),
      knowing(self, a, info('b', 4)),
    ].map((known) => known.digest);
    expect(new Set([...others, digest]).size).toBe(others.length + 1);
    const all = knowing(self, a, b);
    all.remove(b.id);
    expect(all.digest).toBe(knowing(self, a).digest);
  });

  it('are known to hold all of a list that was theirs since the last one went', () => {
    const digests = [members.digest];
    const add = (name: string, port: number): void => {
      members.add(info(name, port), 'up', 0);
      digests.push(members.digest);
    };
    add('a', 2);
    add('b', 3);
    add('c', 4);
    expect(digests.map((digest) => members.hasAllOf(digest))).toEqual([true, true, true, true]);
    members.remove('nobody@10.0.0.1:9');
    expect(members.hasAllOf(digests[3]!)).toBe(true);
    members.remove('b@10.0.0.1:3');
    expect(digests.map((digest) => members.hasAllOf(digest))).toEqual([false, false, false, false]);
    expect(members.hasAllOf(members.digest)).toBe(true);
  });

  it('are found by their address, also two at one', () => {
    const [a, b] = ['a', 'b'].map((name) => members.add(info(name, 2), 'up', 0));
    expect(members.at('10.0.0.1:2')).toBe(a);
    expect(members.at('10.0.0.1:2', a!.info.id)).toBe(b);
    members.remove(a!.info.id);
    expect(members.at('10.0.0.1:2')).toBe(b);
    members.remove(b!.info.id);
    expect(members.at('10.0.0.1:2')).toBeUndefined();
    expect(members.at('10.0.0.1:1'), 'not this node').toBeUndefined();
  });

  it('that have not adopted this node yet are counted until they have, or are gone', () => {
    const [a, b] = ['a', 'b'].map((name, index) => members.add(info(name, 2 + index), 'up', 0));
    expect([members.toAdopt, members.isCurrent(a!.info.id)]).toEqual([2, false]);
    members.setAdopted(a!, true);
    members.setAdopted(a!, true);
    expect([members.toAdopt, members.isCurrent(a!.info.id)]).toEqual([1, true]);
    members.setAdopted(a!, false);
    expect([members.toAdopt, members.isCurrent(a!.info.id)]).toEqual([2, false]);
    members.remove(b!.info.id);
    members.remove(a!.info.id);
    expect(members.toAdopt).toBe(0);
  });

  it('that host a type with a quorum are known apart', () => {
    const quorums = { Once: 2 };
    members.add(info('a', 2), 'up', 0);
    const b = members.add(info('b', 3, { quorums }), 'up', 0);
    members.add(info('client', 4, { quorums, hosting: false }), 'up', 0);
    expect(members.quorumHosts()).toEqual([b]);
    members.self.info = info('self', 1, { quorums });
    expect(members.quorumHosts()).toEqual([members.self, b]);
    members.remove(b.info.id);
    expect(members.quorumHosts()).toEqual([members.self]);
  });
});

describe('expected members', () => {
  it('are found by id and by address until they are deleted', () => {
    const expected = new ExpectedTable();
    const [a, b] = ['a', 'b'].map((name) => ({
      address: info(name, 2),
      since: 0,
      info: undefined,
      isGone: false,
      isOverdue: false,
    }));
    expected.add(a!);
    expected.add(b!);
    expect([...expected.awaited()]).toEqual(['a@10.0.0.1:2', 'b@10.0.0.1:2']);
    b!.isOverdue = true;
    expect([...expected.awaited()]).toEqual(['a@10.0.0.1:2']);
    expect(expected.at('10.0.0.1:2')).toEqual(['a@10.0.0.1:2', 'b@10.0.0.1:2']);
    expect(expected.delete('a@10.0.0.1:2')).toBe(a);
    expect(expected.delete('a@10.0.0.1:2')).toBeUndefined();
    expect(expected.at('10.0.0.1:2')).toEqual(['b@10.0.0.1:2']);
    expected.delete('b@10.0.0.1:2');
    expect(expected.at('10.0.0.1:2')).toEqual([]);
    expect([...expected.entries()]).toEqual([]);
  });
});
