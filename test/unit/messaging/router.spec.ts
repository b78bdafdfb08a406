import { describe, expect, it } from 'vitest';
import { CallTimeoutError } from '../../../lib/errors/index.js';
import { RowStatus } from '../../../lib/tracker/row.js';
import { CALL_TIMEOUT_MS, leftOf, MAX_BYTES, stateOf, swarm, value } from './support/messaging-node.js';

/** How long one task may keep the event loop. */
const PROMISED_MS = 5;

describe('a call', () => {
  it('reaches a worker of this node with a copy of its data and brings its answer', async () => {
    const { nodes } = swarm(1);
    const [node] = nodes;
    node!.hosts('lamp', nodes);
    const data = { watts: [5] };
    const answer = await node!.call('lamp', 'echo', data);
    expect(answer).toEqual(data);
    expect(answer).not.toBe(data);
    expect(node!.transport.sent).toEqual([]);
  });

  it('reaches a worker of another node, and the error of a handler comes back as its class', async () => {
    const { runtime, nodes } = swarm(2);
    const [caller, host] = nodes;
    host!.hosts('lamp', nodes);
    const answer = caller!.call('lamp', 'echo', { watts: 5n });
    runtime.pass(1);
    expect(await answer).toEqual({ watts: 5n });
    const failed = caller!.call('lamp', 'slow', 1);
    runtime.pass(1);
    host!.host.delivered.at(-1)!.reply(new CallTimeoutError('x', 5), undefined);
    runtime.pass(1);
    await expect(failed).rejects.toBeInstanceOf(CallTimeoutError);
  });

  it('finds nobody at once when the name is unknown, but not while this node is joining', async () => {
    const { nodes } = swarm(1);
    const [node] = nodes;
    expect(await stateOf(node!.call('lamp', 'echo', 1))).toBe('ERR_SWARM_WORKER_NOT_FOUND');
    node!.joining = true;
    const call = node!.call('lamp', 'echo', 1);
    expect(await stateOf(call)).toBe('pending');
    node!.host.workers.add('lamp');
    node!.knows('lamp', node!.id);
    node!.runtime.pass(1);
    expect(await call).toBe(1);
  });

  it('waits while the worker starts; many are handled in their order', async () => {
    const { runtime, nodes } = swarm(2);
    const [caller, host] = nodes;
    host!.host.workers.add('lamp');
    const row = caller!.knows('lamp', host!.id, { status: RowStatus.starting });
    host!.knows('lamp', host!.id);
    const calls = [1, 2, 3].map((data) => caller!.call('lamp', 'echo', data));
    runtime.pass(1);
    expect(await stateOf(calls[0]!)).toBe('pending');
    expect(caller!.router.parked.size).toBe(3);
    caller!.run(row);
    // Sent after the worker is known to run, and still after those that wait.
    calls.push(caller!.call('lamp', 'echo', 4));
    runtime.pass(1);
    expect(await Promise.all(calls)).toEqual([1, 2, 3, 4]);
    expect(host!.host.seen).toEqual([1, 2, 3, 4]);
    expect(caller!.router.parked.size).toBe(0);
  });

  it('is forwarded by a node that no longer hosts the worker', async () => {
    const { runtime, nodes } = swarm(3);
    const [caller, former, host] = nodes;
    caller!.knows('lamp', former!.id);
    former!.knows('lamp', host!.id);
    host!.hosts('lamp', [host!]);
    const answer = caller!.call('lamp', 'echo', 1, { chain: ['outer'] });
    runtime.pass(1);
    expect(await answer).toBe(1);
    expect(host!.host.delivered[0]).toMatchObject({ from: caller!.id, chain: ['outer'] });
  });

  it('ends at its deadline wherever it is: parked, sent, or with a worker of this node', async () => {
    const { runtime, nodes } = swarm(2);
    const [node, other] = nodes;
    node!.hosts('mine', nodes);
    other!.hosts('theirs', nodes);
    node!.knows('starting', node!.id, { status: RowStatus.starting });
    const calls = ['mine', 'theirs', 'starting'].map((name) => node!.call(name, 'slow', 1));
    runtime.pass(CALL_TIMEOUT_MS - 1);
    for (const call of calls) expect(await stateOf(call)).toBe('pending');
    runtime.pass(1);
    for (const call of calls) expect(await stateOf(call)).toBe('ERR_SWARM_CALL_TIMEOUT');
    expect([node!.router.parked.size, node!.router.pending.size]).toEqual([0, 0]);
    // What comes now is nobody's.
    for (const delivery of node!.host.delivered) delivery.reply(undefined, value('late'));
    for (const delivery of other!.host.delivered) delivery.reply(undefined, value('late'));
    runtime.pass(1);
    expect(leftOf(runtime, nodes)).toBe(0);
  });

  it('takes its deadline along', () => {
    const { runtime, nodes } = swarm(2);
    const [caller, host] = nodes;
    host!.hosts('lamp', nodes);
    void caller!.call('lamp', 'slow', 1, { timeoutMs: 300 }).catch(() => undefined);
    runtime.pass(1);
    const [delivery] = host!.host.delivered;
    expect(delivery!.deadline - runtime.now()).toBeGreaterThan(0);
    expect(delivery!.deadline - runtime.now()).toBeLessThanOrEqual(300);
    runtime.pass(300);
  });

  it('says so when the worker waits for itself', async () => {
    const { runtime, nodes } = swarm(1);
    const [node] = nodes;
    node!.hosts('a', nodes);
    const call = node!.call('a', 'slow', 1, { chain: ['a', 'b'] });
    runtime.pass(CALL_TIMEOUT_MS);
    await expect(call).rejects.toThrow('a -> b -> a');
  });

  it('fails when the link breaks after it was sent, and waits when it broke before', async () => {
    const { runtime, nodes } = swarm(2);
    const [caller, host] = nodes;
    host!.hosts('lamp', nodes);
    const sent = caller!.call('lamp', 'slow', 1);
    runtime.pass(1);
    caller!.unlinkFrom(host!);
    expect(await stateOf(sent)).toBe('ERR_SWARM_NODE_UNAVAILABLE');
    const waiting = caller!.call('lamp', 'echo', 2);
    runtime.pass(10);
    expect(await stateOf(waiting)).toBe('pending');
    caller!.linkTo(host!);
    caller!.router.parked.retryAll();
    runtime.pass(1);
    expect(await waiting).toBe(2);
    expect(host!.host.seen).toEqual([1, 2]);
  });

  it('fails at once when the link is full', async () => {
    const { nodes } = swarm(2);
    const [caller, host] = nodes;
    host!.hosts('lamp', nodes);
    caller!.transport.room = 0;
    expect(await stateOf(caller!.call('lamp', 'echo', 1))).toBe('ERR_SWARM_LINK_OVERLOADED');
    expect(caller!.router.pending.size).toBe(0);
  });

  it('is refused with its path when its data cannot travel', async () => {
    const { nodes } = swarm(2);
    const [caller, host] = nodes;
    host!.hosts('theirs', nodes);
    caller!.hosts('mine', nodes);
    for (const name of ['theirs', 'mine']) {
      await expect(caller!.call(name, 'echo', { on: () => 1 })).rejects.toThrow('data.on');
      const large = caller!.call(name, 'echo', 'x'.repeat(MAX_BYTES + 1));
      await expect(large).rejects.toMatchObject({ code: 'ERR_SWARM_PAYLOAD_TOO_LARGE' });
    }
  });

  it('brings an answer that cannot travel as an error', async () => {
    const { runtime, nodes } = swarm(2);
    const [caller, host] = nodes;
    host!.hosts('theirs', nodes);
    caller!.hosts('mine', nodes);
    for (const [name, node] of [
      ['theirs', host!],
      ['mine', caller!],
    ] as const) {
      const call = caller!.call(name, 'slow', 1);
      runtime.pass(1);
      node.host.delivered.at(-1)!.reply(undefined, value({ deep: () => 1 }));
      runtime.pass(1);
      await expect(call).rejects.toThrow('answer.deep');
    }
  });

  it('that was meant for this node is checked again when the worker has gone to another', async () => {
    const { runtime, nodes } = swarm(2);
    const [node, other] = nodes;
    const row = node!.knows('lamp', node!.id, { status: RowStatus.starting });
    const first = node!.call('lamp', 'echo', 'first');
    node!.run(row);
    // A little too large for a link: what is copied is counted from below.
    const large = Array.from({ length: 30_000 }, () => 123_456.789);
    const second = node!.call('lamp', 'echo', large);
    node!.index.remove(row);
    other!.hosts('lamp', nodes);
    const third = node!.call('lamp', 'echo', 'third');
    runtime.pass(1);
    expect(await stateOf(first)).toBe('first');
    expect(await stateOf(second)).toBe('ERR_SWARM_PAYLOAD_TOO_LARGE');
    expect(await stateOf(third)).toBe('third');
  });

  it('ends when the node shuts down, wherever it is', async () => {
    const { runtime, nodes } = swarm(2);
    const [node, other] = nodes;
    node!.hosts('mine', nodes);
    other!.hosts('theirs', nodes);
    node!.knows('starting', node!.id, { status: RowStatus.starting });
    const calls = ['mine', 'theirs', 'starting'].map((name) => node!.call(name, 'slow', 1));
    runtime.pass(1);
    node!.close();
    for (const call of calls) expect(await stateOf(call)).toBe('ERR_SWARM_SHUTTING_DOWN');
  });
});

