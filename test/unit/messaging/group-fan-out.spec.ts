import { describe, expect, it } from 'vitest';
import { ManualRuntime } from '../runtime/support/manual.runtime.js';
import { FrameKind } from '../../../lib/transport/frame.js';
import { MAX_BYTES, MessagingNode, stateOf } from './support/messaging-node.js';

const TIMEOUT_MS = 1_000;

/** Three nodes with two members each, `m0` and `m1` on the first. */
function group(): { runtime: ManualRuntime; nodes: MessagingNode[] } {
  const runtime = new ManualRuntime();
  const nodes = Array.from({ length: 3 }, (_, index) => new MessagingNode(`n${index}@h:${index}`, runtime));
  nodes.forEach((node, index) => {
    for (const other of nodes.slice(index + 1)) node.linkTo(other);
  });
  for (let member = 0; member < 6; member++) {
    nodes[Math.floor(member / 2)]!.hosts(`m${member}`, nodes, { groups: ['lights'] });
  }
  return { runtime, nodes };
}

async function passWithPromises(runtime: ManualRuntime, ms: number): Promise<void> {
  for (const until = runtime.now() + ms; runtime.now() < until;) {
    runtime.pass(Math.min(10, until - runtime.now()));
    await stateOf(Promise.resolve());
  }
  runtime.pass(0);
}

async function outcomesOf(
  runtime: ManualRuntime,
  node: MessagingNode,
  pattern: string,
  afterMs: number,
  meanwhile: () => void = () => undefined,
): Promise<Record<string, unknown>> {
  const call = { pattern, data: 'hello', timeoutMs: TIMEOUT_MS, chain: [] };
  const work = node.groups.multiCall('lights', call);
  await passWithPromises(runtime, 1);
  meanwhile();
  await passWithPromises(runtime, afterMs);
  const outcomes = await work;
  return Object.fromEntries(
    outcomes.map((outcome) => [
      outcome.row.name,
      'error' in outcome ? (outcome.error as Error & { code: string }).code : outcome.value,
    ]),
  );
}

describe('a publish', () => {
  it('reaches every member by one frame per node', () => {
    const { runtime, nodes } = group();
    expect(nodes[0]!.groups.publish('lights', 'on', { level: 3 })).toBe(6);
    runtime.pass(1);
    for (const node of nodes) expect(node.host.seen).toEqual([{ level: 3 }, { level: 3 }]);
    expect(nodes[0]!.transport.of(FrameKind.Publish)).toHaveLength(2);
    expect(nodes[1]!.host.delivered[0]).toMatchObject({ kind: 'publish', from: nodes[0]!.id });
  });

  it('reaches nobody in a group without members', () => {
    const { nodes } = group();
    expect(nodes[0]!.groups.publish('nobody', 'on', 1)).toBe(0);
    expect(nodes[0]!.transport.sent).toEqual([]);
  });

  it('tells which members a broken or a full link has cost', () => {
    const { runtime, nodes } = group();
    const [publisher, , other] = nodes;
    publisher!.unlinkFrom(other!);
    publisher!.groups.publish('lights', 'on', 1);
    expect(publisher!.dropped.map((line) => line.split(' ')[0])).toEqual(['m4', 'm5']);
    publisher!.transport.room = 0;
    publisher!.groups.publish('lights', 'on', 2);
    runtime.pass(1);
    expect(publisher!.dropped).toHaveLength(6);
    expect(publisher!.host.seen).toEqual([1, 1, 2, 2]);
  });

  it('tells of a member that could not take it', () => {
    const { runtime, nodes } = group();
    nodes[1]!.host.workers.delete('m2');
    nodes[0]!.groups.publish('lights', 'on', 1);
    runtime.pass(1);
    expect(nodes[1]!.dropped).toHaveLength(1);
    expect(nodes[1]!.dropped[0]).toContain('m2 on');
  });

  it('throws before anybody was reached when the data cannot travel', () => {
    const { nodes } = group();
    expect(() => nodes[0]!.groups.publish('lights', 'on', () => 1)).toThrow('data');
    expect(nodes[0]!.host.delivered).toEqual([]);
  });
});

