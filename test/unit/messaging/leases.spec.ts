import { describe, expect, it } from 'vitest';
import { MailboxFullError, RemoteError } from '../../../lib/errors/index.js';
import { RowStatus } from '../../../lib/tracker/row.js';
import { type AnswerFrame, FrameKind } from '../../../lib/transport/frame.js';
import { ManualRuntime } from '../runtime/support/manual.runtime.js';
import { MAX_BYTES, MessagingNode, stateOf, value } from './support/messaging-node.js';

const UNAVAILABLE = 'ERR_SWARM_NODE_UNAVAILABLE';
/** The clock of another machine shows something else. */
const AHEAD_MS = 1_000_000;

function aheadOf(runtime: ManualRuntime, ms: number): ManualRuntime {
  return new Proxy(runtime, {
    get(target, key: keyof ManualRuntime) {
      const property: unknown = target[key];
      if (key === 'now') return () => target.now() + ms;
      return typeof property === 'function' ? property.bind(target) : property;
    },
  });
}

/** Nodes that know each other; the clock of each is ahead of the one before. */
function swarm(count: number): { runtime: ManualRuntime; nodes: MessagingNode[] } {
  const runtime = new ManualRuntime();
  const nodes = Array.from({ length: count }, (_, index) => {
    return new MessagingNode(`n${index}@h:${index}`, aheadOf(runtime, index * AHEAD_MS));
  });
  nodes.forEach((node, index) => {
    for (const other of nodes.slice(index + 1)) node.linkTo(other);
  });
  return { runtime, nodes };
}

/** The last message that came to a worker of the node ends well, with a lease of so long. */
function answer(node: MessagingNode, leaseMs: number, given: unknown = 'done'): void {
  node.host.delivered.at(-1)!.reply(undefined, value(given), node.runtime.now() + leaseMs);
}

function answersOf(node: MessagingNode): AnswerFrame[] {
  return node.transport.of(FrameKind.Answer);
}

async function passWithPromises(runtime: ManualRuntime, ms: number): Promise<void> {
  await stateOf(Promise.resolve());
  for (const until = runtime.now() + ms; runtime.now() < until;) {
    runtime.pass(Math.min(10, until - runtime.now()));
    await stateOf(Promise.resolve());
  }
  runtime.pass(0);
}

