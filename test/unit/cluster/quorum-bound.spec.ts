import { describe, expect, it } from 'vitest';
import type { NodeStatus } from '../../../lib/cluster/member.js';
import { Members, newMember } from '../../../lib/cluster/members.js';
import { type MissingNode, quorumBound } from '../../../lib/cluster/quorum-bound.js';
import type { NodeInfo } from '../../../lib/transport/node-info.js';

function info(name: string, incarnation: number, more: Partial<NodeInfo> = {}): NodeInfo {
  const address = { host: 'h', port: 1, weight: 1, labels: {} };
  const rest = {
    firstIncarnation: incarnation,
    leaseMs: 3_000,
    hosting: true,
    types: ['Once'],
    quorums: { Once: 2 },
  };
  return { id: `${name}@h:1`, name, incarnation, ...address, ...rest, ...more };
}

/** Node `a` and others, by name and incarnation. */
function swarm(others: ReadonlyArray<readonly [string, number, NodeStatus?]>): Members {
  const members = new Members(newMember(info('a', 1), 'up', 0));
  for (const [name, incarnation, status = 'up'] of others) members.add(info(name, incarnation), status, 0);
  return members;
}

function namesOf(
  members: Members,
  missing: readonly MissingNode[] = [],
): Record<'members' | 'missing' | 'beyond', string[]> {
  const bound = quorumBound(members, missing, 'Once');
  return {
    members: bound.members.map((member) => member.info.name),
    missing: bound.missing.map(({ name }) => name),
    beyond: bound.beyond.map((member) => member.info.name),
  };
}

describe('the nodes that count for a quorum', () => {
  it('are the oldest ones, at most twice its size less one', () => {
    const members = swarm([
      ['d', 9],
      ['b', 5],
      ['c', 3],
    ]);
    expect(namesOf(members)).toEqual({ members: ['a', 'c', 'b'], missing: [], beyond: ['d'] });
  });

  it('agree about its size: the oldest is right, others host none', () => {
    const members = swarm([['b', 5]]);
    members.add(info('c', 7, { quorums: { Once: 3 } }), 'up', 0);
    expect(namesOf(members)).toEqual({ members: ['a', 'b'], missing: [], beyond: ['c'] });
    members.remove('b@h:1');
    members.self.info = info('a', 9);
    expect(quorumBound(members, [], 'Once').size).toBe(3);
    expect(namesOf(members)).toEqual({ members: ['c'], missing: [], beyond: ['a'] });
  });

  it('are those that could host the type', () => {
    const members = swarm([['b', 5]]);
    members.add(info('client', 2, { hosting: false }), 'up', 0);
    members.add(info('other', 3, { types: ['Else'], quorums: { Else: 2 } }), 'up', 0);
    expect(namesOf(members).members).toEqual(['a', 'b']);
  });

  it('count a node that is not heard until it is released, before a newcomer', () => {
    const members = swarm([
      ['c', 3],
      ['late', 9],
    ]);
    const missing = [{ info: info('b', 2), hasLeft: false, blocks: false }];
    expect(namesOf(members, missing)).toEqual({ members: ['a', 'c'], missing: ['b'], beyond: ['late'] });
    expect(namesOf(members, [])).toEqual({ members: ['a', 'c', 'late'], missing: [], beyond: [] });
  });

  it('count one that has left as long as its word may hold a lease, and place nothing on it', () => {
    const members = swarm([
      ['c', 3],
      ['late', 9],
    ]);
    const missing = [{ info: info('b', 2), hasLeft: true, blocks: false }];
    expect(namesOf(members, missing)).toEqual({ members: ['a', 'c'], missing: [], beyond: ['late'] });
  });

  it('count a process under the place of the one before it with its id, which is waited for all the same', () => {
    const members = swarm([
      ['c', 3],
      ['late', 8],
      ['b', 9],
    ]);
    const missing = [{ info: info('b', 2), hasLeft: false, blocks: false }];
    expect(namesOf(members, missing)).toEqual({ members: ['a', 'b', 'c'], missing: ['b'], beyond: ['late'] });
    expect(namesOf(members, [])).toEqual({ members: ['a', 'c', 'late'], missing: [], beyond: ['b'] });
  });

  it('are the same for nodes of equal incarnations, whoever asks', () => {
    const one = swarm([
      ['b', 1],
      ['c', 1],
      ['d', 1],
    ]);
    expect(namesOf(one)).toEqual({ members: ['a', 'b', 'c'], missing: [], beyond: ['d'] });
  });
});