describe('a cast', () => {
  it('is delivered and answered by nobody', () => {
    const { runtime, nodes } = swarm(2);
    const [node, other] = nodes;
    node!.hosts('mine', nodes);
    other!.hosts('theirs', nodes);
    node!.router.cast('mine', 'note', 1);
    node!.router.cast('theirs', 'note', 2);
    runtime.pass(1);
    expect([node!.host.seen, other!.host.seen]).toEqual([[1], [2]]);
    expect(other!.transport.sent).toEqual([]);
    expect(leftOf(runtime, nodes)).toBe(0);
  });

  it('throws at once what this node can know', () => {
    const { nodes } = swarm(2);
    const [node, other] = nodes;
    other!.hosts('theirs', nodes);
    const codeOf = (work: () => void): unknown => {
      try {
        work();
      } catch (error) {
        return (error as { code: string }).code;
      }
      return 'nothing';
    };
    expect(codeOf(() => node!.router.cast('nobody', 'note', 1))).toBe('ERR_SWARM_WORKER_NOT_FOUND');
    expect(codeOf(() => node!.router.cast('theirs', 'note', () => 1))).toBe('ERR_SWARM_UNSERIALIZABLE');
    node!.transport.room = 0;
    expect(codeOf(() => node!.router.cast('theirs', 'note', 1))).toBe('ERR_SWARM_LINK_OVERLOADED');
    expect(node!.dropped).toEqual([]);
  });

  it('is told as dropped when it is lost later', () => {
    const { runtime, nodes } = swarm(2);
    const [node, other] = nodes;
    node!.knows('starting', node!.id, { status: RowStatus.starting });
    node!.router.cast('starting', 'note', 1);
    node!.knows('theirs', other!.id);
    node!.router.cast('theirs', 'note', 2);
    runtime.pass(CALL_TIMEOUT_MS);
    expect(node!.dropped).toHaveLength(1);
    expect(node!.dropped[0]).toContain('starting note');
    expect(other!.dropped[0]).toContain('theirs note');
  });
});

