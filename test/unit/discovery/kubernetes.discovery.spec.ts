import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { DiscoveryProvider } from '../../../lib/discovery/discovery-provider.interface.js';
import { kubernetes } from '../../../lib/discovery/kubernetes.discovery.js';
import { SwarmConfigurationError } from '../../../lib/errors/index.js';
import type { KubernetesOptions } from '../../../lib/discovery/kubernetes-options.js';
import { Authority } from '../../support/certificates.js';
import { KubernetesApiServer } from '../../support/kubernetes-api-server.js';
import { waitUntil } from '../../support/wait-until.js';

const authority = new Authority('kubernetes');
let server: KubernetesApiServer;
let changes: number;
let started: DiscoveryProvider[];

beforeEach(async () => {
  server = await KubernetesApiServer.start(authority);
  changes = 0;
  started = [];
});
afterEach(async () => {
  for (const provider of started) await provider.stop?.();
  await server.end();
});

afterAll(() => authority.remove());

async function discovery(options: Partial<KubernetesOptions> = {}): Promise<DiscoveryProvider> {
  const { url: apiServer, folder } = server;
  const provider = kubernetes({ service: 'api', apiServer, folder, ...options } as KubernetesOptions);
  started.push(provider);
  await provider.start?.({
    cluster: 'shop',
    self: { host: '10.0.0.5', port: 7946 },
    secrets: [],
    changed: () => (changes += 1),
  });
  return provider;
}

async function found(provider: DiscoveryProvider): Promise<string[]> {
  return (await provider.candidates()).map(({ host, port }) => `${host}:${port}`).sort();
}

async function finds(provider: DiscoveryProvider, ...addresses: readonly string[]): Promise<void> {
  await waitUntil(
    async () => JSON.stringify(await found(provider)) === JSON.stringify(addresses),
    addresses.join(' '),
  );
}

async function watched(): Promise<void> {
  await waitUntil(() => server.openWatches === 1, 'a watch');
}

