import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { DiscoveryProvider } from '../../../lib/discovery/discovery-provider.interface.js';
import { staticPeers, type PeersFileOptions } from '../../../lib/discovery/static-peers.discovery.js';
import { SwarmConfigurationError } from '../../../lib/errors/index.js';
import { waitUntil } from '../../support/wait-until.js';

let folder: string;
let file: string;
let provider: DiscoveryProvider;
let changes: number;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'swarm-peers-'));
  file = join(folder, 'peers');
  provider = staticPeers({ file });
  changes = 0;
});
afterEach(async () => {
  await provider.stop?.();
  rmSync(folder, { recursive: true, force: true });
});

function start(): Promise<void> | undefined {
  const changed = (): void => {
    changes += 1;
  };
  return provider.start?.({ cluster: 'shop', self: { host: '10.0.0.5', port: 7946 }, secrets: [], changed });
}

async function hosts(): Promise<string[]> {
  return (await provider.candidates()).map(({ host }) => host);
}

/** The kernel asks when it is told of a change; until then nothing asks. */
async function told(what: string): Promise<void> {
  await waitUntil(() => changes > 0, `told of ${what}`);
  changes = 0;
}

describe('staticPeers with a file', () => {
  it('reads one address per line, with comments, blank lines and the line ends of any system', async () => {
    writeFileSync(
      file,
      '\uFEFF# the shop\r\n10.0.0.6:7000\r\n\n  [::1]:7001  # here\n::1\rdb-1.internal\n10.0.0.6:7000\n#10.0.0.9\n',
    );
    expect(await provider.candidates()).toEqual([
      { host: '10.0.0.6', port: 7000 },
      { host: '::1', port: 7001 },
      { host: '::1', port: 7946 },
      { host: 'db-1.internal', port: 7946 },
    ]);
    expect(provider.name).toBe(`staticPeers(${file})`);
  });

  it('may be empty, and named from the working directory', async () => {
    writeFileSync(file, '# nobody yet\n');
    expect(await hosts()).toEqual([]);
    provider = staticPeers({ file: relative(process.cwd(), file) });
    expect(await hosts()).toEqual([]);
    expect(provider.name).toBe(`staticPeers(${file})`);
  });

  it('follows the file without being watched', async () => {
    writeFileSync(file, 'a\n');
    expect(await hosts()).toEqual(['a']);
    writeFileSync(`${file}.new`, 'a\nb\n');
    renameSync(`${file}.new`, file);
    expect(await hosts()).toEqual(['a', 'b']);
  });

  it('sees a change that shows neither in the size nor in the time', async () => {
    writeFileSync(file, 'a\n');
    const now = new Date();
    utimesSync(file, now, now);
    expect(await hosts()).toEqual(['a']);
    writeFileSync(file, 'b\n');
    utimesSync(file, now, now);
    expect(await hosts()).toEqual(['b']);
  });

  it('asked by several at once, gives all of them the same answer', async () => {
    writeFileSync(file, 'a\nb c\n');
    const answers = await Promise.allSettled([hosts(), hosts(), hosts()]);
    expect(answers.map(({ status }) => status).sort()).toEqual(['fulfilled', 'fulfilled', 'rejected']);
  });

  describe('with mistakes', () => {
    it('tells file and line once, and takes the other lines', async () => {
      writeFileSync(file, '# peers\na\nb c\n\nhttp://d\n');
      await expect(hosts()).rejects.toThrow(
        `${file}, line 3: "b c" is no address, line 5: "http://d" is no address; write "10.0.0.6:7946"`,
      );
      expect(await hosts()).toEqual(['a']);
      expect(await hosts()).toEqual(['a']);
      writeFileSync(file, 'a\nb c d\n');
      await expect(hosts()).rejects.toThrow('line 2: "b c d"');
      expect(await hosts()).toEqual(['a']);
      writeFileSync(file, 'a\ne\n');
      expect(await hosts()).toEqual(['a', 'e']);
    });

    it('keeps the addresses of before while no line is right, or there is no file', async () => {
      writeFileSync(file, 'a\n');
      expect(await hosts()).toEqual(['a']);
      writeFileSync(file, 'b c\n');
      await expect(hosts()).rejects.toThrow('line 1');
      expect(await hosts()).toEqual(['a']);
      rmSync(file);
      await expect(hosts()).rejects.toThrow('does not exist');
      expect(await hosts()).toEqual(['a']);
      writeFileSync(file, '');
      expect(await hosts(), 'an empty file is in order').toEqual([]);
    });

    it('fails each time while there is no address at all', async () => {
      const missing = `${file} does not exist: write it, with one address per line`;
      await expect(hosts()).rejects.toThrow(missing);
      await expect(hosts()).rejects.toThrow(missing);
      writeFileSync(file, 'b c\n');
      await expect(hosts()).rejects.toThrow('line 1');
      await expect(hosts()).rejects.toThrow('line 1');
    });

    it('says so at the start, and is asked all the same', async () => {
      writeFileSync(file, 'a\nb c\n');
      await expect(start()).rejects.toThrow('line 2');
      expect(await hosts()).toEqual(['a']);
      writeFileSync(file, 'a\nb\n');
      await told('the correction');
    });

    it('names some of many, and cuts what is long', async () => {
      writeFileSync(file, `ok\n${'x y\n'.repeat(100)}`);
      await expect(hosts()).rejects.toThrow(/line 6: "x y" is no address, and 95 more lines that are no/);
      writeFileSync(file, `ok\n${'x'.repeat(10_000)}\n`);
      await expect(hosts()).rejects.toThrow(`line 2: "${'x'.repeat(64)}…" is no address`);
    });

    it('reads no more than 1 MiB', async () => {
      writeFileSync(file, `a\n#${'x'.repeat(1_048_573)}`);
      expect(await hosts()).toEqual(['a']);
      appendFileSync(file, 'x');
      await expect(hosts()).rejects.toThrow('is larger than 1048576 bytes');
      expect(await hosts()).toEqual(['a']);
    });

    it('takes 4,096 addresses at most', async () => {
      const lines = Array.from({ length: 4_096 }, (_, index) => `host-${index}\n`).join('');
      writeFileSync(file, `${lines}host-0\n`);
      expect(await hosts()).toHaveLength(4_096);
      writeFileSync(file, `${lines}host-0\none-more\nanother\n`);
      await expect(hosts()).rejects.toThrow('line 4098: more than 4096 addresses');
      expect(await hosts()).toHaveLength(4_096);
    });

    it('does not wait for a pipe, nor read a folder', async () => {
      mkdirSync(file);
      await expect(hosts()).rejects.toThrow(`${file} is no file`);
      rmSync(file, { recursive: true });
      execFileSync('mkfifo', [file]);
      await expect(hosts()).rejects.toThrow('is no file');
    });
  });

  describe('which is watched', () => {
    it('tells of a file that is written, changed, replaced and removed', async () => {
      await expect(start()).rejects.toThrow('does not exist');
      writeFileSync(file, 'a\n');
      await told('a new file');
      expect(await hosts()).toEqual(['a']);
      appendFileSync(file, 'b\n');
      await told('another line');
      expect(await hosts()).toEqual(['a', 'b']);
      writeFileSync(`${file}.new`, 'c\n');
      renameSync(`${file}.new`, file);
      await told('another file');
      expect(await hosts()).toEqual(['c']);
      rmSync(file);
      await told('a file that is gone');
      await expect(hosts()).rejects.toThrow('does not exist');
    });

    it('tells of links that are swapped as Kubernetes does it with a ConfigMap', async () => {
      const mount = (version: string, content: string): void => {
        mkdirSync(join(folder, version));
        writeFileSync(join(folder, version, 'peers'), content);
        symlinkSync(version, join(folder, '..data_tmp'));
        renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
      };
      mount('..v1', 'a\n');
      symlinkSync(join('..data', 'peers'), file);
      await start();
      expect(await hosts()).toEqual(['a']);
      changes = 0;
      mount('..v2', 'a\nb\n');
      rmSync(join(folder, '..v1'), { recursive: true });
      await told('the swap');
      expect(await hosts()).toEqual(['a', 'b']);
    });

    it('is silent about other files of the folder', async () => {
      writeFileSync(file, 'a\n');
      await start();
      expect(await hosts()).toEqual(['a']);
      changes = 0;
      writeFileSync(join(folder, 'other'), 'x');
      // Its event comes after that of the other file.
      writeFileSync(file, 'a\nb\n');
      await told('the change');
      expect(await hosts()).toEqual(['a', 'b']);
      rmSync(join(folder, 'other'));
      await waitForEvents();
      expect(changes).toBe(0);
    });

    it('is watched from when its folder is there, and again when another one takes its place', async () => {
      const inner = join(folder, 'etc');
      provider = staticPeers({ file: join(inner, 'peers') });
      await expect(start()).rejects.toThrow('does not exist');
      mkdirSync(inner);
      await expect(hosts()).rejects.toThrow('does not exist');
      writeFileSync(join(inner, 'peers'), 'a\n');
      await told('a file in the new folder');
      expect(await hosts()).toEqual(['a']);

      renameSync(inner, join(folder, 'old'));
      mkdirSync(inner);
      writeFileSync(join(inner, 'peers'), 'b\n');
      expect(await hosts()).toEqual(['b']);
      changes = 0;
      appendFileSync(join(inner, 'peers'), 'c\n');
      await told('a line in the folder that replaced it');
    });

    it('is watched no longer when it was stopped', async () => {
      writeFileSync(file, 'a\n');
      await start();
      await provider.stop?.();
      changes = 0;
      writeFileSync(file, 'a\nb\n');
      await waitForEvents();
      expect(changes).toBe(0);
      expect(await hosts()).toEqual(['a', 'b']);
    });

    /** Until another watcher of the same folder has been told of something later than all before. */
    async function waitForEvents(): Promise<void> {
      let seen = 0;
      const other = staticPeers({ file: join(folder, 'mark') });
      writeFileSync(join(folder, 'mark'), '');
      const context = { cluster: 'shop', self: { host: '10.0.0.5', port: 7946 }, secrets: [] };
      await other.start?.({ ...context, changed: () => (seen += 1) });
      writeFileSync(join(folder, 'mark'), '#\n');
      await waitUntil(() => seen > 0, 'another watcher is told');
      await other.stop?.();
    }
  });
});

describe('the options of staticPeers', () => {
  it.each<[unknown, string]>([
    [{}, 'file must be the path of a text file, as "/etc/swarm/peers", not undefined'],
    [{ file: '' }, 'not ""'],
    [{ file: 7 }, 'not 7'],
    [{ file: 'a\0b' }, 'file must be'],
    [{ file: '/etc/peers', port: 1 }, `"port" is no option; write { file: '/etc/swarm/peers' }`],
    [null, 'null is no address'],
  ])('refuses %j', (options, message) => {
    expect(() => staticPeers(options as PeersFileOptions)).toThrow(SwarmConfigurationError);
    expect(() => staticPeers(options as PeersFileOptions)).toThrow(message);
  });
});
