import { describe, expect, it } from 'vitest';
import { RowStatus, type Row } from '../../../lib/tracker/row.js';
import { FrameKind, type AnswerFrame } from '../../../lib/transport/frame.js';
import type { ManualRuntime } from '../runtime/support/manual.runtime.js';
import { Random } from '../transport/support/random.js';
import {
  CALL_TIMEOUT_MS,
  leftOf,
  MAX_BYTES,
  type MessagingNode,
  stateOf,
  swarm,
  value,
} from './support/messaging-node.js';

/** The worker goes from `from` to `to`: all know it, what waited in its mailbox is routed anew. */
function move(name: string, waiting: number, from: MessagingNode, to: MessagingNode): void {
  const deliveries = from.takeWaiting(name, waiting);
  to.host.workers.add(name);
  for (const node of [from, to]) node.moved(node.row(name), to.id);
  from.router.reroute(name, deliveries);
}

describe('messages that waited for a worker which has moved', () => {
  it('reach it in order, and are answered through the way they came', async () => {
    const { runtime, nodes } = swarm(3);
    const [caller, former, now] = nodes;
    former!.hosts('lamp', nodes);
    const calls = [1, 2].map((data) => caller!.call('lamp', 'slow', data, { chain: ['outer'] }));
    runtime.pass(1);
    const own = former!.call('lamp', 'slow', 3);
    const deadlines = former!.host.delivered.map(({ deadline }) => deadline);
    move('lamp', 3, former!, now!);
    calls.push(caller!.call('lamp', 'slow', 4));
    runtime.pass(1);
    expect(now!.host.seen).toEqual([1, 2, 3, 4]);
    const [first, , third] = now!.host.delivered;
    expect(first).toMatchObject({ kind: 'call', from: caller!.id, chain: ['outer'] });
    expect(third).toMatchObject({ from: former!.id, chain: [] });
    expect(now!.host.delivered.slice(0, 3).map(({ deadline }) => deadline)).toEqual(deadlines);
    expect(former!.router.passedOn).toBe(4);
    const given = { watts: [7n] };
    for (const delivery of now!.host.delivered) delivery.reply(undefined, value(given));
    runtime.pass(1);
    expect(await Promise.all([...calls, own])).toEqual([given, given, given, given]);
    expect([former!.router.passedOn, former!.passedOnDone, caller!.passedOnDone]).toEqual([0, 1, 0]);
    expect(leftOf(runtime, nodes)).toBe(0);
  });

  it('bring an answer back without decoding it on the way', async () => {
    const { runtime, nodes } = swarm(3);
    const [caller, former, now] = nodes;
    former!.hosts('lamp', nodes);
    const call = caller!.call('lamp', 'slow', 1);
    runtime.pass(1);
    move('lamp', 1, former!, now!);
    runtime.pass(1);
    const decoded: unknown[] = [];
    const { decode } = former!.codec;
    former!.codec.decode = (bytes) => {
      decoded.push(bytes);
      return decode.call(former!.codec, bytes);
    };
    now!.host.delivered[0]!.reply(undefined, value('bright'));
    runtime.pass(1);
    expect(await call).toBe('bright');
    expect(decoded).toEqual([]);
    const [there] = now!.transport.of(FrameKind.Answer);
    const [back] = former!.transport.of(FrameKind.Answer);
    expect(back!.body).toBe(there!.body);
  });

  it('bring an error back as its class', async () => {
    const { runtime, nodes } = swarm(3);
    const [caller, former, now] = nodes;
    former!.hosts('lamp', nodes);
    const call = caller!.call('lamp', 'slow', 1);
    runtime.pass(1);
    move('lamp', 1, former!, now!);
    now!.host.workers.delete('lamp');
    runtime.pass(1);
    expect(await stateOf(call)).toBe('ERR_SWARM_WORKER_NOT_FOUND');
    expect(former!.router.passedOn).toBe(0);
  });

  it('wait where it is arriving', async () => {
    const { runtime, nodes } = swarm(3);
    const [caller, former, now] = nodes;
    former!.hosts('lamp', nodes);
    const calls = [1, 2].map((data) => caller!.call('lamp', 'slow', data));
    runtime.pass(1);
    const waiting = former!.takeWaiting('lamp', 2);
    // The target has not read yet that the source has let go: for itself the source's row is the best.
    const row = now!.knows('lamp', now!.id, { status: RowStatus.arriving });
    former!.moved(former!.row('lamp'), now!.id, RowStatus.arriving);
    former!.router.reroute('lamp', waiting);
    calls.push(now!.call('lamp', 'slow', 3), former!.call('lamp', 'slow', 4));
    runtime.pass(1);
    expect(nodes.map(({ router }) => router.parked.size)).toEqual([0, 0, 4]);
    expect(former!.router.passedOn).toBe(2);
    now!.index.remove(now!.row('lamp'));
    runtime.pass(1);
    expect(now!.router.parked.size).toBe(4);
    now!.host.workers.add('lamp');
    now!.run(row);
    runtime.pass(1);
    expect(now!.host.seen).toEqual([3, 1, 2, 4]);
    for (const delivery of now!.host.delivered) delivery.reply(undefined, value('done'));
    runtime.pass(1);
    expect(await Promise.all(calls)).toEqual(['done', 'done', 'done', 'done']);
    expect(leftOf(runtime, nodes)).toBe(0);
  });

  it('wait while it is started elsewhere, before what came later', async () => {
    const { runtime, nodes } = swarm(2);
    const [former, now] = nodes;
    former!.hosts('lamp', nodes);
    const calls = [1, 2].map((data) => former!.call('lamp', 'slow', data));
    const waiting = former!.takeWaiting('lamp', 2);
    const row = former!.moved(former!.row('lamp'), now!.id, RowStatus.starting);
    // Sent when the worker was gone, and before it was known what had waited for it.
    calls.push(former!.call('lamp', 'echo', 3));
    former!.router.reroute('lamp', waiting);
    calls.push(former!.call('lamp', 'echo', 4));
    runtime.pass(1);
    expect(former!.router.parked.size).toBe(4);
    now!.host.workers.add('lamp');
    now!.moved(now!.row('lamp'), now!.id);
    former!.run(row);
    runtime.pass(1);
    expect(now!.host.seen).toEqual([1, 2, 3, 4]);
    for (const delivery of now!.host.delivered.slice(0, 2)) delivery.reply(undefined, value('done'));
    runtime.pass(1);
    expect(await Promise.all(calls)).toEqual(['done', 'done', 3, 4]);
  });

  it('keep their deadline; a cast or a publish, which has none, gets that of a call', async () => {
    const { runtime, nodes } = swarm(2);
    const [former, now] = nodes;
    former!.hosts('lamp', nodes, { groups: ['lights'] });
    const call = former!.call('lamp', 'slow', 1, { timeoutMs: 300 });
    former!.router.cast('lamp', 'note', 2);
    former!.groups.publish('lights', 'on', 3);
    const waiting = former!.takeWaiting('lamp', 3);
    expect(waiting.map(({ kind }) => kind)).toEqual(['call', 'cast', 'publish']);
    former!.moved(former!.row('lamp'), now!.id, RowStatus.starting);
    runtime.pass(100);
    former!.router.reroute('lamp', waiting);
    runtime.pass(199);
    expect(await stateOf(call)).toBe('pending');
    runtime.pass(1);
    await expect(call).rejects.toThrow('within 300 ms');
    runtime.pass(CALL_TIMEOUT_MS - 201);
    expect(former!.dropped).toEqual([]);
    runtime.pass(1);
    expect(former!.dropped).toEqual([expect.stringMatching(/^lamp note/), expect.stringMatching(/^lamp on/)]);
    expect(leftOf(runtime, nodes)).toBe(0);
  });

  it('are dropped, and told so, when it was unregistered meanwhile', async () => {
    const { nodes } = swarm(1);
    const [node] = nodes;
    node!.hosts('lamp', nodes);
    const call = node!.call('lamp', 'slow', 1);
    node!.router.cast('lamp', 'note', 2);
    const waiting = node!.takeWaiting('lamp', 2);
    node!.index.remove(node!.row('lamp'));
    node!.router.reroute('lamp', waiting);
    expect(await stateOf(call)).toBe('ERR_SWARM_WORKER_NOT_FOUND');
    expect(node!.dropped).toEqual([expect.stringContaining('lamp note')]);
  });

  it('reach it on this node again when it was only started anew', async () => {
    const { runtime, nodes } = swarm(1);
    const [node] = nodes;
    node!.hosts('lamp', nodes);
    const call = node!.call('lamp', 'slow', 1);
    const waiting = node!.takeWaiting('lamp', 1);
    const row = node!.row('lamp');
    node!.index.alter(row, () => row.update(RowStatus.parked, row.groups));
    node!.router.reroute('lamp', waiting);
    expect(node!.router.parked.size).toBe(1);
    node!.host.workers.add('lamp');
    node!.run(row);
    runtime.pass(1);
    node!.host.delivered.at(-1)!.reply(undefined, value('again'));
    expect(await call).toBe('again');
    expect([node!.router.passedOn, leftOf(runtime, nodes)]).toEqual([0, 0]);
  });

  it('are not refused because many wait already, and count for nobody else', async () => {
    const { nodes } = swarm(2);
    const [node, other] = nodes;
    node!.hosts('lamp', nodes);
    const calls = [1, 2].map((data) => node!.call('lamp', 'slow', data));
    const waiting = node!.takeWaiting('lamp', 2);
    node!.knows('starting', other!.id, { status: RowStatus.starting });
    const others = Array.from({ length: 100_000 }, () => node!.call('starting', 'echo', 1));
    node!.moved(node!.row('lamp'), other!.id, RowStatus.starting);
    node!.router.reroute('lamp', waiting);
    expect([await stateOf(calls[1]!), await stateOf(others.at(-1)!)]).toEqual(['pending', 'pending']);
    expect(node!.router.parked.size).toBe(100_002);
    expect(await stateOf(node!.call('starting', 'echo', 1))).toBe('ERR_SWARM_MAILBOX_FULL');
    const ends = Promise.allSettled([...others, ...calls]);
    node!.close();
    for (const end of await ends)
      expect(end).toMatchObject({ status: 'rejected', reason: { code: 'ERR_SWARM_SHUTTING_DOWN' } });
    expect(node!.router.parked.size).toBe(0);
  });

  it('do not fail because all of them go at once over a link that takes less', async () => {
    const { runtime, nodes } = swarm(2);
    const [former, now] = nodes;
    former!.hosts('lamp', nodes);
    const calls = Array.from({ length: 20 }, (_, data) => former!.call('lamp', 'slow', data));
    former!.transport.room = 5;
    move('lamp', 20, former!, now!);
    const fresh = former!.call('lamp', 'slow', 20);
    runtime.pass(1);
    expect(now!.host.seen).toEqual([0, 1, 2, 3, 4]);
    expect([former!.router.passedOn, former!.router.parked.size]).toEqual([5, 16]);
    for (let more = 0; more < 4; more++) {
      former!.transport.room = 5;
      runtime.pass(20);
    }
    expect(now!.host.seen).toEqual(Array.from({ length: 21 }, (_, data) => data));
    for (const delivery of now!.host.delivered) delivery.reply(undefined, undefined);
    runtime.pass(1);
    await Promise.all([...calls, fresh]);
    expect([former!.router.passedOn, leftOf(runtime, nodes)]).toEqual([0, 0]);
  });
});

