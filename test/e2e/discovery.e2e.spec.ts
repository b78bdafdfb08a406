import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';

import { Authority } from '../support/certificates.js';
import { KubernetesApiServer } from '../support/kubernetes-api-server.js';
import {
  began,
  expectAlone,
  formed,
  FORMED_WITHIN_MS,
  now,
  Opened,
  sharedPort,
  start,
} from './support/discovery-processes.js';

const NODES = 3;
const opened = new Opened();
afterEach(() => opened.end());

function addressesIn(network: string): string[] {
  return Array.from({ length: NODES }, (_, index) => `${network}.${index + 1}`);
}

describe('processes of one machine', () => {
  it('find each other without a word', async () => {
    const common = { DISCOVERY: 'local', HOST: '127.0.0.1', PORT: '0' };
    const apps = await start(
      opened,
      common,
      Array.from({ length: NODES }, () => ({})),
    );
    expect((await formed(apps)) - (await began(apps))).toBeLessThan(FORMED_WITHIN_MS);
  });
});

describe.skipIf(process.platform !== 'linux')('processes that may multicast', () => {
  it('form one swarm', async () => {
    const port = await sharedPort(['127.0.0.1']);
    const common = {
      DISCOVERY: 'multicast',
      MULTICAST_PORT: String(port),
      PORT: '0',
      SECRET: 'x'.repeat(32),
    };
    const apps = await start(
      opened,
      common,
      addressesIn('127.77.3').map((HOST) => ({ HOST })),
    );
    expect((await formed(apps)) - (await began(apps))).toBeLessThan(FORMED_WITHIN_MS);
  });

  it('and have different secrets stay alone, and say why', async () => {
    const port = await sharedPort(['127.0.0.1']);
    const common = { DISCOVERY: 'multicast', MULTICAST_PORT: String(port), PORT: '0' };
    const environments = addressesIn('127.77.4').map((HOST) => ({ HOST, SECRET: HOST.padEnd(32, 'x') }));
    const apps = await start(opened, common, environments);
    await expectAlone(apps);
    for (const app of apps) expect(app.output).toContain("do not sign with this swarm's secret");
  });
});

describe.skipIf(process.platform !== 'linux')('processes that ask Kubernetes', () => {
  const authority = new Authority('kubernetes');
  afterAll(() => authority.remove());

  async function api(): Promise<KubernetesApiServer> {
    return opened.add(await KubernetesApiServer.start(authority));
  }

  it('form one swarm of the pods of their service', async () => {
    const server = await api();
    const addresses = addressesIn('127.77.5');
    const port = await sharedPort(addresses);
    server.put(
      'api-1',
      addresses.map((address) => ({ address, ready: false })),
      [{ name: 'swarm', port }],
    );
    const common = { DISCOVERY: 'kubernetes', API: server.url, FOLDER: server.folder, PORT: String(port) };
    const apps = await start(
      opened,
      common,
      addresses.map((HOST) => ({ HOST })),
    );
    expect((await formed(apps)) - (await began(apps))).toBeLessThan(FORMED_WITHIN_MS);
  });

  it('form one swarm when Kubernetes learns of their addresses, also after its API was away', async () => {
    const server = await api();
    const addresses = addressesIn('127.77.6');
    const port = await sharedPort(addresses);
    const common = { DISCOVERY: 'kubernetes', API: server.url, FOLDER: server.folder, PORT: String(port) };
    const apps = await start(
      opened,
      common,
      addresses.map((HOST) => ({ HOST })),
    );
    await expectAlone(apps);
    server.breakWatches();
    const [first] = addresses;
    server.put('api-1', [{ address: first! }], [{ name: 'swarm', port }]);
    await formed(apps);
    for (const app of apps) expect(await app.ask('nodes')).toHaveLength(NODES);
  });
});

describe.skipIf(process.platform !== 'linux')('processes that know a file', () => {
  it('form one swarm when it is mounted, as a ConfigMap is', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'nestjs-swarm-peers-'));
    opened.add({ end: () => Promise.resolve(rmSync(folder, { recursive: true, force: true })) });
    const addresses = Array.from({ length: NODES }, (_, index) => `127.77.2.${index + 1}`);
    const PORT = String(await sharedPort(addresses));
    const common = { DISCOVERY: 'file', FILE: join(folder, 'peers'), PORT };
    const apps = await start(
      opened,
      common,
      addresses.map((HOST) => ({ HOST })),
    );
    await expectAlone(apps);
    for (const app of apps) expect(app.output).toContain(`${common.FILE} does not exist`);

    mkdirSync(join(folder, '..v1'));
    writeFileSync(
      join(folder, '..v1', 'peers'),
      `# all of them\n${addresses.map((a) => `${a}:${PORT}\n`).join('')}`,
    );
    symlinkSync(join('..data', 'peers'), join(folder, 'peers'));
    symlinkSync('..v1', join(folder, '..data_tmp'));
    const mounted = now();
    renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
    expect((await formed(apps)) - mounted).toBeLessThan(FORMED_WITHIN_MS);
  });
});
