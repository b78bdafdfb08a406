import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus, loadavg, platform, release, totalmem } from 'node:os';
import { dirname, join } from 'node:path';

/** Where and of what the figures are. */
export interface Environment {
  readonly at: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  /** Of 1, 5 and 15 minutes: above the number of cores others use the machine too. */
  readonly loadAverage: readonly string[];
  readonly commit: string;
  readonly versions: Readonly<Record<string, string>>;
}

const packages = ['nestjs-swarm', '@nestjs/core', '@nestjs/microservices', 'rxjs', 'hashring', 'moleculer'];

export function environment(): Environment {
  return {
    at: new Date().toISOString(),
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Number((totalmem() / 2 ** 30).toFixed(1)),
    system: `${platform()} ${release()}`,
    loadAverage: loadavg().map((load) => load.toFixed(2)),
    commit: commit(),
    versions: {
      node: process.versions.node,
      v8: process.versions.v8,
      ...Object.fromEntries(packages.map((name) => [name, versionOf(name)])),
    },
  };
}

function commit(): string {
  try {
    const git = (...args: string[]): string =>
      execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    const changed = git('status', '--porcelain', '--', 'lib') !== '';
    return `${git('rev-parse', '--short', 'HEAD')}${changed ? ' with changes in lib' : ''}`;
  } catch {
    return 'unknown';
  }
}

/** From the package.json above the package's entry: not every package exports its own. */
function versionOf(name: string): string {
  let folder = dirname(createRequire(import.meta.url).resolve(name));
  for (;;) {
    const found = read(join(folder, 'package.json'));
    if (found?.name === name) return found.version;
    if (folder === dirname(folder)) return 'unknown';
    folder = dirname(folder);
  }
}

function read(path: string): { name: string; version: string } | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as { name: string; version: string };
  } catch {
    return undefined;
  }
}
