import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';

import { FrameKind } from '../../../lib/transport/frame.js';
import { NONCE_BYTES, SecretKeys } from '../../../lib/transport/tcp/secret.proof.js';
import type { TcpTransportOptions } from '../../../lib/transport/tcp/tcp.transport.js';
import { PREAMBLE, UNIT_HEADER_BYTES, UnitKind, unitOf } from '../../../lib/transport/tcp/wire.js';
import { TestNode, until } from './support/test-node.js';

const SECRET = 'correct horse battery staple';
const nodes: TestNode[] = [];
const sockets: Socket[] = [];
const servers: Server[] = [];

async function open(
  name: string,
  options: Partial<TcpTransportOptions> = { secrets: [SECRET] },
): Promise<TestNode> {
  const node = await TestNode.open(name, options);
  nodes.push(node);
  return node;
}

/** A raw connection, and the units that have come over it after the preamble. */
function raw(to: TestNode) {
  const socket = connect(to.info.port, '127.0.0.1');
  sockets.push(socket);
  const chunks: Buffer[] = [];
  let closed = false;
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.on('error', () => (closed = true));
  socket.on('close', () => (closed = true));
  const units = (): Array<{ kind: number; body: Buffer }> => {
    const all = Buffer.concat(chunks);
    const found: Array<{ kind: number; body: Buffer }> = [];
    for (let at = PREAMBLE.length; at + 4 <= all.length;) {
      const end = at + 4 + all.readUInt32LE(at);
      if (end > all.length) break;
      found.push({ kind: all[at + 4]!, body: all.subarray(at + 5, end) });
      at = end;
    }
    return found;
  };
  return { socket, closed: () => closed, units };
}

/** Passes bytes between nodes, and keeps what the one that dials has said. */
async function tap(to: TestNode): Promise<{ readonly port: number; readonly said: Buffer[] }> {
  const said: Buffer[] = [];
  const server = createServer((near) => {
    const far = connect(to.info.port, '127.0.0.1');
    sockets.push(near, far);
    near.on('data', (chunk: Buffer) => said.push(chunk));
    near.pipe(far).pipe(near);
    for (const one of [near, far]) one.on('error', () => undefined);
  });
  servers.push(server);
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port, said };
}

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const server of servers.splice(0)) server.close();
  const closing = nodes.splice(0);
  await Promise.all(closing.map((node) => node.transport.close()));
  expect(closing.filter(({ reentrant }) => reentrant)).toEqual([]);
});

describe('nodes that share a secret', () => {
  it('link, and pass frames', async () => {
    const [a, b] = [await open('a'), await open('b')];
    a.dial(b);
    await until(() => a.opened.length === 1 && b.opened.length === 1, 'linked');
    a.send(b, { kind: FrameKind.Pong, id: 7, view: 0 });
    await until(() => b.frames.length === 1, 'a frame');
  });

  it('tell each other of nudges and refusals, which are proved as well', async () => {
    const [a, b] = [await open('a'), await open('b')];
    a.refusal = { code: 'fenced', message: 'the others have gone on', incarnation: 5 };
    b.dial(a);
    await until(() => b.outcomes.length === 1, 'an outcome');
    expect(b.outcomes[0]!.outcome).toMatchObject({ kind: 'rejected', refusal: a.refusal, peer: a.info });
    a.refusal = undefined;
    b.dial(a);
    await until(() => a.opened.length === 1 && b.opened.length === 1, 'linked');
  });

  it.each([
    ['one has heard of the new one', ['old one'], ['old one', 'new one']],
    ['one proves the new one', ['old one', 'new one'], ['new one', 'old one']],
    ['one has forgotten the old one', ['new one'], ['new one', 'old one']],
  ])('link while it is replaced: %s', async (_, first, second) => {
    for (const [one, other] of [
      [first, second],
      [second, first],
    ] as const) {
      const [a, b] = [await open('a', { secrets: one }), await open('b', { secrets: other })];
      a.dial(b);
      await until(() => a.opened.length === 1 && b.opened.length === 1, 'linked');
    }
  });
});

