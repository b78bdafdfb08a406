import dns from 'node:dns';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';

import { SwarmConfigurationError } from '../../../lib/errors/index.js';
import type { TcpTransportOptions } from '../../../lib/transport/tcp/tcp.transport.js';
import { FrameKind } from '../../../lib/transport/frame.js';
import { addressKey } from '../../../lib/transport/node-info.js';
import { Sockets } from '../../../lib/transport/tcp/sockets.js';
import { PREAMBLE, UnitKind, unitOf } from '../../../lib/transport/tcp/wire.js';
import { linkedPair, TestNode, until } from './support/test-node.js';

const nodes: TestNode[] = [];
const sockets: Socket[] = [];

async function open(
  name: string,
  options: Partial<TcpTransportOptions> = {},
  incarnation = 1,
): Promise<TestNode> {
  const node = await TestNode.open(name, options, incarnation);
  nodes.push(node);
  return node;
}

/** A raw connection; `closed` once the other side has ended it. */
function raw(to: TestNode): { socket: Socket; closed: () => boolean; received: () => Buffer } {
  const socket = connect(to.info.port, '127.0.0.1');
  sockets.push(socket);
  const chunks: Buffer[] = [];
  let closed = false;
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.on('error', () => (closed = true));
  socket.on('close', () => (closed = true));
  return { socket, closed: () => closed, received: () => Buffer.concat(chunks) };
}

afterEach(async () => {
  vi.restoreAllMocks();
  for (const socket of sockets.splice(0)) socket.destroy();
  const closing = nodes.splice(0);
  await Promise.all(closing.map((node) => node.transport.close()));
  expect(closing.filter(({ reentrant }) => reentrant)).toEqual([]);
});

