import { describe, expect, it } from 'vitest';
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
    expect(bootLine({ ...facts, self: node('a', { hosting: false }) })).toContain('node.hosting is false');
  });
});
