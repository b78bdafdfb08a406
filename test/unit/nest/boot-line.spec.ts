import { describe, expect, it } from 'vitest';
import { IgnoreList } from '../../../lib/cluster/ignore-list.js';
import type { SwarmNode } from '../../../lib/index.js';
import { bootLine } from '../../../lib/swarm-boot.line.js';

const node = (name: string, more: Partial<SwarmNode> = {}): SwarmNode => ({
  id: `${name}@127.0.0.1:1`,
  name,
  host: '127.0.0.1',
  port: 1,
  incarnation: 1,
  status: 'up',
  weight: 1,
  labels: {},
  hosting: true,
  types: ['DeviceWorker'],
  ...more,
});
const facts = {
  cluster: 'shop',
  self: node('api-1'),
  nodes: [node('api-1')],
  whyAlone: ['there is no discovery'],
  wish: { node: { hosting: true }, ignoreList: new IgnoreList() },
};

describe('the line at boot', () => {
  it('names the others', () => {
    expect(bootLine({ ...facts, nodes: ['api-1', 'api-2', 'api-3'].map((name) => node(name)) })).toBe(
      'Swarm "shop": api-1@127.0.0.1:1 is up, 3 nodes (api-2, api-3), hosting DeviceWorker',
    );
  });

  it('says why the node is alone', () => {
    expect(bootLine(facts)).toContain('is up, alone (there is no discovery), hosting');
    expect(
      bootLine({ ...facts, whyAlone: ['10.0.0.6:7946: connection refused', 'dns: no such name'] }),
    ).toContain('alone (10.0.0.6:7946: connection refused; dns: no such name)');
  });

  it('says what it hosts', () => {
    expect(bootLine({ ...facts, self: node('a', { types: [] }) })).toContain(
      'hosting nothing (no module provides',
    );
  });

  it('says why it hosts nothing: by its own options, its own list, or the list of another node', () => {
    const client = { ...facts, self: node('remsh-1', { hosting: false }) };
    const asIs = new IgnoreList();
    const nobody = new IgnoreList({ blacklist: [] });
    const line = (hosting: boolean, ignoreList: IgnoreList): string =>
      bootLine({ ...client, wish: { node: { hosting }, ignoreList } })
        .split(', ')
        .at(-1)!;
    expect(line(false, asIs)).toBe('hosting nothing (node.hosting is false)');
    expect(line(true, asIs)).toBe('hosting nothing (/^remsh/ of nodeBlacklist (its default) matches it)');
    expect(line(true, nobody)).toBe('hosting nothing (another node ignores it: see the warning above)');
    expect(bootLine(facts)).toContain('hosting DeviceWorker');
  });
});
