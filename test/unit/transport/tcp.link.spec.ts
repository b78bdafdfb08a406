import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';

import { PayloadTooLargeError } from '../../../lib/errors/index.js';
import { FrameEncoder } from '../../../lib/transport/codec/frame.codec.js';
import { FrameKind, type AnswerFrame, type Frame, type PrepareFrame } from '../../../lib/transport/frame.js';
import type { TcpTransportOptions } from '../../../lib/transport/tcp/tcp.transport.js';
import { PREAMBLE, UnitKind, unitOf } from '../../../lib/transport/tcp/wire.js';
import { startChildNode, type ChildNode } from './support/child-node.js';
import { Random } from './support/random.js';
import { call, linkedPair, TestNode, until } from './support/test-node.js';

const MiB = 1024 * 1024;
const nodes: TestNode[] = [];
const children: ChildNode[] = [];
const sockets: Socket[] = [];

async function pair(options: Partial<TcpTransportOptions> = {}): Promise<[TestNode, TestNode]> {
  const linked = await linkedPair(options);
  nodes.push(...linked);
  return linked;
}

/** A peer by hand: says hello as `a` and confirms; then it is up to the test. */
async function rawPeer(to: TestNode, name = 'a'): Promise<Socket> {
  const socket = connect({ port: to.info.port, host: '127.0.0.1', noDelay: true });
  sockets.push(socket);
  socket.on('error', () => undefined);
  const node = { ...to.info, id: `${name}@127.0.0.1:1`, name, port: 1 };
  socket.write(PREAMBLE);
  socket.write(unitOf(UnitKind.Hello, Buffer.from(JSON.stringify({ ...to.hello(), node }))));
  socket.write(unitOf(UnitKind.Confirm, Buffer.alloc(0)));
  const count = to.opened.length;
  await until(() => to.opened.length > count, 'linked');
  return socket;
}

function unit(frame: Frame): Buffer {
  const { kind, head, tail } = new FrameEncoder().encode(frame);
  return unitOf(kind, Buffer.concat(tail === undefined ? [head] : [head, tail]));
}

function batch(from: number, bytes: number): Frame {
  const op = [0, ['n', 't', new Uint8Array(bytes), 1, 'r', [], 0, 0]] as const;
  return { kind: FrameKind.Batch, incarnation: 1, from, waits: true, ops: [op] };
}

function prepare(name: string, state: Buffer): Frame {
  return {
    kind: FrameKind.Prepare,
    timeoutMs: 1000,
    arrivals: [[[name, 't', null, 1, 'r', [], 3, 0], state]],
  };
}

function ids(node: TestNode, kind: number): number[] {
  return node.frames
    .filter(({ frame }) => frame.kind === kind)
    .map(({ frame }) => (frame as { id: number }).id);
}

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const child of children.splice(0)) child.remove();
  const closing = nodes.splice(0);
  await Promise.all(closing.map((node) => node.transport.close()));
  expect(closing.filter(({ reentrant }) => reentrant)).toEqual([]);
});

