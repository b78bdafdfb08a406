import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { localMachine, staticPeers, type DiscoveryProvider } from '../../../lib/discovery/index.js';
import { SwarmConfigurationError } from '../../../lib/errors/index.js';

describe('staticPeers', () => {
  it('reads hosts, ports and IPv6', async () => {
    const provider = staticPeers([
      '10.0.0.6:7947',
      '[::1]:7948',
      'db-1.internal',
      '::1',
      ' my_host:1 ',
      '10.0.0.6:7947',
    ]);
    expect(await provider.candidates()).toEqual([
      { host: '10.0.0.6', port: 7947 },
      { host: '::1', port: 7948 },
      { host: 'db-1.internal', port: 7946 },
      { host: '::1', port: 7946 },
      { host: 'my_host', port: 1 },
    ]);
    expect(staticPeers(['h:1', '[::1]:2']).name).toBe('staticPeers(h:1, [::1]:2)');
    expect(await staticPeers([]).candidates()).toEqual([]);
  });

  it.each([
    '',
    'host:',
    'host:0',
    'host:65536',
    'host:x',
    'http://host:1',
    '[::1',
    '[nonsense]:1',
    'a b',
    '-x',
    ':7946',
    '1:2:3',
  ])('names the bad entry %j', (entry) => {
    expect(() => staticPeers(['ok:1', entry])).toThrow(SwarmConfigurationError);
    expect(() => staticPeers(['ok:1', entry])).toThrow(`"${entry}"`);
  });

  it('tells all bad entries at once, also those that are no strings', () => {
    expect(() => staticPeers(['a:b', 7 as unknown as string])).toThrow(/"a:b"[^]*7 is no address/);
    expect(() => staticPeers('host:1' as unknown as string[])).not.toThrow();
    expect(() => staticPeers(undefined as unknown as string[])).toThrow(SwarmConfigurationError);
  });
});

describe('localMachine', () => {
  let folder: string;
  const started: DiscoveryProvider[] = [];

  async function node(port: number, cluster = 'shop', host = '127.0.0.1'): Promise<DiscoveryProvider> {
    const provider = localMachine({ folder });
    await provider.start?.({ cluster, secrets: [], changed: () => undefined, self: { host, port } });
    started.push(provider);
    return provider;
  }
  const inner = (): string => join(folder, readdirSync(folder)[0] as string);

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'swarm-discovery-'));
  });
  afterEach(async () => {
    await Promise.all(started.splice(0).map((provider) => provider.stop?.()));
    rmSync(folder, { recursive: true, force: true });
  });

  it('finds the others of its cluster, until they stop', async () => {
    const [a, b] = [await node(1001), await node(1002)];
    await node(1003, 'other');
    await node(1004, 'shop', '10.0.0.5');
    expect(await a.candidates()).toEqual([{ host: '127.0.0.1', port: 1002 }]);
    expect(await b.candidates()).toEqual([{ host: '127.0.0.1', port: 1001 }]);
    await a.stop?.();
    expect(await b.candidates()).toEqual([]);
    expect(await a.candidates()).toEqual([]);
  });

  it('of two that start together at least one sees the other', async () => {
    for (let round = 0; round < 20; round += 1) {
      const both = [localMachine({ folder }), localMachine({ folder })];
      const found = await Promise.all(
        both.map(async (provider, index) => {
          await provider.start?.({
            cluster: `c${round}`,
            secrets: [],
            changed: () => undefined,
            self: { host: '127.0.0.1', port: index + 1 },
          });
          return (await provider.candidates()).length;
        }),
      );
      expect(Math.max(...found)).toBe(1);
      await Promise.all(both.map((provider) => provider.stop?.()));
    }
  });

  it('keeps its files from others', async () => {
    await node(1001);
    expect(lstatSync(inner()).mode & 0o777).toBe(0o700);
    expect(readdirSync(inner())).toHaveLength(1);
    expect(lstatSync(join(inner(), readdirSync(inner())[0] as string)).mode & 0o777).toBe(0o600);
  });

  it('removes files of processes that are gone, ignores broken ones, and writes its own again', async () => {
    const a = await node(1001);
    const dead = spawnSync(process.execPath, ['-e', '']).pid;
    const unique = '00000000-0000-0000-0000-000000000000';
    const file = (name: string, content: string): void => writeFileSync(join(inner(), name), content);
    file(`${dead}-${unique}.json`, '{"host":"127.0.0.1","port":5}');
    file(`${dead}-${unique}.tmp`, '');
    file(`${process.pid}-${unique}.json`, '{"host":');
    file(`${process.ppid}-${unique}.json`, '{"host":"10.9.9.9","port":5}');
    file('readme.txt', 'x');
    expect(await a.candidates()).toEqual([]);
    expect(readdirSync(inner()).filter((name) => name.startsWith(`${dead}-`))).toEqual([]);
    const b = await node(1002);
    rmSync(inner(), { recursive: true });
    await a.candidates();
    expect(await b.candidates()).toEqual([{ host: '127.0.0.1', port: 1001 }]);
  });

  it('refuses a folder that is a link, no folder, or open to others', async () => {
    const first = await node(1001);
    const path = inner();
    await first.stop?.();
    expect(existsSync(path), 'the last node takes the folder with it').toBe(false);
    mkdirSync(join(folder, 'elsewhere'));
    symlinkSync(join(folder, 'elsewhere'), path);
    await expect(node(1001)).rejects.toThrow('symbolic link');
    rmSync(path);
    writeFileSync(path, '');
    await expect(node(1001)).rejects.toThrow('no folder');
    rmSync(path);
    mkdirSync(path);
    chmodSync(path, 0o755);
    await expect(node(1001)).rejects.toThrow('chmod 700');
  });
});