describe('messages that wait', () => {
  it('are bounded for a whole node', async () => {
    const { nodes } = swarm(1);
    const [node] = nodes;
    node!.knows('lamp', node!.id, { status: RowStatus.starting });
    const calls = Array.from({ length: 100_001 }, () => node!.call('lamp', 'echo', 1));
    expect(await stateOf(calls.pop()!)).toBe('ERR_SWARM_MAILBOX_FULL');
    expect(node!.router.parked.size).toBe(100_000);
    const ends = Promise.allSettled(calls);
    node!.close();
    await ends;
    expect(node!.router.parked.size).toBe(0);
  });

  it('are tried in turns with everything else, and in their order, however many are to go at once', async () => {
    const { runtime, nodes } = swarm(2);
    const [caller, host] = nodes;
    caller!.transport.isFullFor = () => {
      runtime.spend(0.05);
      return false;
    };
    const names = Array.from({ length: 300 }, (_, index) => `lamp-${index}`);
    const rows = ['busy', ...names].map((name) => {
      host!.hosts(name, [host!]);
      return caller!.knows(name, host!.id, { status: RowStatus.starting });
    });
    const calls = names.map((name) => caller!.call(name, 'echo', name));
    const numbers = Array.from({ length: 300 }, (_, index) => index);
    const ordered = numbers.map((number) => caller!.call('busy', 'echo', number));
    runtime.longestTaskMs = 0;
    for (const row of rows) caller!.run(row);
    runtime.pass(1);
    // Sent while others wait for their turn, and still after them.
    ordered.push(caller!.call('busy', 'echo', 300));
    runtime.pass(100);
    expect(await Promise.all(calls)).toEqual(names);
    expect(await Promise.all(ordered)).toEqual([...numbers, 300]);
    expect(host!.host.seen.filter((seen) => typeof seen === 'number')).toEqual([...numbers, 300]);
    expect(runtime.longestTaskMs).toBeLessThanOrEqual(PROMISED_MS);
  });

  it('are tried in turns also where all of them have to wait on', () => {
    const { runtime, nodes } = swarm(2);
    const [caller, host] = nodes;
    for (let index = 0; index < 300; index++) {
      caller!.knows(`lamp-${index}`, host!.id);
      host!.hosts(`lamp-${index}`, [host!]);
    }
    const numbers = Array.from({ length: 600 }, (_, index) => index);
    const send = (number: number): void => caller!.router.cast(`lamp-${number % 300}`, 'note', number);
    caller!.unlinkFrom(host!);
    for (const number of numbers) send(number);
    const { transport } = caller!;
    transport.isFullFor = () => {
      runtime.spend(0.05);
      return true;
    };
    caller!.linkTo(host!);
    caller!.router.parked.retryAll();
    caller!.router.parked.retryAll();
    runtime.longestTaskMs = 0;
    runtime.pass(30);
    expect(caller!.router.parked.size).toBe(600);
    expect(runtime.longestTaskMs).toBeLessThanOrEqual(PROMISED_MS);
    transport.isFullFor = () => false;
    runtime.pass(30);
    expect(caller!.router.parked.size).toBe(0);
    const seen = host!.host.seen as number[];
    expect(seen.filter((number) => number % 300 === 7)).toEqual([7, 307]);
  });
});