describe('kubernetes', () => {
  it('finds all pods of the service, also those that are not ready, and no others', async () => {
    server.put('api-1', [{ address: '10.0.0.6' }, { address: '10.0.0.7', ready: false }]);
    server.put('api-2', [{ address: 'fd00::8' }]);
    server.put('api-empty', null, null);
    server.put('web-1', [{ address: '10.0.0.9' }], [{ port: 80 }], 'web');
    const provider = await discovery();
    expect(await found(provider)).toEqual(['10.0.0.6:7946', '10.0.0.7:7946', 'fd00::8:7946']);
    expect(provider.name).toBe('kubernetes(api)');
  });

  it('takes the port that is called swarm, one that is named, one that is numbered, or the default', async () => {
    const ports = [
      { name: 'http', port: 80 },
      { name: 'swarm', port: 7000 },
    ];
    server.put('api-1', [{ address: '10.0.0.6' }], ports);
    expect(await found(await discovery())).toEqual(['10.0.0.6:7000']);
    expect(await found(await discovery({ port: 'http' }))).toEqual(['10.0.0.6:80']);
    expect(await found(await discovery({ port: 9_000 }))).toEqual(['10.0.0.6:9000']);
    server.put('web-1', [{ address: '10.0.0.6' }], [{ port: 80 }], 'web');
    expect(await found(await discovery({ service: 'web' }))).toEqual(['10.0.0.6:7946']);
    await expect(found(await discovery({ port: 'gossip' }))).rejects.toThrow(
      'no port of the service is called gossip; it has http, swarm',
    );
  });

  it('follows what changes, and says so at once', async () => {
    const provider = await discovery();
    expect(await found(provider)).toEqual([]);
    await watched();
    expect(changes).toBe(1);
    server.put('api-1', [{ address: '10.0.0.6' }]);
    await waitUntil(() => changes === 2, 'it is told');
    expect(await found(provider)).toEqual(['10.0.0.6:7946']);
    server.put('api-1', [{ address: '10.0.0.6' }, { address: '10.0.0.7' }]);
    await finds(provider, '10.0.0.6:7946', '10.0.0.7:7946');
    server.delete('api-1');
    await finds(provider);
    expect(server.asked).toEqual(['list', 'watch']);
  });

  it('tells no change where none matters', async () => {
    server.put('api-1', [{ address: '10.0.0.6' }]);
    const provider = await discovery();
    await watched();
    server.put('api-1', [{ address: '10.0.0.6', ready: false }]);
    server.put('api-2', [{ address: '10.0.0.7' }]);
    await finds(provider, '10.0.0.6:7946', '10.0.0.7:7946');
    expect(changes).toBe(2);
  });

  it('lists in pages, and takes 1,024 candidates at most', async () => {
    for (let slice = 0; slice < 600; slice++)
      server.put(`api-${slice}`, [
        { address: `10.1.${slice >> 8}.${slice & 255}` },
        { address: `10.2.${slice >> 8}.${slice & 255}` },
      ]);
    expect(await found(await discovery())).toHaveLength(1_024);
    expect(server.asked.slice(0, 2)).toEqual(['list', 'list']);
  });

  it('goes on from where a watch ended, and loses nothing between two', async () => {
    const provider = await discovery();
    await watched();
    server.put('api-1', [{ address: '10.0.0.6' }]);
    await finds(provider, '10.0.0.6:7946');
    server.endWatches();
    await waitUntil(() => server.openWatches === 0, 'the watch has ended');
    server.put('api-2', [{ address: '10.0.0.7' }]);
    await finds(provider, '10.0.0.6:7946', '10.0.0.7:7946');
    expect(server.asked).toEqual(['list', 'watch', 'watch']);
  });

  it('lists anew when what it would watch from is too old: 410 as a status', async () => {
    const provider = await discovery();
    await watched();
    server.endWatches();
    await waitUntil(() => server.openWatches === 0, 'the watch has ended');
    server.put('api-1', [{ address: '10.0.0.6' }]);
    server.compact();
    await finds(provider, '10.0.0.6:7946');
    expect(server.asked.slice(0, 4)).toEqual(['list', 'watch', 'watch', 'list']);
  });

  it('lists anew when what it watches is too old: 410 within the watch', async () => {
    const provider = await discovery();
    await watched();
    server.expireWatches();
    await waitUntil(() => server.asked.length === 4, 'asked again');
    expect(server.asked).toEqual(['list', 'watch', 'list', 'watch']);
    server.put('api-1', [{ address: '10.0.0.6' }]);
    await finds(provider, '10.0.0.6:7946');
  });

  it('needs no list after a bookmark, although all before it is forgotten', async () => {
    const provider = await discovery();
    await watched();
    server.compact();
    server.bookmark();
    server.put('api-1', [{ address: '10.0.0.6' }]);
    await finds(provider, '10.0.0.6:7946');
    server.endWatches();
    await waitUntil(() => server.asked.length === 3, 'asked again');
    expect(server.asked).toEqual(['list', 'watch', 'watch']);
  });

  it('shows the token that is valid now', async () => {
    const provider = await discovery();
    await watched();
    server.rotateToken();
    server.endWatches();
    await waitUntil(() => server.asked.length === 3, 'asked again');
    server.put('api-1', [{ address: '10.0.0.6' }]);
    await finds(provider, '10.0.0.6:7946');
  });

  it.each([
    ['a broken connection', () => server.breakWatches(), 'aborted'],
    ['what is no JSON', () => server.sayInWatches('<html>\n'), 'no JSON'],
    ['what is no event', () => server.sayInWatches({ kind: 'Status' }), 'no event'],
    ['a line without an end', () => server.sayInWatches(' '.repeat(5_000_000)), 'a line of more than'],
    [
      'an error',
      () => server.sayInWatches({ type: 'ERROR', object: { code: 500, message: 'etcd is gone' } }),
      'etcd is gone',
    ],
  ])('says why a watch failed, keeps what it knew, and begins anew: %s', async (_, fault, reason) => {
    server.put('api-1', [{ address: '10.0.0.6' }]);
    const provider = await discovery();
    await found(provider);
    await watched();
    server.refusing = 503;
    fault();
    const failures: string[] = [];
    await waitUntil(async () => {
      await found(provider).catch((error: Error) => failures.push(error.message));
      return failures.some((message) => message.includes('503'));
    }, 'both failures are told');
    expect(failures[0]).toContain(reason);
    expect(await found(provider)).toEqual(['10.0.0.6:7946']);
    server.refusing = undefined;
    server.put('api-2', [{ address: '10.0.0.7' }]);
    await finds(provider, '10.0.0.6:7946', '10.0.0.7:7946');
  });

  it('says which Role is missing', async () => {
    server.refusing = 403;
    await expect(found(await discovery())).rejects.toThrow(
      /^the API server answered 403: endpointslices is forbidden; bind the pod's service account to a Role .* in namespace shop$/,
    );
  });

  it('says what a process that is in no pod lacks', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'nestjs-swarm-no-account-'));
    await expect(found(await discovery({ folder }))).rejects.toThrow(
      `cannot be read (ENOENT: no such file or directory, open '${join(folder, '')}`,
    );
    rmSync(folder, { recursive: true });
    const provider = kubernetes({ service: 'api', folder: server.folder });
    started.push(provider);
    await provider.start?.({
      cluster: '',
      self: { host: '10.0.0.5', port: 1 },
      secrets: [],
      changed: () => undefined,
    });
    await expect(found(provider)).rejects.toThrow('KUBERNETES_SERVICE_HOST does not name the API server');
  });

  it('trusts no server but that of the cluster', async () => {
    const others = new Authority('others');
    const stranger = await KubernetesApiServer.start(others);
    await expect(found(await discovery({ apiServer: stranger.url }))).rejects.toThrow('cannot be reached');
    expect(stranger.asked).toEqual([]);
    await stranger.end();
    others.remove();
  });

  it('ends its watch when it is stopped', async () => {
    const provider = await discovery();
    await watched();
    await provider.stop?.();
    await waitUntil(() => server.openWatches === 0, 'no watch');
    expect(server.asked).toEqual(['list', 'watch']);
  });

  it.each<[string, object]>([
    ['service or labelSelector must say which pods are nodes', {}],
    ['exclude each other', { service: 'api', labelSelector: 'app=api' }],
    ['without its namespace', { service: 'api.shop' }],
    ['port must be', { service: 'api', port: 0 }],
    ['port must be', { service: 'api', port: 'Swarm!' }],
    ['under https', { service: 'api', apiServer: 'http://10.0.0.1' }],
    ['namespace must be', { service: 'api', namespace: 'a/b' }],
    ['"selector" is no option', { service: 'api', selector: 1 }],
    ['1024 characters', { labelSelector: 'x'.repeat(1_025) }],
  ])('refuses options that are wrong: %s', (message, options) => {
    expect(() => kubernetes(options as KubernetesOptions)).toThrow(SwarmConfigurationError);
    expect(() => kubernetes(options as KubernetesOptions)).toThrow(message);
  });
});
