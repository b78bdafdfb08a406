import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { dns } from '../../lib/discovery/dns.discovery.js';
import type { DiscoveryProvider } from '../../lib/discovery/discovery-provider.interface.js';
import type { AppProcess } from './support/app-process.js';
import {
  began,
  bind,
  expectAlone,
  formed,
  FORMED_WITHIN_MS,
  Opened,
  sharedPort,
  start,
} from './support/discovery-processes.js';
import { DnsServer, whyNoDnsServer } from './support/dns-server.js';

const NODES = 3;
const skipReason = whyNoDnsServer();
if (skipReason !== undefined) console.log(`tests with a DNS server are skipped: ${skipReason}`);

const opened = new Opened();
afterEach(() => opened.end());

async function dnsServer(records: readonly string[], services?: readonly string[]): Promise<DnsServer> {
  return opened.add(await DnsServer.start(records, services));
}

async function hosts(provider: DiscoveryProvider): Promise<string[]> {
  return (await provider.candidates()).map(({ host }) => host).sort();
}

describe.skipIf(skipReason === undefined)('a DNS server', () => {
  it.skipIf(process.env['CI'] !== 'true')('can be started', () => expect.fail(skipReason));
});

describe.skipIf(skipReason !== undefined)('dns asks a real server', () => {
  it('for A, AAAA and SRV records, and for names that have none or do not exist', async () => {
    const { address } = await dnsServer(
      [
        '10.7.0.1 api.shop.test',
        '10.7.0.2 api.shop.test',
        'fd00::1 api.shop.test',
        '10.7.0.9 other.shop.test',
      ],
      [
        '_swarm._tcp.shop.test,api-0.shop.test,7001',
        '_swarm._tcp.shop.test,api-1.shop.test,7002',
        '_none._tcp.shop.test',
      ],
    );
    const servers = [address];
    expect(await hosts(dns({ name: 'api.shop.test', servers }))).toEqual(['10.7.0.1', '10.7.0.2']);
    expect(await dns({ name: 'api.shop.test', type: 'AAAA', port: 7000, servers }).candidates()).toEqual([
      { host: 'fd00::1', port: 7000 },
    ]);
    const services = await dns({ name: '_swarm._tcp.shop.test', type: 'SRV', servers }).candidates();
    expect([...services].sort((a, b) => a.port - b.port)).toEqual([
      { host: 'api-0.shop.test', port: 7001 },
      { host: 'api-1.shop.test', port: 7002 },
    ]);
    expect(await hosts(dns({ name: '_none._tcp.shop.test', type: 'SRV', servers }))).toEqual([]);
    expect(await hosts(dns({ name: 'other.shop.test', type: 'AAAA', servers }))).toEqual([]);
    expect(await hosts(dns({ name: 'nobody.shop.test', servers }))).toEqual([]);
  });

  it('and follows its changes', async () => {
    const server = await dnsServer([]);
    const provider = dns({ name: 'api.shop.test', servers: [server.address] });
    expect(await hosts(provider)).toEqual([]);
    await server.change(['10.7.0.1 api.shop.test']);
    expect(await hosts(provider)).toEqual(['10.7.0.1']);
    await server.change(['10.7.0.2 api.shop.test', '10.7.0.3 api.shop.test']);
    expect(await hosts(provider)).toEqual(['10.7.0.2', '10.7.0.3']);
    await server.change([]);
    expect(await hosts(provider)).toEqual([]);
  });

  it('for more records than a datagram holds', async () => {
    const addresses = Array.from({ length: 600 }, (_, index) => `10.7.${index >> 8}.${index & 255}`);
    const { address } = await dnsServer(addresses.map((one) => `${one} api.shop.test`));
    expect(await hosts(dns({ name: 'api.shop.test', servers: [address] }))).toEqual(addresses.sort());
  });

  it('which refuses, is silent, is not the only one, or is gone', async () => {
    const server = await dnsServer(['10.7.0.1 api.shop.test']);
    const { address } = server;
    await expect(hosts(dns({ name: 'api.example.org', servers: [address] }))).rejects.toThrow(
      `REFUSED); check the option "servers" (${address})`,
    );

    const provider = dns({ name: 'api.shop.test', servers: [address] });
    server.pause();
    const asked = performance.now();
    await expect(hosts(provider)).rejects.toThrow('no server answered in time');
    // 1.6 s, and what a busy machine adds.
    expect(performance.now() - asked).toBeLessThan(3_000);
    const second = await dnsServer(['10.7.0.2 api.shop.test']);
    const both = dns({ name: 'api.shop.test', servers: [address, second.address] });
    expect(await hosts(both)).toEqual(['10.7.0.2']);
    const stopped = dns({ name: 'api.shop.test', servers: [address] });
    const unanswered = hosts(stopped);
    await stopped.stop?.();
    expect(await unanswered).toEqual([]);
    server.resume();
    expect(await hosts(provider)).toEqual(['10.7.0.1']);

    await server.end();
    await expect(hosts(provider)).rejects.toThrow(`nobody listens at the address of the server`);
  });
});

describe.skipIf(skipReason !== undefined)('processes that know a name in DNS', () => {
  const addresses = Array.from({ length: NODES }, (_, index) => `127.77.1.${index + 1}`);
  const records = addresses.map((address) => `${address} api.shop.test`);

  async function startAsking(server: DnsServer): Promise<AppProcess[]> {
    const PORT = String(await sharedPort(addresses));
    const common = { DISCOVERY: 'dns', NAME: 'api.shop.test', SERVER: server.address, PORT };
    return start(
      opened,
      common,
      addresses.map((HOST) => ({ HOST })),
    );
  }

  it('with an A record for each form one swarm', async () => {
    const server = await dnsServer(records);
    const apps = await startAsking(server);
    expect((await formed(apps)) - (await began(apps))).toBeLessThan(FORMED_WITHIN_MS);
    for (const app of apps) expect(await app.ask('nodes')).toHaveLength(NODES);
  });

  it('that has no records when they start form one swarm when it gets them', async () => {
    const server = await dnsServer([]);
    const apps = await startAsking(server);
    await expectAlone(apps);
    await server.change(records);
    await formed(apps);
    for (const app of apps) expect(await app.ask('nodes')).toHaveLength(NODES);
  });

  it('with SRV records, which name ports, form one swarm', async () => {
    const ports = await Promise.all(addresses.map(() => bind(0, '127.0.0.1'))).then(async (servers) => {
      const found = servers.map((server) => server.address());
      await Promise.all(servers.map((server) => once(server.close(), 'close')));
      return found.map((one) => (typeof one === 'object' && one ? String(one.port) : ''));
    });
    const { address } = await dnsServer(
      [],
      ports.map((port) => `_swarm._tcp.shop.test,localhost,${port}`),
    );
    const common = {
      DISCOVERY: 'dns',
      NAME: '_swarm._tcp.shop.test',
      TYPE: 'SRV',
      SERVER: address,
      HOST: '127.0.0.1',
    };
    const apps = await start(
      opened,
      common,
      ports.map((PORT) => ({ PORT })),
    );
    expect((await formed(apps)) - (await began(apps))).toBeLessThan(FORMED_WITHIN_MS);
  });
});