describe('an answer that was given under a lease', () => {
  it('says for how long after the question it holds, in whole milliseconds, and is taken in time', async () => {
    const { runtime, nodes } = swarm(2);
    const [caller, host] = nodes;
    host!.hosts('lamp', nodes);
    const call = caller!.call('lamp', 'slow', 1, { timeoutMs: 60_000 });
    runtime.pass(5_000);
    answer(host!, 700.9);
    runtime.pass(0);
    expect(await call).toBe('done');
    expect(answersOf(host!)[0]!.goodForMs).toBe(5_700);
  });

  it('holds for ever where there is no lease, and so does what is no outcome', async () => {
    const { runtime, nodes } = swarm(2);
    const [caller, host] = nodes;
    host!.hosts('lamp', nodes);
    host!.inboundMs = 10_000;
    caller!.inboundMs = 10_000;
    const calls = [1, 2].map((data) => caller!.call('lamp', 'slow', data, { timeoutMs: 60_000 }));
    runtime.pass(10_000);
    const [first, second] = host!.host.delivered;
    first!.reply(undefined, value('done'));
    second!.reply(new MailboxFullError('lamp', 1), undefined);
    runtime.pass(10_000);
    expect(await Promise.all(calls.map(stateOf))).toEqual(['done', 'ERR_SWARM_MAILBOX_FULL']);
    expect(answersOf(host!).map((frame) => 'goodForMs' in frame)).toEqual([false, false]);
  });

  it.each<[string, number, number, unknown]>([
    // The answer is given at once and holds for 1,000 ms: 980 for who allows for clocks that go faster or slower.
    ['on the way back', 0, 980, 'done'],
    ['on the way back, a moment longer', 0, 981, UNAVAILABLE],
    ['on the way there', 980, 0, 'done'],
    ['on the way there, a moment longer', 981, 0, UNAVAILABLE],
    ['on both ways', 490, 490, 'done'],
    ['on both ways, a moment longer', 490, 491, UNAVAILABLE],
  ])('counts from the question, whose time is spent %s', async (_, thereMs, backMs, outcome) => {
    for (const fails of [false, true]) {
      const { runtime, nodes } = swarm(2);
      const [caller, host] = nodes;
      host!.hosts('lamp', nodes);
      host!.inboundMs = thereMs;
      caller!.inboundMs = backMs;
      const call = caller!.call('lamp', 'slow', 1, { timeoutMs: 60_000 });
      runtime.pass(thereMs);
      const failure = new RemoteError({ name: 'Error', message: 'no' });
      const goodUntil = host!.runtime.now() + 1_000;
      if (fails) host!.host.delivered[0]!.reply(failure, undefined, goodUntil);
      else answer(host!, 1_000);
      runtime.pass(backMs);
      expect(await stateOf(call)).toBe(fails && outcome === 'done' ? 'ERR_SWARM_REMOTE' : outcome);
      if (outcome === UNAVAILABLE) {
        await expect(call).rejects.toThrow(
          'n1@h:1: the lease under which "lamp" answered is over, or nearly',
        );
      }
    }
  });

  it('is given to a caller of the same node as it is', async () => {
    const { runtime, nodes } = swarm(1);
    const [node] = nodes;
    node!.hosts('lamp', nodes);
    const call = node!.call('lamp', 'slow', 1);
    runtime.pass(1);
    answer(node!, 0);
    expect(await call).toBe('done');
  });

  it('holds less with every node that passes it on', async () => {
    const { runtime, nodes } = swarm(3);
    const [caller, former, host] = nodes;
    caller!.knows('lamp', former!.id);
    former!.knows('lamp', host!.id);
    host!.hosts('lamp', [host!]);
    former!.inboundMs = 20;
    host!.inboundMs = 30;
    caller!.inboundMs = 10;
    const call = caller!.call('lamp', 'slow', 1);
    runtime.pass(50);
    answer(host!, 100);
    runtime.pass(20 + 10);
    expect(await call).toBe('done');
    expect(answersOf(host!)[0]!.goodForMs).toBe(100);
    // Sent on when it came: 0.98 of the time are left from then on.
    expect(answersOf(former!)[0]!.goodForMs).toBe(98);
  });

  it.each<[string, number, number, unknown]>([
    ['in time', 30, 6, 'done'],
    ['when it comes to the node that has passed it on', 39, 0, UNAVAILABLE],
    ['when it comes to the caller', 30, 7, UNAVAILABLE],
  ])('is looked at on each hop: %s', async (_, firstMs, secondMs, outcome) => {
    const { runtime, nodes } = swarm(3);
    const [caller, former, host] = nodes;
    caller!.knows('lamp', former!.id);
    former!.knows('lamp', host!.id);
    host!.hosts('lamp', [host!]);
    host!.inboundMs = 60;
    const call = caller!.call('lamp', 'slow', 1, { timeoutMs: 60_000 });
    runtime.pass(60);
    former!.inboundMs = firstMs;
    caller!.inboundMs = secondMs;
    answer(host!, 100);
    runtime.pass(firstMs + secondMs);
    expect(await stateOf(call)).toBe(outcome);
    // What has expired on the way is no outcome of a worker any more.
    const [frame] = answersOf(former!);
    if (firstMs === 39) expect([frame!.goodForMs, frame!.error?.code]).toEqual([undefined, UNAVAILABLE]);
    expect([caller!.router.pending.size, former!.router.pending.size]).toEqual([0, 0]);
    expect(former!.router.passedOn).toBe(0);
  });

  it('counts from when it was sent, not from when it had to wait for its worker or for the link', async () => {
    const { runtime, nodes } = swarm(2);
    const [caller, host] = nodes;
    host!.host.workers.add('lamp');
    host!.knows('lamp', host!.id);
    const row = caller!.knows('lamp', host!.id, { status: RowStatus.starting });
    const call = caller!.call('lamp', 'slow', 1, { timeoutMs: 60_000 });
    runtime.pass(20_000);
    caller!.transport.room = 0;
    caller!.run(row);
    runtime.pass(10_000);
    caller!.transport.room = 1;
    runtime.pass(100);
    answer(host!, 200);
    runtime.pass(0);
    expect(await call).toBe('done');
    expect(answersOf(host!)[0]!.goodForMs).toBeLessThanOrEqual(300);
  });

  it('keeps its time when the message had waited in the mailbox of a worker that has moved', async () => {
    const { runtime, nodes } = swarm(3);
    const [caller, former, host] = nodes;
    former!.hosts('lamp', nodes);
    const call = caller!.call('lamp', 'slow', 1, { timeoutMs: 60_000 });
    runtime.pass(2_000);
    const waiting = former!.takeWaiting('lamp', 1);
    host!.host.workers.add('lamp');
    for (const node of [former!, host!]) node.moved(node.row('lamp'), host!.id);
    former!.router.reroute('lamp', waiting);
    runtime.pass(1_000);
    answer(host!, 500);
    runtime.pass(0);
    expect(await call).toBe('done');
    expect(answersOf(host!)[0]!.goodForMs).toBe(1_500);
    // Of the way back there are 0.98 times 1,500 ms since it was rerouted, and it came 2,000 ms before that.
    expect(answersOf(former!)[0]!.goodForMs).toBe(3_470);
  });

  it('that cannot travel is an error that holds as long', async () => {
    const { runtime, nodes } = swarm(2);
    const [caller, host] = nodes;
    host!.hosts('lamp', nodes);
    const call = caller!.call('lamp', 'slow', 1);
    runtime.pass(0);
    answer(host!, 500, 'x'.repeat(MAX_BYTES + 1));
    runtime.pass(0);
    expect(await stateOf(call)).toBe('ERR_SWARM_PAYLOAD_TOO_LARGE');
    expect(answersOf(host!)[0]!.goodForMs).toBe(500);
  });
});