describe('calls that a node has passed on', () => {
  it('are counted until they are answered, their link is lost, or their time is over; its own are not', async () => {
    const { runtime, nodes } = swarm(3);
    const [caller, former, now] = nodes;
    caller!.knows('lamp', former!.id);
    former!.knows('lamp', now!.id);
    now!.hosts('lamp', [now!]);
    const own = former!.call('lamp', 'slow', 0);
    caller!.router.cast('lamp', 'note', 0);
    const calls = [1, 2, 3].map((data) =>
      caller!.call('lamp', 'slow', data, { timeoutMs: data === 2 ? 100 : 500 }),
    );
    runtime.pass(1);
    expect(former!.router.passedOn).toBe(3);
    now!.host.delivered.find((delivery) => now!.host.payloadOf(delivery) === 1)!.reply(undefined, value('a'));
    runtime.pass(1);
    expect(former!.router.passedOn).toBe(2);
    runtime.pass(100);
    expect(former!.router.passedOn).toBe(1);
    expect(former!.passedOnDone).toBe(0);
    former!.unlinkFrom(now!);
    expect([former!.router.passedOn, former!.passedOnDone]).toEqual([0, 1]);
    runtime.pass(1);
    expect(await Promise.all([...calls, own].map((call) => stateOf(call)))).toEqual([
      'a',
      'ERR_SWARM_CALL_TIMEOUT',
      'ERR_SWARM_NODE_UNAVAILABLE',
      'ERR_SWARM_NODE_UNAVAILABLE',
    ]);
  });

  it('wait for room on the link that the caller could not know of', async () => {
    const { runtime, nodes } = swarm(3);
    const [caller, former, now] = nodes;
    caller!.knows('lamp', former!.id);
    former!.knows('lamp', now!.id);
    now!.hosts('lamp', [now!]);
    former!.transport.isFullFor = ({ kind }) => kind === FrameKind.Call;
    const call = caller!.call('lamp', 'echo', 1);
    runtime.pass(10);
    expect(former!.router.parked.size).toBe(1);
    former!.transport.isFullFor = () => false;
    runtime.pass(20);
    expect(await call).toBe(1);
  });
});

