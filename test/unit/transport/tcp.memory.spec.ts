import { afterAll, afterEach, describe, expect, it } from 'vitest';

import { createPayloadCodec } from '../../../lib/transport/codec/payload.codec.js';
import type { Frame } from '../../../lib/transport/frame.js';
import type { TcpTransportOptions } from '../../../lib/transport/tcp/tcp.transport.js';
import { Authority } from '../../support/certificates.js';
import { Random } from './support/random.js';
import { call, linkedPair, TestNode, until } from './support/test-node.js';

const MESSAGES = 400;
const codec = createPayloadCodec({
  refs: {
    describe: () => undefined,
    make: () => {
      throw new Error('no refs here');
    },
  },
});
const rules = { root: 'data', instances: 'flatten', maxBytes: 1024 * 1024 } as const;
const ours = new Authority('ours');
const tls = { ...ours.issue('IP:127.0.0.1'), ca: ours.cert };
const nodes: TestNode[] = [];

afterEach(async () => {
  await Promise.all(nodes.splice(0).map(({ transport }) => transport.close()));
});
afterAll(() => ours.remove());

async function pair(options: Partial<TcpTransportOptions> = {}): Promise<[TestNode, TestNode]> {
  const linked = await linkedPair(options);
  nodes.push(...linked);
  return linked;
}

/** What the message of that number carries. */
function contentOf(id: number, bytes: number): Buffer {
  return Buffer.alloc(bytes, `${id},`);
}

function bodyOf(frame: Frame): Uint8Array {
  return (frame as { body: Uint8Array }).body;
}

describe.each([
  ['plain', {}],
  ['under TLS', { tls }],
])('memory of messages over links, %s', (_, options) => {
  it('is nobody else’s, though callers use theirs again and receivers keep what they got', async () => {
    const random = new Random(5);
    const [a, b] = await pair(options);
    const sizes = Array.from({ length: MESSAGES }, () =>
      random.bool() ? 40_000 + random.below(30_000) : random.below(random.bool() ? 300 : 200_000),
    );
    const kept = new Map<TestNode, unknown[]>([
      [a, []],
      [b, []],
    ]);
    for (const node of [a, b])
      node.onFrame = (_from, frame) => void kept.get(node)?.push(codec.decode(bodyOf(frame), true));
    for (const [id, bytes] of sizes.entries()) {
      for (const [from, to] of [
        [a, b],
        [b, a],
      ] as const) {
        const data = contentOf(id, bytes);
        from.send(to, call(id, codec.encode(data, rules, true)));
        data.fill('overwritten');
      }
      if (random.below(20) === 0) await until(() => kept.get(b)?.length === id + 1, 'so many');
    }
    await until(() => [...kept.values()].every(({ length }) => length === MESSAGES), 'all');
    for (const [id, bytes] of sizes.entries()) {
      const content = contentOf(id, bytes);
      for (const payloads of kept.values())
        expect(content.equals(payloads[id] as Buffer), `${id}`).toBe(true);
    }
  });

  it('is used again for what was sent once, and only for that', async () => {
    const [a, b] = await pair(options);
    const forMany = codec.encode(contentOf(0, 65_536), rules);
    a.send(b, call(0, forMany));
    const used = new Set<ArrayBufferLike>([forMany.buffer]);
    for (let id = 1; id <= 50; id += 1) {
      const body = codec.encode(contentOf(id, 65_536), rules, true);
      expect(body.buffer).not.toBe(forMany.buffer);
      used.add(body.buffer);
      a.send(b, call(id, body));
      await until(() => b.frames.length === id + 1, 'it');
    }
    expect(used.size).toBeLessThan(10);
    expect(contentOf(0, 65_536).equals(codec.decode(forMany) as Buffer)).toBe(true);
  });
});