describe('tcp handshake', () => {
  it('links when the smaller id dials; both know the other hello', async () => {
    const [a, b] = await linkedPair();
    nodes.push(a, b);
    expect(a.story).toEqual(['opened b', 'dialed linked']);
    expect(b.story).toEqual(['opened a']);
    expect(a.outcome('linked', b)).toMatchObject({ peer: b.info });
  });

  it('tries another connection where the first one is not answered, and gives that one up', async () => {
    const [a, b] = [await open('a'), await open('b')];
    const lost = connect({ host: 'nobody', port: 1, lookup: () => undefined });
    sockets.push(lost);
    vi.spyOn(Sockets.prototype, 'dial').mockImplementationOnce(() => lost);
    a.dial(b);
    await until(() => a.opened.length === 1 && b.opened.length === 1, 'linked');
    expect(a.story).toEqual(['opened b', 'dialed linked']);
    expect(lost.destroyed).toBe(true);
  });

  it('asks once at a time for the addresses of a name, however long that takes', async () => {
    const [a, b] = [await open('a', { limits: { connectTimeoutMs: 600 } }), await open('b')];
    const ask = vi.spyOn(dns, 'lookup').mockImplementation((() => undefined) as never);
    const named = { host: 'node-b.internal', port: b.info.port };
    for (const dials of [1, 2]) {
      a.dial(named);
      await until(() => a.outcomes.length === dials, 'given up');
    }
    expect(ask).toHaveBeenCalledTimes(1);
    const [, options, answer] = ask.mock.calls[0] as unknown as [
      string,
      object,
      (...given: unknown[]) => void,
    ];
    expect(options).toMatchObject({ all: true });
    a.dial(named);
    answer(null, [{ address: '127.0.0.1', family: 4 }]);
    await until(() => a.opened.length === 1, 'linked');
    expect(ask).toHaveBeenCalledTimes(1);
    ask.mockRestore();
    a.dial({ ...named, host: 'localhost' });
    await until(() => a.outcomes.length === 4, 'another name is asked for');
    expect(a.outcomes.map(({ outcome }) => outcome.kind)).toEqual([
      'unreachable',
      'unreachable',
      'linked',
      'known',
    ]);
  });

  it('bears a lookup of the application that throws, or answers twice', async () => {
    const [a, b] = [await open('a'), await open('b')];
    const named = { host: 'node-b.internal', port: b.info.port };
    const ask = vi.spyOn(dns, 'lookup').mockImplementationOnce((() => {
      throw new Error('no cache');
    }) as never);
    a.dial(named);
    await until(() => a.outcomes.length === 1, 'given up');
    expect(a.outcome('unreachable')).toMatchObject({
      message: 'the lookup of node-b.internal threw: no cache',
    });
    ask.mockImplementationOnce(((_: string, __: object, answer: (...given: unknown[]) => void) => {
      const given = [{ address: '127.0.0.1', family: 4 }];
      answer(null, given);
      answer(null, given);
    }) as never);
    a.dial(named);
    await until(() => a.opened.length === 1, 'linked');
    ask.mockRestore();
  });

  it('takes a dial of the larger id as a nudge and dials back', async () => {
    const [a, b] = [await open('a'), await open('b')];
    b.dial(a);
    await until(() => a.opened.length === 1 && b.opened.length === 1, 'linked');
    expect(b.outcome('nudged', a)).toMatchObject({ peer: a.info });
    expect(a.story).toEqual(['dialed nudged', 'opened b', 'dialed linked']);
    expect(b.outcome('linked')).toBeUndefined();
  });

  it('ends with one link when both dial at once, again and again', async () => {
    for (let round = 0; round < 20; round += 1) {
      const [a, b] = [await open(`a${round}`), await open(`b${round}`)];
      a.dial(b);
      b.dial(a);
      a.dial(b);
      await until(() => a.opened.length > 0 && b.opened.length > 0, 'linked');
      await until(() => b.outcomes.length > 0 && a.outcome('linked') !== undefined, 'all dials ended');
      expect([a.opened, b.opened, a.closed, b.closed]).toEqual([[b.id], [a.id], [], []]);
      expect([a, b].map((node) => node.transport.inspect().links.length)).toEqual([1, 1]);
    }
  });

  it('gives a second connection up, by whatever name the peer was dialled', async () => {
    const [a, b] = await linkedPair();
    nodes.push(a, b);
    a.dial(b);
    a.dial({ host: 'localhost', port: b.info.port });
    await until(() => a.outcomes.filter(({ outcome }) => outcome.kind === 'known').length === 2, 'known');
    b.dial(a);
    await until(() => b.outcome('known', a) !== undefined, 'known');
    expect([a.opened.length, b.opened.length, a.closed, b.closed]).toEqual([1, 1, [], []]);
  });

  it('knows itself, by its own address and by another', async () => {
    const a = await open('a');
    a.dial(a);
    a.dial({ host: 'localhost', port: a.info.port });
    await until(() => a.outcomes.length === 2, 'two outcomes');
    expect(a.outcomes.map(({ outcome }) => outcome.kind)).toEqual(['self', 'self']);
    expect(a.opened).toEqual([]);
  });

  it('replaces the link of an older incarnation, and refuses an older one', async () => {
    const b = await open('b');
    const old = await open('a', {}, 1);
    old.dial(b);
    await until(() => b.opened.length === 1, 'linked');
    const fresh = await open('a', {}, 2);
    // The same id from another process: what a restart looks like.
    fresh.info = { ...fresh.info, id: old.id, port: old.info.port };
    fresh.dial(b);
    await until(() => b.opened.length === 2, 'linked anew');
    expect(b.story).toEqual(['opened a', 'closed a replaced', 'opened a']);
    await until(() => old.closed.length === 1, 'the old one was told');
    expect(old.closed[0]).toMatchObject({ reason: 'closed', detail: 'replaced by a newer connection' });
    old.dial(b);
    await until(() => old.outcome('rejected', b) !== undefined, 'rejected');
    expect(old.outcome('rejected', b)).toMatchObject({
      refusal: { code: 'stale-incarnation', incarnation: 2 },
    });
  });

  it.each([
    ['cluster', { cluster: 'other' }],
    ['protocol', { protocol: { min: 2, max: 3 } }],
  ])('refuses another %s from both directions, with the reason', async (code, change) => {
    const [a, b] = [await open('a'), await open('b')];
    Object.assign(b, change);
    a.dial(b);
    b.dial(a);
    await until(() => a.outcome('rejected') !== undefined && b.outcome('rejected') !== undefined, 'rejected');
    for (const [node, peer] of [
      [a, b],
      [b, a],
    ] as const) {
      expect(node.outcome('rejected')).toMatchObject({ refusal: { code }, peer: { id: peer.id } });
      expect(node.lines.filter((line) => line.startsWith('warn refused'))).toHaveLength(1);
    }
    expect([...a.opened, ...b.opened]).toEqual([]);
  });

  it('refuses another process with its own id', async () => {
    const [a, twin] = [await open('a', {}, 1), await open('a', {}, 2)];
    twin.info = { ...twin.info, id: a.id, port: a.info.port };
    twin.dial({ host: 'localhost', port: a.info.port });
    await until(() => twin.outcome('rejected') !== undefined, 'rejected');
    expect(twin.outcome('rejected')).toMatchObject({ refusal: { code: 'identity' } });
  });

  it('asks the kernel of both sides', async () => {
    const [a, b] = [await open('a'), await open('b')];
    b.refusal = { code: 'stale-incarnation', message: 'you are dead', incarnation: 9 };
    a.dial(b);
    await until(() => a.outcomes.length === 1, 'rejected by the acceptor');
    expect(a.outcome('rejected')).toMatchObject({
      message: 'you are dead',
      refusal: b.refusal,
      peer: { id: b.id },
    });
    b.refusal = undefined;
    a.refusal = { code: 'closing', message: 'not now' };
    a.dial(b);
    await until(() => a.outcomes.length === 2, 'rejected by the dialler');
    expect(a.outcomes[1]?.outcome).toMatchObject({
      kind: 'rejected',
      message: 'not now',
      peer: { id: b.id },
    });
    await until(() => b.transport.inspect().counters['refusedByPeer'] === 1, 'told');
    expect([...a.opened, ...b.opened]).toEqual([]);
  });

  it('tells the acceptor why the dialler would not have it, as if it had dialled itself', async () => {
    const [a, b] = [await open('a'), await open('b')];
    a.refusal = { code: 'fenced', message: 'gone on without b', about: b.id, incarnation: 7 };
    a.dial(b);
    await until(() => b.outcomes.length > 0, 'the acceptor is told');
    expect(b.outcomes).toEqual([
      {
        address: addressKey(a.info),
        outcome: { kind: 'rejected', message: 'gone on without b', refusal: a.refusal, peer: a.info },
      },
    ]);
    // The acceptor asked first, and would have linked.
    expect(b.lines.filter((line) => line.includes('refused'))).toEqual([]);
    b.dial(a);
    await until(() => b.outcomes.length > 1, 'the dialler is told');
    expect(b.outcomes[1]).toEqual(b.outcomes[0]);
    expect([...a.opened, ...b.opened]).toEqual([]);
  });

  it('survives a kernel that throws when it is asked', async () => {
    const [a, b] = [await open('a'), await open('b')];
    const { admit } = b;
    b.admit = () => {
      throw new Error('kernel fault');
    };
    a.dial(b);
    await until(() => a.outcome('unreachable') !== undefined, 'given up');
    expect(b.lines.filter((line) => line.startsWith('error'))).not.toEqual([]);
    b.admit = admit;
    a.dial(b);
    await until(() => a.opened.length === 1 && b.opened.length === 1, 'linked');
  });

  it('tells a closed port, a port of something else and a silent one apart', async () => {
    const a = await open('a', { limits: { handshakeTimeoutMs: 100 } });
    const web = createServer((socket) => void socket.resume().end('HTTP/1.1 400 Bad Request\r\n\r\n')).listen(
      0,
      '127.0.0.1',
    );
    const silent = createServer((socket) => void sockets.push(socket)).listen(0, '127.0.0.1');
    await until(() => web.listening && silent.listening, 'listening');
    const dialed = async (port: number): Promise<string> => {
      const count = a.outcomes.length;
      a.dial({ host: '127.0.0.1', port });
      await until(() => a.outcomes.length > count, 'an outcome');
      return a.outcomes.at(-1)?.outcome.kind as string;
    };
    const { port } = web.address() as AddressInfo;
    expect(await dialed(port)).toBe('rejected');
    expect(await dialed((silent.address() as AddressInfo).port)).toBe('unreachable');
    await new Promise((resolve) => void web.close(resolve));
    expect(await dialed(port)).toBe('refused');
    expect(await dialed(70_000)).toBe('unreachable');
    silent.close();
  });

  it.each([
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')],
    ['a TLS hello', Buffer.from([0x16, 3, 1, 2, 0])],
    ['an oversized length', Buffer.concat([PREAMBLE, Buffer.from([0xff, 0xff, 0xff, 0x7f, 200])])],
    ['no JSON', Buffer.concat([PREAMBLE, unitOf(UnitKind.Hello, Buffer.from('{'))])],
    ['a hello without fields', Buffer.concat([PREAMBLE, unitOf(UnitKind.Hello, Buffer.from('{}'))])],
    ['a frame before the hello', Buffer.concat([PREAMBLE, unitOf(1, Buffer.alloc(20))])],
    ['a confirmation before the hello', Buffer.concat([PREAMBLE, unitOf(UnitKind.Confirm, Buffer.alloc(0))])],
  ])('closes a connection that sends %s, warns once, and serves the others', async (_, bytes) => {
    const [a, b] = await linkedPair();
    nodes.push(a, b);
    for (let round = 1; round <= 3; round += 1) {
      const { socket, closed } = raw(b);
      socket.write(bytes);
      await until(closed, 'closed');
      await until(() => b.transport.inspect().counters['handshake-garbage'] === round, 'counted');
    }
    expect(b.lines.filter((line) => line.startsWith('warn'))).toHaveLength(1);
    a.send(b, { kind: FrameKind.Pong, id: 5, view: 1 });
    await until(() => b.frames.length === 1, 'still served');
    expect([a.closed, b.closed]).toEqual([[], []]);
  });

  it.each(['0', '-1', '101', '1e999'])('refuses a hello of the weight %s', async (weight) => {
    const b = await open('b');
    const { socket, closed } = raw(b);
    const node = { ...b.info, id: 'a@127.0.0.1:1', name: 'a', port: 1, weight: 'weight' };
    const hello = JSON.stringify({ ...b.hello(), node }).replace('"weight":"weight"', `"weight":${weight}`);
    socket.write(Buffer.concat([PREAMBLE, unitOf(UnitKind.Hello, Buffer.from(hello))]));
    await until(closed, 'closed');
    expect(b.lines.join()).toContain('weight: must be above 0 and up to 100');
  });

  it('bounds the connections that say nothing, in number and in time', async () => {
    const b = await open('b', { limits: { pendingHandshakes: 3, handshakeTimeoutMs: 200 } });
    const silent = Array.from({ length: 3 }, () => raw(b));
    await until(() => silent.every(({ received }) => received().length === PREAMBLE.length), 'accepted');
    const all = [...silent, raw(b)];
    await until(() => all.filter(({ closed }) => closed()).length === 1, 'one of them is turned away');
    expect(b.transport.inspect().counters['connectionsTurnedAway']).toBe(1);
    await until(() => all.every(({ closed }) => closed()), 'timed out');
    expect(b.transport.inspect().counters['handshake-timeout']).toBe(3);
  });

  it.each([
    ['EADDRINUSE', (port: number) => ({ listen: '127.0.0.1', port })],
    ['EADDRNOTAVAIL', (port: number) => ({ listen: '203.0.113.77', port })],
  ])('says what is wrong with the address: %s', async (code, options) => {
    const a = await open('a');
    const failed = TestNode.open('x', options(a.info.port));
    await expect(failed).rejects.toThrow(SwarmConfigurationError);
    await expect(failed).rejects.toThrow(new RegExp(`cannot listen on .*:${a.info.port}: .*${code}`));
  });
});