describe('nodes that disagree about where a worker is', () => {
  /** Each of the two takes the other for the host. */
  function disagreement(): { runtime: ManualRuntime; a: MessagingNode; b: MessagingNode } {
    const { runtime, nodes } = swarm(2);
    const [a, b] = nodes;
    a!.knows('lamp', b!.id);
    b!.knows('lamp', a!.id);
    return { runtime, a: a!, b: b! };
  }
  const framesOf = (...nodes: MessagingNode[]): number =>
    nodes.reduce((count, node) => count + node.transport.of(FrameKind.Call).length, 0);

  it('do not send its messages to and fro; they wait until one knows more', async () => {
    const { runtime, a, b } = disagreement();
    const calls = [1, 2].map((data) => a.call('lamp', 'echo', data));
    runtime.pass(1);
    expect(framesOf(a, b)).toBeLessThanOrEqual(8);
    runtime.pass(100);
    expect(framesOf(a, b)).toBeLessThanOrEqual(8);
    expect(await stateOf(calls[0]!)).toBe('pending');
    a.host.workers.add('lamp');
    a.moved(a.row('lamp'), a.id);
    runtime.pass(1);
    expect(await Promise.all(calls)).toEqual([1, 2]);
    expect(a.host.seen).toEqual([1, 2]);
    expect(leftOf(runtime, [a, b])).toBe(0);
  });

  it('find it also when it is the other whose view was old', async () => {
    const { runtime, nodes } = swarm(3);
    const [a, b, host] = nodes;
    a!.knows('lamp', b!.id);
    b!.knows('lamp', a!.id);
    const call = a!.call('lamp', 'echo', 1);
    runtime.pass(1);
    const [waits, other] = a!.router.parked.size > 0 ? [a!, b!] : [b!, a!];
    expect([waits.router.parked.size, other.router.parked.size]).toEqual([1, 0]);
    host!.hosts('lamp', [host!]);
    other.moved(other.row('lamp'), host!.id);
    runtime.pass(300);
    expect(await call).toBe(1);
  });

  it('say so to the caller when his time is over', async () => {
    const { runtime, a, b } = disagreement();
    const call = b.call('lamp', 'echo', 1);
    runtime.pass(CALL_TIMEOUT_MS);
    await expect(call).rejects.toMatchObject({
      code: 'ERR_SWARM_CALL_TIMEOUT',
      message: expect.stringContaining('the nodes disagreed about where the worker is'),
    });
    // Four at once, and four more after each pause.
    expect(framesOf(a, b)).toBeLessThanOrEqual(20);
    expect([a.router.parked.size, b.router.parked.size, leftOf(runtime, [a, b])]).toEqual([0, 0, 0]);
  });

  it('lose no cast in silence', () => {
    const { runtime, a, b } = disagreement();
    a.router.cast('lamp', 'note', 1);
    runtime.pass(2 * CALL_TIMEOUT_MS);
    expect(leftOf(runtime, [a, b])).toBe(0);
    const casts = [a, b].flatMap((node) => node.transport.of(FrameKind.Cast));
    expect(casts.length).toBeLessThanOrEqual(20);
    expect([...a.dropped, ...b.dropped]).toEqual([expect.stringContaining('disagreed')]);
  });
});

