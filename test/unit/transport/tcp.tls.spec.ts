import { connect } from 'node:net';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';

import { FrameKind } from '../../../lib/transport/frame.js';
import type { SwarmTlsOptions } from '../../../lib/transport/tcp/tls.options.js';
import { Authority } from '../../support/certificates.js';
import { TestNode, until } from './support/test-node.js';

const [ours, theirs] = [new Authority('ours'), new Authority('theirs')];
const here = { ...ours.issue('IP:127.0.0.1'), ca: ours.cert };
const nodes: TestNode[] = [];

async function open(name: string, tls?: SwarmTlsOptions): Promise<TestNode> {
  const node = await TestNode.open(name, { secrets: ['a secret of all of them'], ...(tls && { tls }) });
  nodes.push(node);
  return node;
}

async function linked(a: TestNode, b: TestNode): Promise<void> {
  a.dial(b);
  await until(() => a.opened.length === 1 && b.opened.length === 1, 'linked');
}

/** `a` dials `b` in vain. */
async function refused(a: TestNode, b: TestNode): Promise<string> {
  a.dial(b);
  await until(() => a.outcomes.length === 1, 'an outcome');
  expect([a.opened, b.opened]).toEqual([[], []]);
  const { outcome } = a.outcomes[0]!;
  expect(outcome.kind).toBe('unreachable');
  return 'message' in outcome ? outcome.message : '';
}

afterEach(async () => {
  await Promise.all(nodes.splice(0).map(({ transport }) => transport.close()));
});
afterAll(() => {
  for (const authority of [ours, theirs]) authority.remove();
});

describe('links under TLS', () => {
  it('carry frames of any size', async () => {
    const [a, b] = [await open('a', here), await open('b', here)];
    await linked(a, b);
    const body = new Uint8Array(3_000_000).fill(7);
    a.send(b, { kind: FrameKind.Cast, name: 'n', pattern: 'p', from: '', hops: 0, body });
    await until(() => b.frames.length === 1, 'a frame');
  });

  it('are encrypted: what goes over the wire is no frame', async () => {
    const b = await open('b', here);
    const socket = connect(b.info.port, '127.0.0.1');
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    let closed = false;
    socket.on('close', () => (closed = true));
    socket.write('SWARM');
    await until(() => closed, 'closed');
    expect(Buffer.concat(chunks).includes('SWARM')).toBe(false);
    expect(b.transport.inspect().counters['handshake-tls']).toBe(1);
  });

  it('are refused to a node whose certificate another authority has signed, or that shows none', async () => {
    const b = await open('b', here);
    const stranger = { ...theirs.issue('IP:127.0.0.1'), ca: ours.cert };
    expect(await refused(await open('a', stranger), b)).not.toBe('');
    expect(await refused(await open('c'), b)).not.toBe('');
  });

  it('are not made to a node whose certificate is of another address, or another authority', async () => {
    const elsewhere = { ...ours.issue('IP:10.9.8.7'), ca: ours.cert };
    expect(await refused(await open('a', here), await open('b', elsewhere))).toMatch(/altnames|IP/);
    const stranger = { ...theirs.issue('IP:127.0.0.1'), ca: theirs.cert };
    const c = await open('c', here);
    expect(await refused(c, await open('d', stranger))).toMatch(/certificate|signature/);
    expect(c.lines.join()).toContain('warn no link with 127.0.0.1');
  });

  it('are checked also in a process that checks no other certificate', async () => {
    const stranger = { ...theirs.issue('IP:127.0.0.1'), ca: theirs.cert, requestCert: false };
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    try {
      expect(await refused(await open('a', here), await open('b', stranger))).toMatch(
        /certificate|signature/,
      );
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it('end at once with their node, also those that are none yet', async () => {
    const limits = { handshakeTimeoutMs: 10_000 };
    const b = await TestNode.open('b', { secrets: ['a secret of all of them'], tls: here, limits });
    const sockets = Array.from({ length: 3 }, () => connect(b.info.port, '127.0.0.1'));
    for (const socket of sockets) socket.on('error', () => undefined);
    const { unclosed } = b.transport as unknown as { readonly unclosed: ReadonlySet<unknown> };
    await until(() => unclosed.size === sockets.length, 'connected');
    const began = performance.now();
    await b.transport.close();
    expect(performance.now() - began).toBeLessThan(2_000);
  });

  it('may go by one name that all certificates carry, and without certificates of those who dial', async () => {
    const shared = { ...ours.issue('DNS:swarm.test'), ca: ours.cert, servername: 'swarm.test' };
    await linked(await open('a', shared), await open('b', shared));
    const oneWay = { ...here, requestCert: false };
    const stranger = { ...theirs.issue('IP:127.0.0.1'), ca: ours.cert, requestCert: false };
    await linked(await open('c', stranger), await open('d', oneWay));
  });
});
