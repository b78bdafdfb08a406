import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';

import { FrameKind } from '../../../lib/transport/frame.js';
import type { LinkTable } from '../../../lib/transport/tcp/link.table.js';
import type { TcpTransportOptions } from '../../../lib/transport/tcp/tcp.transport.js';
import { call, TestNode, until } from './support/test-node.js';

const MiB = 1024 * 1024;
/** What a round trip on another link may take meanwhile; on loopback it takes less than one. */
const UNDISTURBED_MS = 250;
const nodes: TestNode[] = [];
const sockets: Socket[] = [];

async function open(name: string, options: Partial<TcpTransportOptions> = {}): Promise<TestNode> {
  const node = await TestNode.open(name, options);
  nodes.push(node);
  return node;
}

async function linked(a: TestNode, b: TestNode): Promise<void> {
  a.dial(b);
  await until(() => a.opened.includes(b.id) && b.opened.includes(a.id), 'linked');
}

/** The socket of a node's link, which the node itself knows how to hold up. */
function socketOf(node: TestNode, peer: TestNode): Socket {
  const { table } = node.transport as unknown as { readonly table: LinkTable };
  const { socket } = table.linkOf(peer.id) as unknown as { readonly socket: Socket };
  return socket;
}

/** How long a ping takes there and back; `b` answers what it gets. */
async function roundTripMs(a: TestNode, b: TestNode, id: number): Promise<number> {
  b.onFrame = (from, frame) => {
    if (frame.kind === FrameKind.Cast && frame.name === 'ping')
      b.transport.send(from, { ...frame, name: 'pong' });
  };
  const pongs = (): number =>
    a.frames.filter(({ frame }) => frame.kind === FrameKind.Cast && frame.pattern === String(id)).length;
  const began = performance.now();
  const cast = { kind: FrameKind.Cast, name: 'ping', pattern: String(id), from: '', hops: 0 } as const;
  a.send(b, { ...cast, body: new Uint8Array() });
  await until(() => pongs() > 0, 'answered');
  return performance.now() - began;
}

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await Promise.all(nodes.splice(0).map((node) => node.transport.close()));
});

describe('a peer that stops reading', () => {
  it('fills its own queue to a bound, is told of once, and holds up nobody else', async () => {
    const limits = { softQueueBytes: 2 * MiB, hardQueueBytes: 8 * MiB };
    const a = await open('a', { limits, maxPayloadBytes: MiB });
    const [deaf, other] = [await open('b'), await open('c')];
    await linked(a, deaf);
    await linked(a, other);
    socketOf(deaf, a).pause();

    const body = new Uint8Array(64 * 1024);
    const queued = (): number =>
      a.transport.inspect().links.find(({ peer }) => peer === deaf.id)?.queuedBytes ?? 0;
    let id = 0;
    // The system takes some of it on both sides, and more after a while.
    const fill = (): void => {
      while (a.send(deaf, call(id, body)) === 'queued') id++;
    };
    for (let round = 0; round < 50; round++) {
      fill();
      expect(queued()).toBeLessThan(10 * MiB);
      expect(await roundTripMs(a, other, round)).toBeLessThan(UNDISTURBED_MS);
    }
    expect(queued()).toBeGreaterThan(MiB);
    expect(a.transport.inspect().counters['linksFull']).toBeGreaterThan(0);
    const told = a.lines.filter((line) => line.includes('takes no more messages'));
    expect(told).toHaveLength(1);
    expect(told[0]).toMatch(new RegExp(`^warn the link to ${deaf.id} .* MiB wait: .*; check whether`));

    socketOf(deaf, a).resume();
    await until(() => a.send(deaf, call(1, body)) === 'queued', 'it takes messages again');
  });
});

describe('a peer that sends a byte at a time', () => {
  it('in the middle of a frame costs nothing but its link', async () => {
    const a = await open('a');
    const [slow, other] = [await open('b'), await open('c')];
    await linked(a, slow);
    await linked(a, other);
    const head = Buffer.alloc(5);
    head.writeUInt32LE(60_000, 0);
    const bytes = [...head, ...Buffer.alloc(20)];
    const socket = socketOf(slow, a);
    for (const [id, byte] of bytes.entries()) {
      socket.write(Buffer.from([byte]));
      expect(await roundTripMs(a, other, id)).toBeLessThan(UNDISTURBED_MS);
    }
    expect(a.frames.filter(({ from }) => from === slow.id)).toEqual([]);
    expect(a.closed).toEqual([]);
    a.disconnect(slow, 'silent');
    await until(() => slow.closed.length === 1, 'closed');
  });
});

describe('a crowd that only connects', () => {
  /** Connects again whenever it is turned away. */
  function crowd(to: TestNode, count: number): () => void {
    let over = false;
    const join = (): void => {
      if (over) return;
      const socket = connect(to.info.port, '127.0.0.1');
      sockets.push(socket);
      socket.on('error', () => undefined).resume();
      socket.once('close', () => setImmediate(join));
    };
    for (let i = 0; i < count; i++) join();
    return () => (over = true);
  }

  it('does not keep out a node, and is told of once', async () => {
    const b = await open('b', { limits: { pendingHandshakes: 32, handshakeTimeoutMs: 60_000 } });
    const end = crowd(b, 300);
    try {
      await until(() => (b.transport.inspect().counters['connectionsTurnedAway'] ?? 0) > 1_000, 'a crowd');
      const a = await open('a');
      // As the dialer of a kernel does: again and again.
      const dialling = setInterval(() => a.dial(b), 20);
      await until(() => a.opened.length === 1 && b.opened.length === 1, 'linked', 5_000).finally(() =>
        clearInterval(dialling),
      );
      expect(await roundTripMs(a, b, 1)).toBeLessThan(UNDISTURBED_MS);
    } finally {
      end();
    }
    const told = b.lines.filter((line) => line.includes('have proved nothing yet'));
    expect(told).toHaveLength(1);
    expect(told[0]).toContain('let only nodes of this swarm reach its port');
  });
});