describe('a worker that no node may host', () => {
  it('is waited for by nobody, wherever its row is from', async () => {
    const { runtime, nodes } = swarm(1);
    const [node] = nodes;
    node!.placeable = false;
    node!.knows('parked', node!.id, { status: RowStatus.parked });
    const orphan = node!.knows('orphan', 'dead@h:9');
    node!.index.alter(orphan, () => (orphan.orphaned = true));
    for (const name of ['parked', 'orphan']) {
      const call = node!.call(name, 'echo', 1);
      expect(await stateOf(call)).toBe('ERR_SWARM_NO_NODE_AVAILABLE');
      await expect(call).rejects.toThrow(`no node may host "${name}" now`);
      expect(() => node!.router.cast(name, 'note', 1)).toThrow(`no node may host "${name}" now`);
    }
    expect(leftOf(runtime, nodes)).toBe(0);
  });

  it('is waited for no longer', async () => {
    const { runtime, nodes } = swarm(1);
    const [node] = nodes;
    node!.knows('parked', node!.id, { status: RowStatus.parked });
    const calls = [1, 2].map((data) => node!.call('parked', 'echo', data));
    runtime.pass(1);
    expect(await stateOf(calls[0]!)).toBe('pending');
    node!.placeable = false;
    calls.push(node!.call('parked', 'echo', 3));
    node!.router.parked.retryAll();
    runtime.pass(1);
    for (const call of calls) expect(await stateOf(call)).toBe('ERR_SWARM_NO_NODE_AVAILABLE');
    expect(node!.router.parked.size).toBe(0);
  });

  it.each([
    ['runs', RowStatus.running],
    ['starts', RowStatus.starting],
    ['arrives', RowStatus.arriving],
  ])('is reached all the same if it %s already', async (_, status) => {
    const { runtime, nodes } = swarm(1);
    const [node] = nodes;
    node!.placeable = false;
    node!.host.workers.add('lamp');
    const row = node!.knows('lamp', node!.id, { status });
    const call = node!.call('lamp', 'echo', 1);
    if (status !== RowStatus.running) expect(await stateOf(call)).toBe('pending');
    node!.run(row);
    runtime.pass(1);
    expect(await call).toBe(1);
  });

  it('is waited for by a node that is joining, which does not know all nodes', async () => {
    const { nodes } = swarm(1);
    const [node] = nodes;
    node!.placeable = false;
    node!.joining = true;
    node!.knows('parked', node!.id, { status: RowStatus.parked });
    expect(await stateOf(node!.call('parked', 'echo', 1))).toBe('pending');
  });
});