describe('tcp link', () => {
  it('carries frames in order, both ways, and counts them', async () => {
    const [a, b] = await pair();
    for (let id = 0; id < 1000; id += 1) {
      expect(a.send(b, call(id, Buffer.from(`from a ${id}`)))).toBe('queued');
      b.send(a, call(id, Buffer.from(`from b ${id}`)));
    }
    await until(() => a.frames.length === 1000 && b.frames.length === 1000, 'all');
    expect(ids(b, FrameKind.Call)).toEqual(Array.from({ length: 1000 }, (_, id) => id));
    expect(a.frames[999]).toMatchObject({ frame: { body: Buffer.from('from b 999') } });
    expect(a.transport.inspect().links[0]).toMatchObject({
      peer: b.id,
      framesIn: 1000,
      framesOut: 1000,
      queuedBytes: 0,
    });
  });

  it('says unlinked, and broadcasts to those that are linked', async () => {
    const [a, b] = await pair();
    const frame: Frame = {
      kind: FrameKind.Publish,
      names: ['n'],
      pattern: 'p',
      from: '',
      body: Buffer.from('x'),
    };
    expect(a.transport.send('nobody@h:1', frame)).toBe('unlinked');
    expect(a.transport.broadcast(['nobody@h:1', b.id], frame)).toEqual(['nobody@h:1']);
    await until(() => b.frames.length === 1, 'published');
    expect(b.frames[0]).toMatchObject({ from: a.id, frame: { pattern: 'p' } });
  });

  it('reads a stream however it is cut', async () => {
    const b = await TestNode.open('b');
    nodes.push(b);
    const socket = await rawPeer(b);
    const random = new Random(11);
    const stream = Buffer.concat(
      Array.from({ length: 300 }, (_, id) => unit(call(id, random.bytes(random.below(400))))),
    );
    for (let at = 0; at < stream.length;) {
      const end = at + 1 + random.below(random.bool() ? 3 : 900);
      await new Promise<void>((resolve) => void socket.write(stream.subarray(at, end), () => resolve()));
      at = end;
    }
    await until(() => b.frames.length === 300, 'all');
    expect(ids(b, FrameKind.Call)).toEqual(Array.from({ length: 300 }, (_, id) => id));
  });

  it('lets pings pass a body of 64 MiB, and delivers it whole', async () => {
    const child = await startChildNode('b');
    children.push(child);
    const a = await TestNode.open('a');
    nodes.push(a);
    a.dial(child.info);
    await until(() => a.opened.length === 1, 'linked');
    const body = Buffer.alloc(64 * MiB);
    for (let at = 0; at < body.length; at += 4096) body.writeUInt32LE(at, at);
    a.transport.send(child.info.id, call(1, body));
    const delays: number[] = [];
    let sent = 0;
    a.onFrame = (_, frame) => {
      if (frame.kind === FrameKind.Pong) delays.push(performance.now() - sent);
      if (frame.kind === FrameKind.Pong && ids(a, FrameKind.Answer).length === 0) ping(frame.id + 1);
    };
    const ping = (id: number): void => {
      sent = performance.now();
      a.transport.send(child.info.id, {
        kind: FrameKind.Ping,
        id,
        stamp: 1,
        incarnation: 1,
        seq: null,
        digest: 0,
        delayMs: 0,
      });
    };
    ping(1);
    await until(() => ids(a, FrameKind.Answer).length === 1, 'answered', 20_000);
    const answer = a.frames.find(({ frame }) => frame.kind === FrameKind.Answer)?.frame as AnswerFrame;
    expect(body.equals(answer.body)).toBe(true);
    // Behind one unfragmented frame a single ping would have come back; a loaded machine may hold up some.
    expect(delays.length).toBeGreaterThan(20);
    expect(delays.sort((x, y) => x - y)[delays.length >> 1]).toBeLessThan(40);
  });

  it('lets rows, messages, answers and pings pass a state of 64 MiB, and delivers it whole', async () => {
    const child = await startChildNode('b');
    children.push(child);
    const a = await TestNode.open('a');
    nodes.push(a);
    a.dial(child.info);
    await until(() => a.opened.length === 1, 'linked');
    const to = child.info.id;
    const prepared = (): boolean => a.frames.some(({ frame }) => frame.kind === FrameKind.Prepared);
    const delays = new Map<number, number[]>();
    const begin = new Map<number, number>();
    /** One of a kind after another, each when the last has come back. */
    const send = (kind: number, id: number): void => {
      begin.set(kind, performance.now());
      if (kind === FrameKind.Answer) a.transport.send(to, call(id, Buffer.alloc(100)));
      else if (kind === FrameKind.BatchAck) a.transport.send(to, batch(id, 100));
      else
        a.transport.send(to, {
          kind: FrameKind.Ping,
          id,
          stamp: 1,
          incarnation: 1,
          seq: null,
          digest: 0,
          delayMs: 0,
        });
    };
    const kinds = [FrameKind.Answer, FrameKind.BatchAck, FrameKind.Pong] as const;
    for (const kind of kinds) delays.set(kind, []);
    a.onFrame = (_, { kind }) => {
      const taken = delays.get(kind);
      if (!taken || prepared()) return;
      taken.push(performance.now() - (begin.get(kind) ?? 0));
      send(kind, taken.length);
    };
    expect(a.transport.send(to, prepare('n', Buffer.alloc(64 * MiB)))).toBe('queued');
    for (const kind of kinds) send(kind, 0);
    await until(prepared, 'prepared', 20_000);
    expect(a.frames.find(({ frame }) => frame.kind === FrameKind.Prepared)).toMatchObject({
      frame: { results: [['n', 1, 'ready', String(64 * MiB)]] },
    });
    for (const [kind, taken] of delays) {
      // Behind the state one would have come back; a loaded machine may hold up some.
      expect([kind, taken.length > 20], `${taken.length}`).toEqual([kind, true]);
      expect(taken.sort((x, y) => x - y)[taken.length >> 1]).toBeLessThan(40);
    }
  });

  it('lets no lane wait for a large frame of another', async () => {
    const [a, b] = await pair();
    const [large, small] = [Buffer.alloc(40 * MiB), Buffer.alloc(2 * MiB)];
    const order = (): string[] =>
      b.frames.map(({ frame }) => `${frame.kind} ${frame.kind === FrameKind.Call ? frame.id : ''}`);
    a.send(b, prepare('n', large));
    a.send(b, call(1, small));
    await until(() => b.frames.length === 2, 'both');
    a.send(b, call(2, large));
    a.send(b, prepare('n', small));
    await until(() => b.frames.length === 4, 'all');
    expect(order()).toEqual(['18 1', '24 ', '24 ', '18 2']);
  });

  it('keeps the order that matters around a state', async () => {
    const [a, b] = await pair();
    a.send(b, prepare('first', Buffer.alloc(3 * MiB)));
    a.send(b, prepare('second', Buffer.alloc(1)));
    a.send(b, { kind: FrameKind.Offer, offers: [['third', 1, 2, Buffer.alloc(100_000)]] });
    a.send(b, batch(4, 2 * MiB));
    a.send(b, { kind: FrameKind.Decide, decisions: [['fifth', 1, 1, []]] });
    a.send(b, { kind: FrameKind.Farewell });
    a.send(b, call(7, Buffer.alloc(2 * MiB)));
    a.send(b, { kind: FrameKind.Cast, name: 'n', pattern: 'p', from: '', hops: 0, body: Buffer.alloc(1) });
    a.send(b, { kind: FrameKind.LastWord });
    await until(() => b.frames.length === 9, 'all');
    const kinds = b.frames.map(({ frame }) => frame.kind);
    const lanes = [
      [FrameKind.Prepare, FrameKind.Prepare, FrameKind.Offer],
      [FrameKind.Batch, FrameKind.Decide, FrameKind.Farewell],
      [FrameKind.Call, FrameKind.Cast, FrameKind.LastWord],
    ];
    for (const lane of lanes) {
      expect(kinds.filter((kind) => (lane as number[]).includes(kind))).toEqual(lane);
    }
    const first = b.frames.find(({ frame }) => frame.kind === FrameKind.Prepare)?.frame as PrepareFrame;
    expect(first.arrivals[0]?.[0][0]).toBe('first');
  });

  it('keeps the order that matters around large frames', async () => {
    const [a, b] = await pair();
    const large = Buffer.alloc(3 * MiB);
    const answer = (id: number, body: Buffer): Frame => ({ kind: FrameKind.Answer, id, body, error: null });
    a.send(b, answer(1, large));
    a.send(b, batch(2, 2 * MiB));
    a.send(b, answer(3, Buffer.alloc(1)));
    a.send(b, call(4, large));
    a.send(b, call(5, Buffer.alloc(1)));
    a.send(b, batch(6, 10));
    a.send(b, answer(7, large));
    a.send(b, answer(8, Buffer.alloc(1)));
    await until(() => b.frames.length === 8, 'all');
    const order = b.frames.map(({ frame }) =>
      'from' in frame && typeof frame.from === 'number' ? frame.from : (frame as { id: number }).id,
    );
    const follows = (first: number, then: number): void =>
      expect([first, then, order.indexOf(first) < order.indexOf(then)]).toEqual([first, then, true]);
    follows(2, 3);
    follows(4, 5);
    follows(2, 6);
    follows(6, 7);
    follows(6, 8);
    // Nothing waits for a large answer.
    follows(8, 7);
  });

  it('delivers every one of many large frames of all kinds, both ways', async () => {
    const [a, b] = await pair();
    const random = new Random(5);
    const expected: string[] = [];
    for (let id = 0; id < 60; id += 1) {
      const body = Buffer.alloc(random.pick([10, 65_000, 65_536, 65_537, 200_000, MiB]), id);
      const frame: Frame = random.bool() ? call(id, body) : { kind: FrameKind.Answer, id, body, error: null };
      expected.push(`${id} ${body.length}`);
      expect([a.send(b, frame), b.send(a, frame)]).not.toContain('unlinked');
    }
    await until(() => a.frames.length === 60 && b.frames.length === 60, 'all');
    for (const node of [a, b]) {
      const seen = node.frames.map(({ frame }) => frame as AnswerFrame);
      expect(seen.map(({ id, body }) => `${id} ${body.length}`).sort()).toEqual(expected.toSorted());
      expect(seen.every(({ id, body }) => body[0] === id && body.at(-1) === id)).toBe(true);
    }
  });

  it('says full and drained, and still takes pings and answers', async () => {
    const b = await TestNode.open('b', { limits: { softQueueBytes: MiB } });
    nodes.push(b);
    const socket = await rawPeer(b);
    socket.pause();
    const to = b.opened[0] as string;
    const body = Buffer.alloc(60_000);
    await until(() => b.transport.send(to, call(1, body)) === 'full', 'full');
    expect(b.transport.send(to, { kind: FrameKind.Pong, id: 1, view: 1 })).toBe('queued');
    expect(b.transport.send(to, { kind: FrameKind.Answer, id: 1, body, error: null })).toBe('queued');
    expect(b.transport.send(to, { kind: FrameKind.LastWord })).toBe('full');
    const publish = { kind: FrameKind.Publish, names: ['n'], pattern: 'p', from: '', body } as const;
    expect(b.transport.broadcast([to], publish)).toEqual([to]);
    // The other lanes are not full.
    expect(b.transport.broadcast([to], { kind: FrameKind.BatchAck, seq: 1 })).toEqual([]);
    expect(b.transport.send(to, prepare('n', body))).toBe('queued');
    expect(b.drains).toEqual([]);
    socket.resume();
    await until(() => b.drains.length === 1, 'drained');
    expect(b.transport.send(to, call(2, body))).toBe('queued');
    expect(b.transport.inspect().links[0]?.queuedBytes).toBeLessThan(MiB);
  });

  it('takes what comes behind a large frame, and no more than behind any other', async () => {
    const b = await TestNode.open('b', { limits: { softQueueBytes: MiB } });
    nodes.push(b);
    const socket = await rawPeer(b);
    socket.pause();
    const to = b.opened[0] as string;
    expect(b.transport.send(to, prepare('large', Buffer.alloc(8 * MiB)))).toBe('queued');
    // Its turn has come when it is being written.
    await until(() => b.transport.send(to, prepare('small', Buffer.alloc(60_000))) === 'queued', 'taken');
    let taken = 1;
    while (b.transport.send(to, prepare('small', Buffer.alloc(60_000))) === 'queued') taken += 1;
    expect(taken * 60_000).toBeGreaterThan(MiB - 120_000);
    expect(taken * 60_000).toBeLessThan(MiB + 120_000);
    expect(b.transport.send(to, call(1, Buffer.alloc(60_000)))).toBe('queued');
  });

  /** Queues may hold 32 MiB: twice the largest frame, which has 16 MiB for what is no payload. */
  const narrow = { maxPayloadBytes: 1024, limits: { softQueueBytes: MiB, hardQueueBytes: 1 } };

  it('refuses what would make the queue too large, but not a small answer', async () => {
    const [a, b] = await pair(narrow);
    const answer = (bytes: number): Frame => ({
      kind: FrameKind.Answer,
      id: 1,
      body: Buffer.alloc(bytes),
      error: null,
    });
    const outcomes = [1, 2, 3, 4].map(() => a.send(b, answer(10 * MiB)));
    expect(outcomes).toEqual(['queued', 'queued', 'queued', 'full']);
    const several: Frame = {
      kind: FrameKind.MultiAnswer,
      id: 1,
      parts: 1,
      results: [['n', Buffer.alloc(10 * MiB), null]],
    };
    expect(a.send(b, several)).toBe('full');
    const failed: Frame = {
      kind: FrameKind.Response,
      id: 1,
      outcome: 'error',
      node: null,
      row: ['n', 't', new Uint8Array(10 * MiB), 1, 'r', [], 2, 0],
      error: null,
    };
    expect(a.send(b, failed)).toBe('full');
    expect(a.send(b, call(1, Buffer.alloc(7 * MiB)))).toBe('full');
    expect(a.send(b, prepare('n', Buffer.alloc(10 * MiB)))).toBe('full');
    expect(a.send(b, batch(1, 10 * MiB))).toBe('full');
    expect(a.send(b, answer(100))).toBe('queued');
    expect(a.drains).toEqual([]);
    await until(() => a.drains.length > 0, 'drained', 20_000);
    expect(a.send(b, prepare('n', Buffer.alloc(10 * MiB)))).toBe('queued');
    await until(() => b.frames.length === 5, 'all', 20_000);
    expect([a.closed, b.closed]).toEqual([[], []]);
  });

  it('sends five answers of 60 MiB in one tick, or says that they are too many', async () => {
    const [a, b] = await pair();
    const body = Buffer.alloc(60 * MiB);
    const outcomes = [1, 2, 3, 4, 5].map((id) =>
      a.send(b, { kind: FrameKind.Answer, id, body, error: null }),
    );
    expect(outcomes).toEqual(['queued', 'queued', 'queued', 'queued', 'full']);
    expect(a.send(b, { kind: FrameKind.Answer, id: 5, body: Buffer.alloc(9), error: null })).toBe('queued');
    await until(() => b.frames.length === 5, 'all', 30_000);
    expect(ids(b, FrameKind.Answer).sort()).toEqual([1, 2, 3, 4, 5]);
    expect([a.closed, b.closed]).toEqual([[], []]);
  });

  it('closes a link whose peer has stopped reading', async () => {
    const b = await TestNode.open('b', narrow);
    nodes.push(b);
    const socket = await rawPeer(b);
    socket.pause();
    const to = b.opened[0] as string;
    const answer = (bytes: number): Frame => ({
      kind: FrameKind.Answer,
      id: 1,
      body: Buffer.alloc(bytes),
      error: null,
    });
    await until(() => b.transport.send(to, answer(60_000)) === 'full', 'full');
    let small = 0;
    await until(() => {
      small += 1;
      return b.transport.send(to, answer(4_000)) === 'unlinked';
    }, 'closed');
    expect(small).toBeGreaterThan(1000);
    await until(() => b.closed.length === 1, 'told');
    expect(b.closed[0]?.reason).toBe('overflow');
    expect(b.transport.inspect().links).toEqual([]);
  });

  it('does not stall when both sides send more than the system holds', async () => {
    const [a, b] = await pair();
    for (let id = 0; id < 300; id += 1) {
      a.send(b, { kind: FrameKind.Answer, id, body: Buffer.alloc(60_000), error: null });
      b.send(a, { kind: FrameKind.Answer, id, body: Buffer.alloc(60_000), error: null });
    }
    await until(() => a.frames.length === 300 && b.frames.length === 300, 'all');
  });

  it('refuses a frame that no peer would take', async () => {
    const [a, b] = await pair({ maxPayloadBytes: MiB });
    expect(() => a.send(b, call(1, Buffer.alloc(40 * MiB)))).toThrow(PayloadTooLargeError);
    a.send(b, call(2, Buffer.alloc(1)));
    await until(() => b.frames.length === 1, 'the next one');
  });

  it.each<[string, (random: Random) => Buffer]>([
    ['an oversized length', () => Buffer.from([0xff, 0xff, 0xff, 0xff, 1])],
    ['a length of zero', () => Buffer.alloc(8)],
    ['an unknown kind', () => unitOf(77, Buffer.alloc(3))],
    ['a broken frame', () => unitOf(FrameKind.Call, Buffer.from([1, 2]))],
    ['credit that it has not', () => unitOf(UnitKind.Credit, Buffer.from([9, 0, 0, 0]))],
    ['a fragment of nothing', () => unitOf(UnitKind.NextFragment, Buffer.alloc(10))],
    [
      'a fragment of too much',
      () => unitOf(UnitKind.FirstFragment, Buffer.from([1, 0, 0, 0, 18, 0xff, 0xff, 0xff, 0xff, 0])),
    ],
    ['a hello again', () => unitOf(UnitKind.Hello, Buffer.from('{}'))],
    ['noise', (random) => Buffer.concat([Buffer.from([0xff, 0xff]), random.bytes(300)])],
  ])('closes the link of a peer that sends %s, and disturbs nobody', async (_, bytes) => {
    const [a, b] = await pair();
    const socket = await rawPeer(b, 'aa');
    const told: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => told.push(chunk));
    socket.write(bytes(new Random(1)));
    await until(() => b.closed.length === 1, 'closed');
    expect(b.closed[0]).toMatchObject({ peer: 'aa@127.0.0.1:1', reason: 'malformed' });
    expect(b.lines.filter((line) => line.startsWith('warn'))).toHaveLength(1);
    await until(() => Buffer.concat(told).includes('malformed: '), 'told why');
    a.send(b, call(1, Buffer.alloc(1)));
    await until(() => b.frames.length === 1, 'still served');
    expect(a.closed).toEqual([]);
  });

  it.each<[string, Buffer]>([
    ['an unknown kind', unitOf(77, Buffer.alloc(3))],
    ['an oversized length', Buffer.from([0xff, 0xff, 0xff, 0xff, 1])],
  ])('closes the link of a peer that sends %s in one piece with its consent', async (_, bytes) => {
    const b = await TestNode.open('b');
    nodes.push(b);
    const socket = connect({ port: b.info.port, host: '127.0.0.1' });
    sockets.push(socket);
    socket.on('error', () => undefined);
    const node = { ...b.info, id: 'a@127.0.0.1:1', name: 'a', port: 1 };
    const hello = unitOf(UnitKind.Hello, Buffer.from(JSON.stringify({ ...b.hello(), node })));
    socket.write(Buffer.concat([PREAMBLE, hello, unitOf(UnitKind.Confirm, Buffer.alloc(0)), bytes]));
    await until(() => b.closed.length === 1, 'closed');
    expect(b.story).toEqual(['opened a', 'closed a malformed']);
    expect(b.lines.filter((line) => line.startsWith('warn'))).toHaveLength(1);
  });

  it('survives random bytes of a linked peer', async () => {
    const b = await TestNode.open('b');
    nodes.push(b);
    const random = new Random(99);
    for (let round = 1; round <= 100; round += 1) {
      const socket = await rawPeer(b);
      const stream = Buffer.concat(Array.from({ length: 5 }, (_, id) => unit(call(id, random.bytes(50)))));
      for (let change = 0; change < 3; change += 1) stream[random.below(stream.length)] = random.below(256);
      socket.end(stream);
      await until(() => b.closed.length === round, 'closed');
    }
    expect(b.closed.every(({ reason }) => reason === 'malformed' || reason === 'reset')).toBe(true);
  });

  it('goes on when the kernel throws', async () => {
    const [a, b] = await pair();
    b.onFrame = (_, frame) => {
      if ((frame as { id: number }).id === 1) throw new Error('kernel fault');
    };
    for (let id = 0; id < 3; id += 1) a.send(b, call(id, Buffer.alloc(1)));
    await until(() => b.frames.length === 3, 'all');
    expect(b.lines.filter((line) => line.startsWith('error'))).toHaveLength(1);
    expect(b.closed).toEqual([]);
  });

  it('sees a killed process at once, and that nobody listens there any more', async () => {
    const child = await startChildNode('b');
    children.push(child);
    const a = await TestNode.open('a');
    nodes.push(a);
    a.dial(child.info);
    await until(() => a.opened.length === 1, 'linked');
    const start = performance.now();
    child.process.kill('SIGKILL');
    await until(() => a.closed.length === 1, 'closed');
    expect(a.closed[0]).toMatchObject({ peer: child.info.id, reason: 'reset' });
    expect(performance.now() - start).toBeLessThan(1000);
    a.dial(child.info);
    await until(() => a.outcomes.length === 2, 'an outcome');
    expect(a.outcomes[1]?.outcome.kind).toBe('refused');
  });

  it('tells the peer why it disconnects, after what was queued', async () => {
    const [a, b] = await pair();
    for (let id = 0; id < 20; id += 1) a.send(b, call(id, Buffer.alloc(500_000)));
    a.disconnect(b, 'left', true);
    expect(a.send(b, call(99, Buffer.alloc(1)))).toBe('unlinked');
    await until(() => a.closed.length === 1 && b.closed.length === 1, 'closed');
    expect(b.frames).toHaveLength(20);
    expect(a.closed).toEqual([{ peer: b.id, reason: 'disconnected', detail: 'left' }]);
    expect(b.closed).toEqual([{ peer: a.id, reason: 'closed', detail: 'left' }]);
    a.dial(b);
    await until(() => a.opened.length === 2 && b.opened.length === 2, 'linked again');
  });

  it('drops what is queued when it disconnects without flushing', async () => {
    const [a, b] = await pair();
    for (let id = 0; id < 20; id += 1) a.send(b, call(id, Buffer.alloc(500_000)));
    a.disconnect(b, 'fenced');
    await until(() => b.closed.length === 1, 'closed');
    expect(b.frames.length).toBeLessThan(20);
    expect(b.closed[0]).toMatchObject({ reason: 'closed', detail: 'fenced' });
  });

  it('leaves nothing behind when it closes, and tells nothing any more', async () => {
    const before = process.getActiveResourcesInfo().toSorted();
    const [a, b] = await linkedPair();
    const silent = connect(b.info.port, '127.0.0.1');
    await until(() => silent.readyState === 'open', 'connected');
    a.dial({ host: '192.0.2.1', port: 9 });
    a.send(b, call(1, Buffer.alloc(2 * MiB)));
    await Promise.all([a.transport.close(), b.transport.close(), a.transport.close()]);
    const stories = [a, b].map(({ story }) => story.length);
    expect([a.send(b, call(2, Buffer.alloc(1))), a.transport.inspect().links]).toEqual(['unlinked', []]);
    a.dial(b);
    silent.destroy();
    await until(
      () =>
        process.getActiveResourcesInfo().filter((one) => one !== 'Timeout').length <=
        before.filter((one) => one !== 'Timeout').length,
      'nothing left',
    );
    expect([a, b].map(({ story }) => story.length)).toEqual(stories);
  });
});
