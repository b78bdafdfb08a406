import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import type { DiscoveryProvider } from '../../../lib/discovery/discovery-provider.interface.js';
import { multicast } from '../../../lib/discovery/multicast.discovery.js';
import { MulticastCodec, type MulticastMessage } from '../../../lib/discovery/multicast-message.js';
import type { MulticastOptions } from '../../../lib/discovery/multicast-options.js';
import { MulticastPeers } from '../../../lib/discovery/multicast-peers.js';
import { SwarmConfigurationError } from '../../../lib/errors/index.js';
import { waitUntil } from '../../support/wait-until.js';

const GROUP = '239.255.79.99';
const SECRETS = ['a secret of all of them'];
const INSTANCE = '00000000-0000-4000-8000-000000000001';

/** A UDP port that nobody uses. */
async function freePort(): Promise<number> {
  const socket = createSocket('udp4').bind(0);
  await once(socket, 'listening');
  const { port } = socket.address() as AddressInfo;
  socket.close();
  return port;
}

function message(fields: Partial<MulticastMessage> = {}): MulticastMessage {
  const address = { host: '127.0.0.1', port: 7_100 };
  return { cluster: 'shop', instance: INSTANCE, sequence: 1, kind: 'here', address, ...fields };
}

describe('multicast', () => {
  let port: number;
  let changes: Record<string, number>;
  let started: DiscoveryProvider[];

  beforeEach(async () => {
    port = await freePort();
    changes = {};
    started = [];
  });
  afterEach(async () => {
    vi.useRealTimers();
    for (const provider of started) await provider.stop?.();
  });

  async function start(
    self: number,
    { cluster = 'shop', secrets = SECRETS, host = '127.0.0.1' } = {},
  ): Promise<DiscoveryProvider> {
    const provider = multicast({ group: GROUP, port });
    started.push(provider);
    await provider.start?.({
      cluster,
      self: { host, port: self },
      secrets,
      changed: () => (changes[self] = (changes[self] ?? 0) + 1),
    });
    return provider;
  }

  async function ports(provider: DiscoveryProvider): Promise<number[]> {
    return (await provider.candidates()).map((address) => address.port).sort();
  }

  async function hears(provider: DiscoveryProvider, ...expected: readonly number[]): Promise<void> {
    await waitUntil(
      async () => JSON.stringify(await ports(provider)) === JSON.stringify(expected),
      `heard ${expected.join()}`,
    );
  }

  /** Sends what anybody may send there. */
  async function send(...datagrams: readonly Buffer[]): Promise<void> {
    const socket = createSocket('udp4').bind(0);
    await once(socket, 'listening');
    socket.setMulticastInterface('127.0.0.1');
    for (const datagram of datagrams)
      await new Promise((resolve) => {
        socket.send(datagram, port, GROUP, resolve);
      });
    socket.close();
  }

  it('lets those who start one after the other hear each other, and nobody itself', async () => {
    const a = await start(7_001);
    const b = await start(7_002);
    // The first question of a newcomer already has the answers of all.
    expect(await ports(b)).toEqual([7_001]);
    await hears(a, 7_002);
    expect(changes[7_001]).toBe(1);
    const c = await start(7_003);
    expect(await ports(c)).not.toEqual([]);
    await hears(c, 7_001, 7_002);
    await hears(a, 7_002, 7_003);
  });

  it('goes on while the timers of the application are replaced by those of its tests', async () => {
    vi.useFakeTimers();
    const a = await start(7_001);
    expect(await ports(a), 'the first question waits for answers').toEqual([]);
    const b = await start(7_002);
    expect(await ports(b)).toEqual([7_001]);
  }, 10_000);

  it('forgets one that stops at once', async () => {
    const [a, b] = [await start(7_001), await start(7_002)];
    await hears(a, 7_002);
    await b.stop?.();
    await hears(a);
  });

  it('hears one that was stopped and started again', async () => {
    const [a, b] = [await start(7_001), await start(7_002)];
    await hears(a, 7_002);
    await b.stop?.();
    await hears(a);
    await start(7_002);
    await hears(a, 7_002);
  });

  it('keeps clusters apart', async () => {
    const [a, b] = [await start(7_001), await start(7_002, { cluster: 'web' })];
    const c = await start(7_003);
    await hears(a, 7_003);
    expect(await ports(b)).toEqual([]);
    expect(await ports(c)).toEqual([7_001]);
  });

  it('does not hear who has no secret or another one, and says so where nobody else is heard', async () => {
    const a = await start(7_001);
    await send(new MulticastCodec([]).encode(message()), new MulticastCodec(['another']).encode(message()));
    await waitUntil(
      () =>
        ports(a).then(
          () => false,
          (error: Error) => error.message.includes("do not sign with this swarm's secret"),
        ),
      'it is told',
    );
    expect(await ports(a)).toEqual([]);
    await start(7_002);
    await hears(a, 7_002);
    await send(new MulticastCodec(['another']).encode(message()));
    expect(await ports(a)).toEqual([7_002]);
  });

  it('hears those whose secret is being replaced', async () => {
    const a = await start(7_001, { secrets: ['new', 'old'] });
    const b = await start(7_002, { secrets: ['old', 'new'] });
    await hears(a, 7_002);
    await hears(b, 7_001);
  });

  it('takes no word twice: a goodbye that is repeated sends nobody away, an old word brings nobody back', async () => {
    const a = await start(7_001);
    const codec = new MulticastCodec(SECRETS);
    const [here, bye] = [
      codec.encode(message({ sequence: 5 })),
      codec.encode(message({ sequence: 4, kind: 'bye' })),
    ];
    await send(here);
    await hears(a, 7_100);
    await send(bye);
    await start(7_002);
    await hears(a, 7_002, 7_100);
    await send(codec.encode(message({ sequence: 6, kind: 'bye' })));
    await hears(a, 7_002);
    await send(here);
    await start(7_003);
    await hears(a, 7_002, 7_003);
  });

  it('without a secret hears processes of this machine only', async () => {
    const a = await start(7_001, { secrets: [] });
    const codec = new MulticastCodec([]);
    await send(
      codec.encode(message({ address: { host: '10.0.0.6', port: 7_005 } })),
      codec.encode(message({ instance: INSTANCE.replace('1', '2') })),
    );
    await hears(a, 7_100);
  });

  it('hears again when the system has forgotten that it listens, as where a network card is replaced', async () => {
    const a = await start(7_001);
    const socket = await (a as unknown as { readonly opening: Promise<Socket> }).opening;
    socket.dropMembership(GROUP, '127.0.0.1');
    const codec = new MulticastCodec(SECRETS);
    let sequence = 0;
    await waitUntil(async () => {
      await send(codec.encode(message({ sequence: ++sequence })));
      return (await ports(a)).includes(7_100);
    }, 'heard');
  });

  it('lives on after noise', async () => {
    const a = await start(7_001, { secrets: [] });
    const good = new MulticastCodec([]).encode(message());
    const cut = Array.from({ length: good.length }, (_, length) => good.subarray(0, length));
    await send(Buffer.from('M-SEARCH * HTTP/1.1\r\n'), Buffer.alloc(1_400), ...cut);
    await send(good);
    await hears(a, 7_100);
  });

  it('says what is wrong with the network card, and tries again', async () => {
    const provider = multicast({ group: GROUP, port, interface: '203.0.113.9' });
    started.push(provider);
    const self = { host: '127.0.0.1', port: 7_001 };
    const starting = provider.start?.({ cluster: 'shop', self, secrets: SECRETS, changed: () => undefined });
    await expect(starting).rejects.toThrow('check that the network card 203.0.113.9 is up');
    await waitUntil(
      () =>
        ports(provider).then(
          () => false,
          (error: Error) => error.message.includes('203.0.113.9'),
        ),
      'it is told again',
    );
  });

  it.each<[string, object]>([
    ['group must be', { group: '10.0.0.1' }],
    ['group must be', { group: 'ff02::1' }],
    ['port must be', { port: 0 }],
    ['interface must be', { interface: 'eth0' }],
    ['"ttl" is no option', { ttl: 3 }],
  ])('refuses options that are wrong: %s', (reason, options) => {
    expect(() => multicast(options as MulticastOptions)).toThrow(SwarmConfigurationError);
    expect(() => multicast(options as MulticastOptions)).toThrow(reason);
  });
});