describe('an answer that the link has no room for', () => {
  it('is replaced by a small one that says so', async () => {
    const { runtime, nodes } = swarm(2);
    const [caller, host] = nodes;
    host!.hosts('lamp', nodes);
    host!.transport.isFullFor = (frame) =>
      (frame as AnswerFrame).body.length + ((frame as AnswerFrame).error?.message.length ?? 0) > 1_000;
    const calls = [1, 2, 3].map((data) => caller!.call('lamp', 'slow', data));
    runtime.pass(1);
    const [large, small, failed] = host!.host.delivered;
    large!.reply(undefined, value('x'.repeat(2_000)));
    small!.reply(undefined, value('y'));
    failed!.reply(Object.assign(new Error('z'.repeat(2_000)), { code: 'E' }) as never, undefined);
    runtime.pass(1);
    for (const call of [calls[0]!, calls[2]!]) {
      await expect(call).rejects.toMatchObject({
        code: 'ERR_SWARM_LINK_OVERLOADED',
        message: `the call was handled, but its answer was not sent: the link to ${caller!.id} is overloaded`,
      });
    }
    expect(await calls[1]).toBe('y');
  });
});

describe('a worker that moves again and again', () => {
  /** Rows travel from each node to each other in order, but late; so everybody is wrong most of the time. */
  it.each(Array.from({ length: 20 }, (_, index) => index + 1))(
    'gets every message once, and every call is answered (seed %i)',
    async (seed) => {
      const random = new Random(seed);
      const { runtime, nodes } = swarm(4);
      const free = new Map<string, number>();
      /** `change` happens at `to` after everything that it was told of `of` before. */
      const later = (of: MessagingNode, to: MessagingNode, change: () => void): void => {
        const key = `${of.id} ${to.id}`;
        const at = Math.max(runtime.now() + random.below(10), free.get(key) ?? 0);
        free.set(key, at);
        runtime.after(at - runtime.now(), change);
      };
      const rows = new Map<MessagingNode, Map<MessagingNode, Row>>(nodes.map((node) => [node, new Map()]));
      const lingering = new Map<MessagingNode, Row>();
      /** `to` reads of `of`; a row is shown until the one that it has moved to is there. */
      const tell = (
        of: MessagingNode,
        to: MessagingNode,
        status: RowStatus | undefined,
        fence: number,
      ): void => {
        const mine = rows.get(to)!;
        const row = mine.get(of);
        if (status === undefined) {
          mine.delete(of);
          if (to.index.all('lamp').some((other) => other.fence > row!.fence)) return to.index.remove(row!);
          const before = lingering.get(to);
          lingering.set(to, row!);
          return before && to.index.remove(before);
        }
        if (row?.fence === fence) {
          return to.index.alter(row, () => row.update(status, []));
        }
        mine.set(of, to.knows('lamp', of.id, { status, fence }));
        const left = lingering.get(to);
        if (!left || left.fence > fence) return undefined;
        lingering.delete(to);
        return to.index.remove(left);
      };
      const change = (of: MessagingNode, status: RowStatus | undefined, fence: number): void => {
        tell(of, of, status, fence);
        for (const to of nodes) if (to !== of) later(of, to, () => tell(of, to, status, fence));
      };
      let host = nodes[0]!;
      host.host.workers.add('lamp');
      for (const node of nodes) tell(host, node, RowStatus.running, 1);
      const handled: string[] = [];
      let done = 0;
      /** Handles some of what waits, as the worker would. */
      const work = (): void => {
        const { delivered } = host.host;
        for (let count = random.below(4); count > 0 && done < delivered.length; count--) {
          const delivery = delivered[done++]!;
          const data = host.host.payloadOf(delivery) as string;
          handled.push(data);
          delivery.reply(undefined, value(data));
        }
      };
      const calls: Array<Promise<unknown>> = [];
      const sent = nodes.map(() => 0);
      let target: MessagingNode | undefined;
      for (let step = 0; step < 300; step++) {
        const sender = random.below(nodes.length);
        const data = `${sender} ${sent[sender]!++}`;
        if (random.bool()) calls.push(nodes[sender]!.call('lamp', 'slow', data, { timeoutMs: 100_000 }));
        else nodes[sender]!.router.cast('lamp', 'note', data);
        work();
        const fence = step + 2;
        if (!target && step < 280 && random.next() < 0.2) {
          const [from, to] = [host, random.pick(nodes.filter((node) => node !== host))];
          target = to;
          tell(to, to, RowStatus.arriving, fence);
          for (const node of nodes) {
            if (node === to) continue;
            later(to, node, () => {
              tell(to, node, RowStatus.arriving, fence);
              if (node !== from) return;
              // The source lets go when it has read the target's row.
              const waiting = from.host.delivered.slice(done);
              from.host.delivered.length = 0;
              from.host.workers.delete('lamp');
              done = 0;
              host = to;
              tell(from, from, undefined, fence);
              from.router.reroute('lamp', waiting);
              for (const other of nodes) {
                if (other === from) continue;
                later(from, other, () => {
                  tell(from, other, undefined, fence);
                  if (other !== to) return;
                  to.host.workers.add('lamp');
                  change(to, RowStatus.running, fence);
                  target = undefined;
                });
              }
            });
          }
        }
        runtime.pass(random.below(3));
      }
      for (let rounds = 0; rounds < 2_000 && handled.length < 300; rounds++) {
        runtime.pass(1);
        work();
      }
      runtime.pass(10);
      expect(handled).toHaveLength(300);
      expect(new Set(handled).size).toBe(300);
      expect(nodes.flatMap(({ dropped }) => dropped)).toEqual([]);
      await Promise.all(calls);
      expect(nodes.map(({ router }) => router.passedOn + router.pending.size + router.parked.size)).toEqual([
        0, 0, 0, 0,
      ]);
    },
  );
});

describe('a message for this node that has to travel after all', () => {
  it('is told by its own name what is wrong with it', async () => {
    const { nodes } = swarm(2);
    const [former, now] = nodes;
    former!.hosts('lamp', nodes);
    // What is copied is counted from below.
    const large = Array.from({ length: 30_000 }, () => 123_456.789);
    const call = former!.call('lamp', 'slow', large);
    move('lamp', 1, former!, now!);
    await expect(call).rejects.toMatchObject({
      code: 'ERR_SWARM_PAYLOAD_TOO_LARGE',
      message: expect.stringContaining('data has'),
      maxBytes: MAX_BYTES,
    });
  });
});
