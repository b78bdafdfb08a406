import { EventEmitter } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterAll, afterEach, describe, expect, it } from 'vitest';

import { printable } from '../../../lib/transport/tcp/printable.text.js';
import { keyOf, networkOf, UnprovedConnections } from '../../../lib/transport/tcp/unproved.connections.js';
import { WarningThrottle } from '../../../lib/runtime/warning.throttle.js';
import { PREAMBLE, UnitKind, unitOf } from '../../../lib/transport/tcp/wire.js';
import { Authority } from '../../support/certificates.js';
import { HostileNodes, linked, roundTripMs, UNDISTURBED_MS } from './support/hostile-nodes.js';
import { until, type TestNode } from './support/test-node.js';

const SECRET = 'a secret of all of them';
const authority = new Authority('ours');
const tls = { ...authority.issue('IP:127.0.0.1'), ca: authority.cert };
const nodes = new HostileNodes();
afterEach(() => nodes.end());
afterAll(() => authority.remove());

function turnedAway(node: TestNode): number {
  return node.transport.inspect().counters['connectionsTurnedAway'] ?? 0;
}

/** What a test of the choice needs of a connection. */
class FakeSocket extends EventEmitter {
  constructor(
    readonly remoteAddress: string,
    readonly remotePort: number,
    readonly bytesRead = 0,
  ) {
    super();
  }
}

function fake(address: string, port: number, bytesRead = 0): Socket {
  return new FakeSocket(address, port, bytesRead) as unknown as Socket;
}