describe('what is said by multicast', () => {
  const codec = new MulticastCodec(SECRETS);

  it('is read as it was written', () => {
    expect(codec.decode(codec.encode(message()))).toEqual(message());
  });

  it('counts only as it was signed: every changed byte is seen', () => {
    const datagram = codec.encode(message());
    for (let at = 0; at < datagram.length; at++) {
      const changed = Buffer.from(datagram);
      changed[at]! ^= 1;
      expect(['foreign', 'unsigned']).toContain(codec.decode(changed));
    }
  });

  it.each<[string, unknown]>([
    ['no array', { cluster: 'shop' }],
    ['too little', ['shop']],
    ['no instance', ['shop', 'x', 1, 'here', '127.0.0.1', 7_100]],
    ['no sequence', ['shop', INSTANCE, 1.5, 'here', '127.0.0.1', 7_100]],
    ['no kind', ['shop', INSTANCE, 1, 'there', '127.0.0.1', 7_100]],
    ['no host', ['shop', INSTANCE, 1, 'here', 'a b', 7_100]],
    ['no port', ['shop', INSTANCE, 1, 'here', '127.0.0.1', 70_000]],
  ])('is refused where it is broken: %s', (_, body) => {
    const datagram = new MulticastCodec([]).encode(message());
    const head = datagram.subarray(0, datagram.indexOf('["shop"'));
    const broken = Buffer.concat([head, Buffer.from(JSON.stringify(body))]);
    expect(new MulticastCodec([]).decode(broken)).toBe('broken');
    expect(new MulticastCodec([]).decode(Buffer.concat([head, Buffer.from('{')]))).toBe('broken');
  });

  it('fits into a datagram, or is not said', () => {
    expect(() => codec.encode(message({ cluster: 'x'.repeat(1_200) }))).toThrow(RangeError);
  });
});

describe('those who were heard', () => {
  it('are candidates until they are silent for fifteen seconds', () => {
    const peers = new MulticastPeers();
    expect(peers.hear(message(), 0)).toBe(true);
    expect(peers.hear(message({ sequence: 2 }), 10_000)).toBe(false);
    expect(peers.candidates(25_000)).toHaveLength(1);
    expect(peers.candidates(25_001)).toEqual([]);
  });

  it('are 1,024 at most, and make room when they are silent', () => {
    const peers = new MulticastPeers();
    for (let index = 0; index < 2_000; index++)
      peers.hear(message({ instance: String(index), address: { host: '10.0.0.1', port: index + 1 } }), index);
    expect(peers.candidates(2_000)).toHaveLength(1_024);
    expect(peers.hear(message({ instance: 'late' }), 15_000)).toBe(false);
    expect(peers.hear(message({ instance: 'later' }), 15_001)).toBe(true);
  });
});