describe('a multi-call', () => {
  it('collects the answers of all members, in one frame per node', async () => {
    const { runtime, nodes } = group();
    const outcomes = await outcomesOf(runtime, nodes[0]!, 'echo', 1);
    expect(Object.keys(outcomes).sort()).toEqual(['m0', 'm1', 'm2', 'm3', 'm4', 'm5']);
    expect(new Set(Object.values(outcomes))).toEqual(new Set(['hello']));
    expect(nodes[1]!.transport.of(FrameKind.MultiAnswer)).toHaveLength(1);
    expect(runtime.pending).toBe(0);
  });

  it('is answered at once where nobody is a member', async () => {
    const { nodes } = group();
    const call = { pattern: 'echo', data: 1, timeoutMs: TIMEOUT_MS, chain: [] };
    expect(await nodes[0]!.groups.multiCall('nobody', call)).toEqual([]);
  });

  it('brings the answers of the quick ones by the deadline although others are slow', async () => {
    const { runtime, nodes } = group();
    const outcomes = await outcomesOf(runtime, nodes[0]!, 'slow', TIMEOUT_MS, () => {
      for (const { host } of nodes) host.delivered[0]!.reply(undefined, 'quick');
    });
    expect(outcomes).toEqual({
      m0: 'quick',
      m1: 'ERR_SWARM_CALL_TIMEOUT',
      m2: 'quick',
      m3: 'ERR_SWARM_CALL_TIMEOUT',
      m4: 'quick',
      m5: 'ERR_SWARM_CALL_TIMEOUT',
    });
    for (const { host } of nodes) host.delivered[1]!.reply(undefined, 'too late');
    runtime.pass(1);
    expect(runtime.pending).toBe(0);
  });

  it('gives every member an outcome, also of a node that is lost, silent or overloaded', async () => {
    const { runtime, nodes } = group();
    const [caller, lost, silent] = nodes;
    const outcomes = await outcomesOf(runtime, caller!, 'slow', TIMEOUT_MS, () => {
      for (const delivery of caller!.host.delivered) delivery.reply(undefined, 'here');
      caller!.unlinkFrom(lost!);
      silent!.transport.loses = () => true;
    });
    expect(outcomes).toEqual({
      m0: 'here',
      m1: 'here',
      m2: 'ERR_SWARM_NODE_UNAVAILABLE',
      m3: 'ERR_SWARM_NODE_UNAVAILABLE',
      m4: 'ERR_SWARM_CALL_TIMEOUT',
      m5: 'ERR_SWARM_CALL_TIMEOUT',
    });
    caller!.transport.room = 0;
    const overloaded = await outcomesOf(runtime, caller!, 'echo', 1);
    expect(overloaded['m4']).toBe('ERR_SWARM_NODE_UNAVAILABLE');
  });

  it('says of a member that its node has no more', async () => {
    const { runtime, nodes } = group();
    const row = [...nodes[1]!.index.group('lights')].find(({ name }) => name === 'm2');
    nodes[1]!.index.remove(row!);
    const outcomes = await outcomesOf(runtime, nodes[0]!, 'echo', 1);
    expect(outcomes['m2']).toBe('ERR_SWARM_NODE_UNAVAILABLE');
    expect(outcomes['m3']).toBe('hello');
  });

  it('brings an answer that cannot travel as that member’s error', async () => {
    const { runtime, nodes } = group();
    const outcomes = await outcomesOf(runtime, nodes[0]!, 'slow', 1, () => {
      for (const { host } of nodes) {
        host.delivered[0]!.reply(undefined, () => 1);
        host.delivered[1]!.reply(undefined, 'x'.repeat(MAX_BYTES + 1));
      }
    });
    for (const member of ['m0', 'm2', 'm4']) expect(outcomes[member]).toBe('ERR_SWARM_UNSERIALIZABLE');
    for (const member of ['m1', 'm3', 'm5']) expect(outcomes[member]).toBe('ERR_SWARM_PAYLOAD_TOO_LARGE');
  });

  it('rejects only for data that cannot travel', async () => {
    const { nodes } = group();
    const call = { pattern: 'echo', data: () => 1, timeoutMs: TIMEOUT_MS, chain: [] };
    expect(await stateOf(nodes[0]!.groups.multiCall('lights', call))).toBe('ERR_SWARM_UNSERIALIZABLE');
  });
});
