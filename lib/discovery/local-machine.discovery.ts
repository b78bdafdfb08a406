import { createHash, randomUUID } from 'node:crypto';
import { readdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

import { isLoopback } from '../transport/loopback.js';
import type { Address } from '../transport/node-info.js';
import type { DiscoveryContext, DiscoveryProvider } from './discovery-provider.interface.js';
import { ensurePrivateFolder } from './private-folder.js';

/** Settings of `localMachine`. */
export interface LocalMachineOptions {
  /** Where the private folder is made; `os.tmpdir()` by default. Processes with another one do not find each other. */
  readonly folder?: string;
}

/** How often the own file is written when the folder vanishes meanwhile. */
const ANNOUNCE_ATTEMPTS = 5;
/** Others are there, or somebody was quicker. */
const STILL_USED = new Set(['ENOTEMPTY', 'EEXIST', 'ENOENT']);

/** What a node writes of itself. The name of the file tells the process: `<pid>-<unique>.json`. */
const FILE_NAME = /^(?<pid>\d{1,10})-[0-9a-f-]{36}\.json$/;
/** A file that is being written is renamed within moments; one that is not was left by a process that died. */
const TEMPORARY_NAME = /^(?<pid>\d{1,10})-[0-9a-f-]{36}\.tmp$/;

/**
 * Finds the other processes of this cluster that the same user runs on this machine: each writes a small file into a
 * folder that only this user can read, *before* it reads the others', so of two that start together at least one sees
 * the other. Files of processes that are gone are removed. Only for nodes on loopback: others would not be reached.
 */
export function localMachine(options: LocalMachineOptions = {}): DiscoveryProvider {
  return new LocalMachineDiscovery(options.folder ?? tmpdir());
}

class LocalMachineDiscovery implements DiscoveryProvider {
  readonly name = 'localMachine';
  private folder: string | undefined;
  private content: string | undefined;
  private readonly id = `${process.pid}-${randomUUID()}`;

  constructor(private readonly parent: string) {}

  async start({ cluster, self }: DiscoveryContext): Promise<void> {
    if (!isLoopback(self.host)) return;
    this.folder = join(this.parent, `nestjs-swarm-${userKey()}-${keyOf(cluster)}`);
    this.content = JSON.stringify({ cluster, host: self.host, port: self.port });
    await this.announce(this.folder, this.content);
  }

  async candidates(): Promise<readonly Address[]> {
    const { folder } = this;
    if (folder === undefined) return [];
    await ensurePrivateFolder(folder);
    let names = await readdir(folder);
    if (!names.includes(this.fileName) && this.content !== undefined) {
      // Cleaners of temporary folders remove what has not changed for days. Written first, read then, as at the start.
      await this.announce(folder, this.content);
      names = await readdir(folder);
    }
    const found = await Promise.all(names.map((name) => this.candidate(join(folder, name), name)));
    return found.filter((address) => address !== undefined);
  }

  async stop(): Promise<void> {
    const { folder } = this;
    this.folder = undefined;
    this.content = undefined;
    if (folder === undefined) return;
    await rm(join(folder, this.fileName), { force: true });
    try {
      await rmdir(folder);
    } catch (error) {
      if (!STILL_USED.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
    }
  }

  /** Whole or not at all: a reader never sees half a file. */
  private async announce(folder: string, content: string): Promise<void> {
    const temporary = join(folder, `${this.id}.tmp`);
    for (let attempt = 1; ; attempt++) {
      await ensurePrivateFolder(folder);
      try {
        await writeFile(temporary, content, { mode: 0o600 });
        return await rename(temporary, join(folder, this.fileName));
      } catch (error) {
        // The last node that left took the folder with it in this very moment.
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || attempt === ANNOUNCE_ATTEMPTS) throw error;
      }
    }
  }

  private get fileName(): string {
    return `${this.id}.json`;
  }

  private async candidate(path: string, name: string): Promise<Address | undefined> {
    const pid = (FILE_NAME.exec(name) ?? TEMPORARY_NAME.exec(name))?.groups?.['pid'];
    if (pid === undefined) return undefined;
    if (!isAlive(Number(pid))) {
      await rm(path, { force: true });
      return undefined;
    }
    if (name === this.fileName || name.endsWith('.tmp')) return undefined;
    try {
      return addressOf(JSON.parse(await readFile(path, 'utf8')));
    } catch {
      // Removed meanwhile by its process, or broken by hand: no candidate either way.
      return undefined;
    }
  }
}

function addressOf(value: unknown): Address | undefined {
  const { host, port } = (value ?? {}) as { host?: unknown; port?: unknown };
  if (typeof host !== 'string' || !isLoopback(host)) return undefined;
  if (!Number.isInteger(port) || (port as number) < 1 || (port as number) > 65_535) return undefined;
  return { host, port: port as number };
}

/** Whether a process of this id runs. `EPERM`: it does, as another user's. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function userKey(): string {
  return String(process.getuid?.() ?? keyOf(userInfo().username));
}

/** Names of clusters may hold anything; a folder's name may not. */
function keyOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