describe('a stranger', () => {
  it.each([
    ['another secret', [SECRET], ['another one, just as long as it']],
    ['no secret', [SECRET], []],
    ['a secret where there is none', [], [SECRET]],
    ['only a secret that was replaced', ['the newest one of all'], ['the newest', 'the newest one']],
  ])('with %s never links, whoever dials, and both sides say so', async (_, own, others) => {
    const [a, b] = [await open('a', { secrets: own }), await open('b', { secrets: others })];
    a.dial(b);
    b.dial(a);
    await until(() => a.outcomes.length === 1 && b.outcomes.length === 1, 'outcomes');
    for (const node of [a, b]) {
      expect(node.outcomes[0]!.outcome.kind).toBe('rejected');
      expect(node.outcomes[0]!.outcome).not.toHaveProperty('refusal');
      expect(node.opened).toEqual([]);
      expect(node.lines.join()).toMatch(/warn no link with .*(secret|stranger).*give all nodes/);
      for (const secret of [...own, ...others]) expect(node.lines.join()).not.toContain(secret);
    }
  });

  it('that repeats what it has overheard is refused: every connection has its own nonces', async () => {
    const [a, b] = [await open('a'), await open('b')];
    const { port, said } = await tap(b);
    a.dial({ host: '127.0.0.1', port });
    await until(() => b.opened.length === 1, 'linked by way of the tap');
    const replay = raw(b);
    replay.socket.write(Buffer.concat(said));
    await until(replay.closed, 'closed');
    expect(replay.units().map(({ kind }) => kind)).toEqual([UnitKind.Challenge, UnitKind.Stranger]);
    expect(b.opened.length).toBe(1);
  });

  it('that sends back the challenge, or has another node answer it, is refused', async () => {
    const b = await open('b');
    const first = raw(b);
    await until(() => first.units().length === 1, 'challenged');
    const { body: nonce } = first.units()[0]!;
    first.socket.write(Buffer.concat([PREAMBLE, unitOf(UnitKind.Challenge, nonce)]));
    await until(first.closed, 'closed');
    expect(first.units()[1]).toMatchObject({ kind: UnitKind.Stranger });
    // What an acceptor proves to a dialler does not prove a dialler to an acceptor.
    const keys = new SecretKeys([SECRET]);
    const second = raw(b);
    await until(() => second.units().length === 1, 'challenged again');
    const reflected = keys.proof('acceptor');
    reflected.meet(second.units()[0]!.body);
    second.socket.write(PREAMBLE);
    second.socket.write(unitOf(UnitKind.Challenge, reflected.nonce));
    second.socket.write(unitOf(UnitKind.Proof, reflected.answer()));
    const hello = Buffer.from(JSON.stringify(b.hello()));
    second.socket.write(unitOf(UnitKind.Hello, reflected.sign(UnitKind.Hello, hello)));
    await until(second.closed, 'closed');
    expect(second.units()[1]).toMatchObject({ kind: UnitKind.Stranger });
  });

  it('that changes a proved message on its way is refused', async () => {
    const b = await open('b');
    const peer = raw(b);
    await until(() => peer.units().length === 1, 'challenged');
    const proof = new SecretKeys([SECRET]).proof('dialler');
    proof.meet(peer.units()[0]!.body);
    const hello = proof.sign(UnitKind.Hello, Buffer.from(JSON.stringify(b.hello())));
    hello[hello.length - 3]! ^= 1;
    peer.socket.write(Buffer.concat([PREAMBLE, unitOf(UnitKind.Challenge, proof.nonce)]));
    peer.socket.write(unitOf(UnitKind.Proof, proof.answer()));
    peer.socket.write(unitOf(UnitKind.Hello, hello));
    await until(peer.closed, 'closed');
    expect(b.story).toEqual([]);
  });

  it('that is dialled is told nothing of the swarm', async () => {
    const a = await open('a', { secrets: [SECRET], limits: { handshakeTimeoutMs: 300 } });
    const said: Buffer[] = [];
    const server = createServer((socket) => {
      sockets.push(socket.on('error', () => undefined));
      socket.on('data', (chunk: Buffer) => said.push(chunk));
      socket.write(Buffer.concat([PREAMBLE, unitOf(UnitKind.Challenge, Buffer.alloc(NONCE_BYTES, 7))]));
    });
    servers.push(server);
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    a.dial({ host: '127.0.0.1', port: (server.address() as AddressInfo).port });
    await until(() => a.outcomes.length === 1, 'an outcome');
    const all = Buffer.concat(said);
    // Its own challenge and the answer to that of the other.
    expect(all).toHaveLength(PREAMBLE.length + 2 * (UNIT_HEADER_BYTES + NONCE_BYTES));
    expect(all.includes(a.id)).toBe(false);
  });

  it('that is dialled and announces a mebibyte is left at once', async () => {
    const a = await open('a');
    const challenge = unitOf(UnitKind.Challenge, Buffer.alloc(NONCE_BYTES, 7));
    const announced = Buffer.from([0, 0, 16, 0, UnitKind.Welcome]);
    const server = createServer((socket) => {
      sockets.push(socket.on('error', () => undefined).resume());
      socket.write(Buffer.concat([PREAMBLE, challenge, announced]));
    });
    servers.push(server);
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    a.dial({ host: '127.0.0.1', port: (server.address() as AddressInfo).port });
    await until(() => a.outcomes.length === 1, 'an outcome', 1_500);
    expect(a.outcomes[0]!.outcome.kind).toBe('rejected');
  });

  it.each([
    ['a hello without a challenge', unitOf(UnitKind.Hello, Buffer.from('{}'))],
    ['a nonce that is too short', unitOf(UnitKind.Challenge, Buffer.alloc(NONCE_BYTES - 1))],
    ['more than a challenge takes', unitOf(UnitKind.Hello, Buffer.alloc(10_000))],
    [
      'a challenge, and announces a mebibyte',
      Buffer.concat([
        unitOf(UnitKind.Challenge, Buffer.alloc(32, 7)),
        Buffer.from([0, 0, 16, 0, UnitKind.Hello]),
      ]),
    ],
    [
      'a challenge, and a hello that anybody could have written',
      Buffer.concat([
        unitOf(UnitKind.Challenge, Buffer.alloc(32, 7)),
        unitOf(UnitKind.Hello, Buffer.alloc(200)),
      ]),
    ],
    ['a frame', unitOf(FrameKind.Call, Buffer.alloc(8))],
    ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\nHost: swarm\r\n\r\n')],
  ])('that begins with %s is closed at once', async (_, bytes) => {
    const b = await open('b');
    const peer = raw(b);
    peer.socket.write(bytes[0] === 0x47 ? bytes : Buffer.concat([PREAMBLE, bytes]));
    await until(peer.closed, 'closed', 1_500);
    expect(b.story).toEqual([]);
    expect(b.lines.filter((line) => line.startsWith('warn')).length).toBe(1);
  });

  it('that says nothing, or a byte now and then, is closed when its time is over', async () => {
    const b = await open('b', { secrets: [SECRET], limits: { handshakeTimeoutMs: 200 } });
    const [silent, slow] = [raw(b), raw(b)];
    const timer = setInterval(() => slow.socket.write(PREAMBLE.subarray(0, 1)), 150);
    try {
      await until(() => silent.closed() && slow.closed(), 'both closed', 2_000);
    } finally {
      clearInterval(timer);
    }
  });

  it('takes no more than so many connections, and those who have proved themselves none of them', async () => {
    const options = { secrets: [SECRET], limits: { pendingHandshakes: 20, handshakeTimeoutMs: 400 } };
    const b = await open('b', options);
    const crowd = Array.from({ length: 100 }, () => raw(b));
    await until(() => crowd.filter(({ closed }) => closed()).length >= 80, 'turned away');
    expect(b.transport.inspect().counters['connectionsTurnedAway']).toBe(80);
    const a = await open('a');
    await until(() => crowd.every(({ closed }) => closed()), 'all closed');
    a.dial(b);
    await until(() => b.opened.length === 1, 'linked');
  });
});
