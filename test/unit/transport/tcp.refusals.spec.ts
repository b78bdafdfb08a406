import { afterEach, describe, expect, it, vi } from 'vitest';
import { NodeRuntime } from '../../../lib/runtime/node.runtime.js';
import type { RefusalCode } from '../../../lib/transport/node-info.js';
import { TestNode, until } from './support/test-node.js';

const nodes: TestNode[] = [];

async function open(name: string, runtime = new NodeRuntime()): Promise<TestNode> {
  const node = await TestNode.open(name, { runtime });
  nodes.push(node);
  return node;
}

/** Dials, is refused, and both sides know: before that another dial of the same address would be none. */
async function refusedOnceMore(by: TestNode, peer: TestNode, code: RefusalCode): Promise<void> {
  const refusals = (): number => by.transport.inspect().counters[`refused-${code}`] ?? 0;
  const [counted, dialed] = [refusals(), peer.outcomes.length];
  peer.dial(by);
  await until(() => refusals() > counted && peer.outcomes.length > dialed, 'refused');
}

afterEach(async () => {
  await Promise.all(nodes.splice(0).map((node) => node.transport.close()));
});

describe('a refusal', () => {
  it.each<[RefusalCode, string]>([
    ['cluster', 'warn'],
    ['protocol', 'warn'],
    ['identity', 'warn'],
    ['ignored', 'warn'],
    ['fenced', 'log'],
  ])('for %s is told at level %s, once per peer and minute', async (code, level) => {
    const runtime = new NodeRuntime();
    const by = await open('by', runtime);
    const [a, b] = [await open('a'), await open('b')];
    by.refusal = { code, message: 'this is why' };
    const told = (): string[] => by.lines.filter((line) => line.includes('refused'));
    await refusedOnceMore(by, a, code);
    await refusedOnceMore(by, b, code);
    await refusedOnceMore(by, a, code);
    const lines = [a, b].map(({ id }) => `${level} refused ${id}: this is why`);
    expect(told()).toEqual(lines);

    const now = runtime.now.bind(runtime);
    vi.spyOn(runtime, 'now').mockImplementation(() => now() + 60_000);
    await refusedOnceMore(by, a, code);
    expect(told()).toEqual([...lines, lines[0]]);
  });

  it.each<RefusalCode>(['stale-incarnation', 'closing'])(
    'for %s is part of every restart, and for those who debug',
    async (code) => {
      const [by, a] = [await open('by'), await open('a')];
      by.refusal = { code, message: 'this is why' };
      await refusedOnceMore(by, a, code);
      await refusedOnceMore(by, a, code);
      const line = `debug refused ${a.id}: this is why`;
      expect(by.lines.filter((one) => one.includes('refused'))).toEqual([line, line]);
    },
  );
});