describe('who is turned away', () => {
  it('is of the network with the most connections, one that is silent if there is one', () => {
    const unproved = new UnprovedConnections(4, () => 0.99);
    const ends = (one: Socket): unknown =>
      (({ remoteAddress, remotePort }) => [remoteAddress, remotePort])(one);
    for (const port of [1, 2, 3]) expect(unproved.add(fake('2001:db8:0:1::5', port, port))).toBeUndefined();
    expect(unproved.add(fake('10.0.0.1', 4))).toBeUndefined();
    expect(ends(unproved.add(fake('2001:db8:0:1:9::1', 5))!)).toEqual(['2001:db8:0:1::5', 3]);
    expect(ends(unproved.add(fake('10.0.0.2', 6))!)).toEqual(['2001:db8:0:1:9::1', 5]);
    expect(ends(unproved.add(fake('10.0.0.2', 7))!)).toEqual(['2001:db8:0:1::5', 2]);
    // Two networks have two each now, counting those that are left.
    expect(unproved.size).toBe(4);
  });

  it('is nobody while others go by themselves, or become links', () => {
    const unproved = new UnprovedConnections(2, () => 0);
    for (let port = 0; port < 100; port++) {
      const socket = fake('10.0.0.1', port);
      expect(unproved.add(socket)).toBeUndefined();
      if (port % 2 === 0) socket.emit('close');
      else unproved.delete(keyOf(socket));
    }
    expect(unproved.size).toBe(0);
    const all = [fake('10.0.0.1', 1), fake('10.0.0.2', 2), fake('10.0.0.2', 3)];
    expect(all.map((one) => unproved.add(one))).toEqual([undefined, undefined, all[0]]);
  });

  it.each([
    ['10.1.2.3', '10.1.2.3'],
    ['::ffff:10.1.2.3', '10.1.2.3'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:db8::6', '2001:db8:0:0'],
    ['2001:db8:1:2:3::', '2001:db8:1:2'],
    ['fe80::1%eth0', 'fe80:0:0:0'],
    ['::1', '0:0:0:0'],
    ['', ''],
  ])('takes %s for one of %s', (address, network) => expect(networkOf(address)).toBe(network));
});

describe('a crowd that only connects', () => {
  it.each([
    ['', {}],
    [', where links are encrypted', { tls, secrets: [SECRET] }],
  ])('does not keep out a node of the same address, and is told of once%s', async (_, options) => {
    const limits = { pendingHandshakes: 64, handshakeTimeoutMs: 60_000 };
    const b = await nodes.open('b', { ...options, limits });
    const end = nodes.crowd(200, () => nodes.raw(b));
    try {
      await until(() => turnedAway(b) > 1_000, 'a crowd');
      const a = await nodes.open('a', options);
      // As the dialler of a kernel does: again and again.
      const dialling = setInterval(() => a.dial(b), 20);
      await until(() => a.opened.length === 1 && b.opened.length === 1, 'linked').finally(() =>
        clearInterval(dialling),
      );
      expect(await roundTripMs(a, b, 1)).toBeLessThan(UNDISTURBED_MS);
    } finally {
      end();
    }
    const warnings = b.lines.filter((line) => line.startsWith('warn'));
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('have proved nothing yet');
    expect(warnings[0]).toContain('let only nodes of this swarm reach its port');
  });

  // Only there every address from 127.0.0.1 on is this machine.
  it.skipIf(process.platform !== 'linux')(
    'and begins well does not cost a node of another address one dial',
    async () => {
      const limits = { pendingHandshakes: 32, handshakeTimeoutMs: 60_000 };
      const b = await nodes.open('b', { secrets: [SECRET], limits });
      const end = nodes.crowd(300, () => {
        const socket = nodes.raw(b, '127.0.0.2');
        socket.write(Buffer.concat([PREAMBLE, unitOf(UnitKind.Challenge, Buffer.alloc(32))]));
        return socket;
      });
      try {
        await until(() => turnedAway(b) > 1_000, 'a crowd');
        for (const name of ['a1', 'a2', 'a3', 'a4', 'a5']) {
          const a = await nodes.open(name, { secrets: [SECRET] });
          a.dial(b);
          await until(() => a.outcomes.length > 0, 'an outcome');
          expect(a.outcomes[0]).toMatchObject({ outcome: { kind: 'linked' } });
        }
      } finally {
        end();
      }
    },
  );

  it('holds no more than so many of a thousand connections by not leaving when it is told to', async () => {
    const limits = { pendingHandshakes: 16, handshakeTimeoutMs: 60_000 };
    const [a, b] = [
      await nodes.open('a', { secrets: [SECRET] }),
      await nodes.open('b', { secrets: [SECRET], limits }),
    ];
    await linked(a, b);
    const wrong = unitOf(UnitKind.Hello, Buffer.from('{}'));
    for (let i = 0; i < 1_000; i++) {
      // Without reading what it is told it does not see the end either.
      const socket = connect({ port: b.info.port, host: '127.0.0.1', allowHalfOpen: true });
      socket.on('error', () => undefined);
      socket.write(Buffer.concat([PREAMBLE, wrong]));
    }
    const lookedAt = (): number =>
      (b.transport.inspect().counters['handshake-stranger'] ?? 0) + turnedAway(b);
    const { unclosed } = b.transport as unknown as { readonly unclosed: ReadonlySet<unknown> };
    for (let round = 0; lookedAt() < 1_000; round++) {
      expect(unclosed.size).toBeLessThanOrEqual(17);
      expect(await roundTripMs(a, b, round)).toBeLessThan(UNDISTURBED_MS);
    }
    await until(() => unclosed.size === 1, 'none but the link is left', 5_000);
  });
});

describe('what strangers may write into the log', () => {
  it('is a hundred lines a minute, from however many addresses', () => {
    const throttle = new WarningThrottle();
    const told = (from: number, nowMs: number): number =>
      Array.from({ length: 5_000 }, (_, i) => throttle.allows(`2001:db8::${from + i}`, nowMs)).filter(Boolean)
        .length;
    expect(told(0, 0)).toBe(100);
    expect(told(0, 59_999)).toBe(0);
    expect(told(0, 60_000)).toBe(100);
    expect(told(10_000, 120_000)).toBe(100);
  });

  it('is one line, and not long', async () => {
    expect(printable('a\r\nb\u2028c\u001b[31md')).toBe('a  b c [31md');
    expect(printable('x'.repeat(5_000))).toHaveLength(1_001);
    const b = await nodes.open('b');
    const a = await nodes.open('a');
    a.cluster = `x"\n[Nest] 1 - LOG all is well ${'y'.repeat(4_000)}`;
    a.dial(b);
    await until(() => a.outcomes.length > 0 && b.lines.length > 0, 'refused');
    for (const line of [...a.lines, ...b.lines]) {
      expect(line).not.toContain('\n');
      expect(line.length).toBeLessThan(1_100);
    }
    expect(a.outcomes[0]!.outcome).toMatchObject({
      kind: 'rejected',
      message: expect.not.stringContaining('\n'),
    });
  });

  it('says nothing of a certificate where somebody only connects, or is late', async () => {
    const b = await nodes.open('b', {
      tls,
      secrets: [SECRET],
      limits: { handshakeTimeoutMs: 100 },
    });
    const late = nodes.raw(b);
    await until(() => late.closed, 'closed');
    const short = nodes.raw(b);
    await until(() => !short.connecting, 'connected');
    short.destroy();
    await until(() => Object.keys(b.transport.inspect().counters).length === 2, 'both counted');
    expect(b.transport.inspect().counters).toEqual({ 'handshake-timeout': 1, 'handshake-ended': 1 });
    expect(b.lines).toEqual([]);
    const plain = connectTls({ port: b.info.port, host: '127.0.0.1', rejectUnauthorized: false });
    plain.on('error', () => undefined);
    await until(() => b.lines.length === 1, 'one without a certificate is told of');
    plain.destroy();
  });
});
