import { describe, expect, it } from 'vitest';
import { PayloadTooLargeError } from '../../../lib/errors/index.js';
import { ManualRuntime } from '../runtime/support/manual.runtime.js';
import { RowStatus } from '../../../lib/tracker/row.js';
import { type Frame, FrameKind } from '../../../lib/transport/frame.js';
import { MAX_BYTES, MessagingNode, stateOf, value, leftOf } from './support/messaging-node.js';

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
  meanwhile: () => void | Promise<void> = () => undefined,
): Promise<Record<string, unknown>> {
  const call = { pattern, data: 'hello', timeoutMs: TIMEOUT_MS, chain: [] };
  const work = node.groups.multiCall('lights', call);
  await passWithPromises(runtime, 1);
  await meanwhile();
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
    const frames = nodes[0]!.transport.of(FrameKind.Publish);
    expect(frames.map(({ names }) => names)).toEqual([
      ['m2', 'm3'],
      ['m4', 'm5'],
    ]);
    expect(frames[0]!.body).toBe(frames[1]!.body);
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
    expect(leftOf(runtime, nodes)).toBe(0);
  });

  it('is answered at once where nobody is a member', async () => {
    const { nodes } = group();
    const call = { pattern: 'echo', data: 1, timeoutMs: TIMEOUT_MS, chain: [] };
    expect(await nodes[0]!.groups.multiCall('nobody', call)).toEqual([]);
  });

  it('brings the answers of the quick ones by the deadline although others are slow', async () => {
    const { runtime, nodes } = group();
    const outcomes = await outcomesOf(runtime, nodes[0]!, 'slow', TIMEOUT_MS, () => {
      for (const { host } of nodes) host.delivered[0]!.reply(undefined, value('quick'));
    });
    expect(outcomes).toEqual({
      m0: 'quick',
      m1: 'ERR_SWARM_CALL_TIMEOUT',
      m2: 'quick',
      m3: 'ERR_SWARM_CALL_TIMEOUT',
      m4: 'quick',
      m5: 'ERR_SWARM_CALL_TIMEOUT',
    });
    for (const { host } of nodes) host.delivered[1]!.reply(undefined, value('too late'));
    runtime.pass(1);
    expect(leftOf(runtime, nodes)).toBe(0);
  });

  it('gives every member an outcome, also of a node that is lost, silent or overloaded', async () => {
    const { runtime, nodes } = group();
    const [caller, lost, silent] = nodes;
    const outcomes = await outcomesOf(runtime, caller!, 'slow', TIMEOUT_MS, () => {
      for (const delivery of caller!.host.delivered) delivery.reply(undefined, value('here'));
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

  it('says of a member that is registered no more, also when its node knows nothing of it', async () => {
    const { runtime, nodes } = group();
    nodes[1]!.index.remove(nodes[1]!.row('m2'));
    const outcomes = await outcomesOf(runtime, nodes[0]!, 'echo', 1);
    expect(outcomes['m2']).toBe('ERR_SWARM_WORKER_NOT_FOUND');
    expect(outcomes['m3']).toBe('hello');
    nodes[1]!.transport.loses = ({ kind }) => kind === FrameKind.MultiAnswer;
    const work = nodes[0]!.groups.multiCall('lights', {
      pattern: 'echo',
      data: 1,
      timeoutMs: 50,
      chain: [],
    });
    await passWithPromises(runtime, 1);
    const { id } = nodes[0]!.transport.of(FrameKind.MultiCall, nodes[1]!.id).at(-1)!;
    const results = [['m3', null, null]] as const;
    nodes[0]!.groups.onMultiAnswer(nodes[1]!.id, { kind: FrameKind.MultiAnswer, id, parts: 1, results });
    const m2 = (await work).find(({ row }) => row.name === 'm2');
    expect(m2).toMatchObject({ error: { code: 'ERR_SWARM_NODE_UNAVAILABLE' } });
  });

  it('brings an answer that cannot travel as that member’s error', async () => {
    const { runtime, nodes } = group();
    const outcomes = await outcomesOf(runtime, nodes[0]!, 'slow', 1, () => {
      for (const { host } of nodes) {
        host.delivered[0]!.reply(
          undefined,
          value(() => 1),
        );
        host.delivered[1]!.reply(undefined, value('x'.repeat(MAX_BYTES + 1)));
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

describe('a member that moves', () => {
  /** `m2` has gone from the second node to the third, and nobody but these two knows. */
  function moved(): ReturnType<typeof group> {
    const swarm = group();
    const [, former, now] = swarm.nodes;
    former!.host.workers.delete('m2');
    now!.host.workers.add('m2');
    for (const node of [former!, now!]) node.moved(node.row('m2'), now!.id);
    return swarm;
  }

  it('is reached once by a publish of a node that has not heard of it, and once by one that has', () => {
    const { runtime, nodes } = moved();
    for (const [index, node] of nodes.entries()) {
      expect(node.groups.publish('lights', 'on', index)).toBe(6);
      runtime.pass(1);
    }
    const seen = nodes.map(({ host }) => host.delivered.map(({ name }) => name));
    expect(seen[1]).toEqual(['m3', 'm3', 'm3']);
    expect(seen[2]!.filter((name) => name === 'm2')).toHaveLength(3);
    const taken = nodes[2]!.host.delivered.filter(({ name }) => name === 'm2');
    expect(taken.map(({ from }) => from)).toEqual(nodes.map(({ id }) => id));
    expect(nodes.flatMap(({ dropped }) => dropped)).toEqual([]);
    expect(leftOf(runtime, nodes)).toBe(0);
  });

  it('answers a multi-call of a node that has not heard of it, once', async () => {
    const { runtime, nodes } = moved();
    const outcomes = await outcomesOf(runtime, nodes[0]!, 'echo', 1);
    expect(new Set(Object.values(outcomes))).toEqual(new Set(['hello']));
    const asked = nodes.flatMap(({ host }) => host.delivered.map(({ name }) => name));
    expect(asked.sort()).toEqual(['m0', 'm1', 'm2', 'm3', 'm4', 'm5']);
    expect(nodes[2]!.host.delivered.find(({ name }) => name === 'm2')!.from).toBe(nodes[0]!.id);
    expect(leftOf(runtime, nodes)).toBe(0);
  });

  it('is waited for while it is just arriving, wherever the message is', async () => {
    const { runtime, nodes } = group();
    const [caller, former, now] = nodes;
    former!.host.workers.delete('m2');
    const rows = nodes.map((node) => node.moved(node.row('m2'), now!.id, RowStatus.arriving));
    // The caller has not heard that the first half of the move is over.
    caller!.index.remove(caller!.row('m2'));
    caller!.knows('m2', former!.id, { groups: ['lights'] });
    const calls = [caller!, former!, now!].map((node) =>
      node.groups.multiCall('lights', { pattern: 'echo', data: 7, timeoutMs: TIMEOUT_MS, chain: [] }),
    );
    expect(now!.groups.publish('lights', 'on', 8)).toBe(6);
    await passWithPromises(runtime, 10);
    expect(now!.host.delivered.map(({ name }) => name)).not.toContain('m2');
    now!.host.workers.add('m2');
    former!.run(rows[1]!);
    now!.run(rows[2]!);
    await passWithPromises(runtime, 1);
    for (const call of calls) {
      expect((await call).map((outcome) => ('value' in outcome ? outcome.value : outcome.error))).toEqual(
        Array.from({ length: 6 }, () => 7),
      );
    }
    const taken = now!.host.delivered.filter(({ name }) => name === 'm2');
    expect(taken.map(({ kind }) => kind).sort()).toEqual(['call', 'call', 'call', 'cast']);
    // The caller asked by the row that it had; the message waited where that led.
    expect(caller!.router.parked.size).toBe(0);
  });

  it('gets a publish behind what the same node sent to it before', () => {
    const { runtime, nodes } = group();
    const [caller, former] = nodes;
    caller!.unlinkFrom(former!);
    caller!.router.cast('m2', 'note', 'first');
    caller!.linkTo(former!);
    caller!.groups.publish('lights', 'note', 'second');
    caller!.router.parked.retryAll();
    caller!.groups.publish('lights', 'note', 'third');
    runtime.pass(1);
    const seen = former!.host.delivered.filter(({ name }) => name === 'm2');
    expect(seen.map((delivery) => former!.host.payloadOf(delivery))).toEqual(['first', 'second', 'third']);
  });

  it('is told as dropped, or by its error, when it has ended meanwhile', async () => {
    const { runtime, nodes } = group();
    const [caller, former] = nodes;
    former!.index.remove(former!.row('m2'));
    caller!.groups.publish('lights', 'on', 1);
    runtime.pass(1);
    expect(former!.dropped).toEqual([expect.stringContaining('no worker is registered as "m2"')]);
    former!.host.workers.delete('m3');
    const outcomes = await outcomesOf(runtime, caller!, 'echo', 1);
    expect([outcomes['m2'], outcomes['m3']]).toEqual([
      'ERR_SWARM_WORKER_NOT_FOUND',
      'ERR_SWARM_WORKER_NOT_FOUND',
    ]);
  });

  it('that cannot be reached in time has an outcome with the others', async () => {
    const { runtime, nodes } = group();
    const [, former, now] = nodes;
    former!.moved(former!.row('m2'), now!.id, RowStatus.arriving);
    const outcomes = await outcomesOf(runtime, nodes[0]!, 'echo', TIMEOUT_MS);
    expect(outcomes['m2']).toBe('ERR_SWARM_CALL_TIMEOUT');
    expect(outcomes['m3']).toBe('hello');
    expect(former!.router.parked.size).toBe(0);
    expect(leftOf(runtime, nodes)).toBe(0);
  });
});

describe('a large group', () => {
  it('is addressed by frames of a bounded size, and each member once', async () => {
    const runtime = new ManualRuntime();
    const nodes = [new MessagingNode('a@h:1', runtime), new MessagingNode('b@h:2', runtime)] as const;
    nodes[0].linkTo(nodes[1]);
    const members = 10_000;
    for (let index = 0; index < members; index++) nodes[1].hosts(`m${index}`, nodes, { groups: ['lights'] });
    expect(nodes[0].groups.publish('lights', 'on', 1)).toBe(members);
    const call = { pattern: 'echo', data: 2, timeoutMs: TIMEOUT_MS, chain: [] };
    const work = nodes[0].groups.multiCall('lights', call);
    runtime.pass(1);
    await stateOf(work);
    runtime.pass(1);
    expect(await work).toHaveLength(members);
    expect(nodes[1].host.delivered).toHaveLength(2 * members);
    for (const kind of [FrameKind.Publish, FrameKind.MultiCall] as const) {
      const sizes = nodes[0].transport.of(kind).map(({ names }) => names.length);
      expect([sizes.length, Math.max(...sizes) <= 4096]).toEqual([3, true]);
    }
  });
});

describe('answers of one node that are too large for one frame together', () => {
  const LARGE = Math.floor(0.7 * MAX_BYTES);
  const isAnswer = (frame: Frame): boolean => frame.kind === FrameKind.MultiAnswer;

  /** Both members of each node give so much. */
  function answerLarge(nodes: readonly MessagingNode[]): void {
    for (const { host } of nodes)
      for (const delivery of host.delivered) delivery.reply(undefined, value('x'.repeat(LARGE)));
  }

  it('come in several, all of them', async () => {
    const { runtime, nodes } = group();
    const outcomes = await outcomesOf(runtime, nodes[0]!, 'slow', 2, () => answerLarge(nodes));
    for (const member of ['m0', 'm1', 'm2', 'm3', 'm4', 'm5']) expect(outcomes[member]).toHaveLength(LARGE);
    const frames = nodes[1]!.transport.of(FrameKind.MultiAnswer);
    expect(frames.map(({ parts, results }) => [parts, results.length])).toEqual([
      [2, 1],
      [2, 1],
    ]);
    expect(leftOf(runtime, nodes)).toBe(0);
  });

  it('count in whichever order they come', async () => {
    const { runtime, nodes } = group();
    const [caller, host] = nodes;
    let held: Frame | undefined;
    host!.transport.loses = (frame) => {
      if (!isAnswer(frame) || held) return false;
      held = frame;
      return true;
    };
    const outcomes = await outcomesOf(runtime, caller!, 'slow', 1, async () => {
      answerLarge(nodes);
      await passWithPromises(runtime, 5);
      if (held?.kind === FrameKind.MultiAnswer) caller!.groups.onMultiAnswer(host!.id, held);
    });
    for (const member of ['m2', 'm3']) expect(outcomes[member]).toHaveLength(LARGE);
    expect(leftOf(runtime, nodes)).toBe(0);
  });

  it.each([
    ['by the deadline', TIMEOUT_MS, 'ERR_SWARM_CALL_TIMEOUT', () => undefined],
    [
      'before the link is lost',
      1,
      'ERR_SWARM_NODE_UNAVAILABLE',
      ([caller, host]: readonly MessagingNode[]) => caller!.unlinkFrom(host!),
    ],
  ] as const)('are given as far as they have come %s', async (_, afterMs, code, then) => {
    const { runtime, nodes } = group();
    let isSecond = false;
    nodes[1]!.transport.loses = (frame) => {
      if (!isAnswer(frame)) return false;
      isSecond = !isSecond;
      return !isSecond;
    };
    const outcomes = await outcomesOf(runtime, nodes[0]!, 'slow', afterMs, async () => {
      answerLarge(nodes);
      await passWithPromises(runtime, 5);
      then(nodes);
    });
    expect(outcomes['m2']).toHaveLength(LARGE);
    expect([outcomes['m3'], outcomes['m4']?.toString().length]).toEqual([code, LARGE]);
    expect(leftOf(runtime, nodes)).toBe(0);
  });

  it('cost those alone for which there is no room on the link, or which no frame holds', async () => {
    for (const isFull of [true, false]) {
      const { runtime, nodes } = group();
      let large = 0;
      nodes[1]!.transport.isFullFor = (frame) => {
        const bytes = isAnswer(frame) && 'results' in frame ? JSON.stringify(frame.results).length : 0;
        if (bytes < LARGE || large++ === 0) return false;
        if (isFull) return true;
        throw new PayloadTooLargeError('a frame', bytes, LARGE);
      };
      const outcomes = await outcomesOf(runtime, nodes[0]!, 'slow', 2, () => answerLarge(nodes));
      expect(outcomes['m2']).toHaveLength(LARGE);
      expect(outcomes['m3']).toBe(isFull ? 'ERR_SWARM_LINK_OVERLOADED' : 'ERR_SWARM_PAYLOAD_TOO_LARGE');
    }
  });
});

describe('answers that the link has no room for', () => {
  it('are replaced by a small one that says so, for each member', async () => {
    const { runtime, nodes } = group();
    nodes[1]!.transport.isFullFor = (frame) =>
      frame.kind === FrameKind.MultiAnswer && frame.results.some(([, body]) => (body?.length ?? 0) > 1_000);
    const outcomes = await outcomesOf(runtime, nodes[0]!, 'slow', 2, () => {
      for (const { host } of nodes) {
        for (const delivery of host.delivered) delivery.reply(undefined, value('x'.repeat(2_000)));
      }
    });
    expect([outcomes['m2'], outcomes['m3']]).toEqual([
      'ERR_SWARM_LINK_OVERLOADED',
      'ERR_SWARM_LINK_OVERLOADED',
    ]);
    expect(outcomes['m4']).toHaveLength(2_000);
  });
});
