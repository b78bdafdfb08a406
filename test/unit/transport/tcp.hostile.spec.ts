import { afterEach, describe, expect, it } from 'vitest';

import { PREAMBLE, UnitKind, unitOf } from '../../../lib/transport/tcp/wire.js';
import {
  AgingRuntime,
  HostileNodes,
  linked,
  roundTripMs,
  socketOf,
  UNDISTURBED_MS,
} from './support/hostile-nodes.js';
import { call, until } from './support/test-node.js';

const MiB = 1024 * 1024;
const nodes = new HostileNodes();
afterEach(() => nodes.end());

describe('a peer that stops reading', () => {
  it('fills its own queue to a bound, is told of once a minute, and holds up nobody else', async () => {
    const runtime = new AgingRuntime();
    const limits = { softQueueBytes: 2 * MiB, hardQueueBytes: 8 * MiB };
    const a = await nodes.open('a', { limits, maxPayloadBytes: MiB, runtime });
    const [deaf, other] = [await nodes.open('b'), await nodes.open('c')];
    await linked(a, deaf);
    await linked(a, other);
    socketOf(deaf, a).pause();

    const body = new Uint8Array(64 * 1024);
    const queued = (): number =>
      a.transport.inspect().links.find(({ peer }) => peer === deaf.id)?.queuedBytes ?? 0;
    const told = (): string[] => a.lines.filter((line) => line.includes('takes no more messages'));
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
    const full = a.transport.inspect().counters['linksFull'];
    expect(full).toBeGreaterThan(0);
    expect(told()).toHaveLength(1);
    expect(told()[0]).toMatch(new RegExp(`^warn the link to ${deaf.id} .* MiB wait: .*; check whether`));

    // It goes on: that is told again, and is no new event.
    runtime.aheadMs = 61_000;
    expect(a.send(deaf, call(id, body))).toBe('full');
    expect(a.send(deaf, call(id, body))).toBe('full');
    expect(told()).toHaveLength(2);
    expect(a.transport.inspect().counters['linksFull']).toBe(full);

    socketOf(deaf, a).resume();
    await until(() => a.send(deaf, call(1, body)) === 'queued', 'it takes messages again');
  });
});

describe('a peer that sends a byte at a time', () => {
  it.each([
    ['no secret', {}],
    ['a secret', { secrets: ['a secret of all of them'] }],
  ])('has as long for its handshake as any other, with %s', async (_, options) => {
    const b = await nodes.open('b', { ...options, limits: { handshakeTimeoutMs: 300 } });
    const socket = nodes.raw(b);
    // All in order, had it gone on like this.
    const bytes = Buffer.concat([PREAMBLE, unitOf(UnitKind.Challenge, Buffer.alloc(32))]);
    let at = 0;
    const timer = setInterval(() => socket.write(bytes.subarray(at, ++at)), 20);
    try {
      await until(() => socket.closed, 'closed', 5_000);
    } finally {
      clearInterval(timer);
    }
    expect(at).toBeLessThan(bytes.length);
    expect(b.transport.inspect().counters).toEqual({ 'handshake-timeout': 1 });
    expect(b.lines).toEqual(['warn closed a connection from 127.0.0.1: no handshake within 300 ms']);
  });

  it('in the middle of a frame costs nothing but its link', async () => {
    const a = await nodes.open('a');
    const [slow, other] = [await nodes.open('b'), await nodes.open('c')];
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
    // The kernel takes frames for a proof of life, not bytes: it hears nothing, and ends the link.
    expect(a.frames.filter(({ from }) => from === slow.id)).toEqual([]);
    expect(a.closed).toEqual([]);
    a.disconnect(slow, 'silent');
    await until(() => slow.closed.length === 1, 'closed');
  });
});