describe('the answers of a group under leases', () => {
  /** Two members on each node; what each came to when all that has happened. */
  function group(count: number) {
    const { runtime, nodes } = swarm(count);
    for (let member = 0; member < 2 * count; member++) {
      nodes[Math.floor(member / 2)]!.hosts(`m${member}`, nodes, { groups: ['lights'] });
    }
    const call = { pattern: 'slow', data: 0, timeoutMs: 60_000, chain: [] };
    const work = nodes[0]!.groups.multiCall('lights', call);
    const outcomes = async (): Promise<Record<string, unknown>> =>
      Object.fromEntries(
        (await work).map((outcome) => [
          outcome.row.name,
          'error' in outcome ? (outcome.error as Error & { code: string }).code : outcome.value,
        ]),
      );
    /** A member of a node ends well, `leaseMs` before its lease does; without one for ever. */
    const reply = (member: number, leaseMs?: number): void => {
      const node = nodes[Math.floor(member / 2)]!;
      const delivery = node.host.delivered.find(({ name }) => name === `m${member}`)!;
      const goodUntil = leaseMs === undefined ? undefined : node.runtime.now() + leaseMs;
      delivery.reply(undefined, value(member), goodUntil);
    };
    return { runtime, nodes, outcomes, reply, pass: (ms: number) => passWithPromises(runtime, ms) };
  }

  it('travel with the shortest of them', async () => {
    const { nodes, outcomes, reply, pass } = group(2);
    await pass(10);
    reply(0, 500);
    reply(1);
    reply(2, 700);
    await pass(100);
    reply(3, 300);
    await pass(10);
    expect(await outcomes()).toEqual({ m0: 0, m1: 1, m2: 2, m3: 3 });
    expect(nodes[1]!.transport.of(FrameKind.MultiAnswer)[0]!.goodForMs).toBe(410);
  });

  it('hold for ever where there is none', async () => {
    const { nodes, outcomes, reply, pass } = group(2);
    await pass(10);
    for (const member of [0, 1, 2]) reply(member);
    await pass(20_000);
    reply(3);
    await pass(10);
    expect(await outcomes()).toEqual({ m0: 0, m1: 1, m2: 2, m3: 3 });
    expect(nodes[1]!.transport.of(FrameKind.MultiAnswer)[0]).not.toHaveProperty('goodForMs');
  });

  it('are dropped one by one if they end before the slowest member of their node', async () => {
    const { nodes, outcomes, reply, pass } = group(2);
    await pass(10);
    reply(0, 100);
    reply(1);
    reply(2, 100);
    await pass(200);
    reply(3, 300);
    await pass(10);
    // `m0` is of the node that asks, which has heard it in time.
    expect(await outcomes()).toEqual({ m0: 0, m1: 1, m2: UNAVAILABLE, m3: 3 });
    // Of the shortest that still holds.
    expect(nodes[1]!.transport.of(FrameKind.MultiAnswer)[0]!.goodForMs).toBe(510);
  });

  it('count when they have come, however long others are waited for then', async () => {
    const { outcomes, reply, pass } = group(3);
    await pass(10);
    for (const member of [0, 1, 2]) reply(member, 5_000);
    reply(3, 100);
    await pass(200);
    for (const member of [4, 5]) reply(member, 5_000);
    await pass(10);
    expect(await outcomes()).toEqual({ m0: 0, m1: 1, m2: 2, m3: 3, m4: 4, m5: 5 });
  });

  it.each<[number, number, boolean]>([
    [490, 490, true],
    [490, 500, false],
    [500, 490, false],
  ])('count from the question: %d ms there, %d ms back', async (thereMs, backMs, inTime) => {
    const { nodes, outcomes, reply, pass } = group(2);
    nodes[1]!.inboundMs = thereMs;
    nodes[0]!.inboundMs = backMs;
    await pass(thereMs);
    for (const member of [0, 1]) reply(member);
    for (const member of [2, 3]) reply(member, 1_000);
    await pass(backMs);
    const [m2, m3] = inTime ? [2, 3] : [UNAVAILABLE, UNAVAILABLE];
    expect(await outcomes()).toEqual({ m0: 0, m1: 1, m2, m3 });
  });

  it('carry also what a member says that has moved meanwhile, for as long as that holds', async () => {
    const { runtime, nodes, outcomes, reply, pass } = group(3);
    const [, former, host] = nodes;
    await pass(10);
    const waiting = former!.takeWaiting('m2', 1);
    host!.host.workers.add('m2');
    for (const node of [former!, host!]) node.moved(node.row('m2'), host!.id);
    former!.router.reroute('m2', waiting);
    runtime.pass(0);
    answer(host!, 1_000, 'moved');
    for (const member of [0, 1, 3, 4, 5]) reply(member);
    await pass(10);
    expect(await outcomes()).toMatchObject({ m2: 'moved', m3: 3 });
    expect(former!.transport.of(FrameKind.MultiAnswer)[0]!.goodForMs).toBe(990);
  });
});
