import { mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { root, run, runTool } from './run.js';

/** What `npm pack` made of the library. */
export interface Packed {
  readonly tarball: string;
  /** Paths of the files in it. */
  readonly files: readonly string[];
}

/** An application as `nest new` makes it, in a folder of its own from which nothing of this repository is reached. */
export class FreshApp {
  private constructor(
    private readonly folder: string,
    /** Also the name of its package, so that its swarm is nobody else's. */
    readonly name: string,
  ) {}

  static async create(): Promise<FreshApp> {
    const folder = await realpath(await mkdtemp(join(tmpdir(), 'nestjs-swarm-package-')));
    const app = new FreshApp(folder, `fresh-app-${process.pid}`);
    const flags = ['--skip-install', '--skip-git', '--package-manager', 'npm'];
    try {
      await runTool('@nestjs/cli/bin/nest.js', ['new', app.name, ...flags], folder);
    } catch (error) {
      await app.remove();
      throw error;
    }
    return app;
  }

  get path(): string {
    return join(this.folder, this.name);
  }

  /** Packs the library as it would be published. */
  async pack(): Promise<Packed> {
    const printed = await run('npm', ['pack', '--json', '--pack-destination', this.folder], root);
    const [packed] = JSON.parse(printed) as [{ filename: string; files: Array<{ path: string }> }];
    return { tarball: join(this.folder, packed.filename), files: packed.files.map(({ path }) => path) };
  }

  /**
   * Installs the library from its tarball, and the packages of the application in the versions that this repository
   * has, so that npm finds them in its cache. The tools of the application are left out: those of here are used.
   */
  async install({ tarball }: Packed): Promise<void> {
    const manifest = join(this.path, 'package.json');
    const content = JSON.parse(await readFile(manifest, 'utf8')) as Record<string, Record<string, string>>;
    const names = Object.keys(content['dependencies'] ?? {});
    content['dependencies'] = Object.fromEntries(await Promise.all(names.map(versionHere)));
    content['devDependencies'] = Object.fromEntries([await versionHere('@types/node')]);
    await writeFile(manifest, JSON.stringify(content, null, 2));
    const microservices = (await versionHere('@nestjs/microservices')).join('@');
    const flags = ['--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
    await run('npm', ['install', ...flags, tarball, microservices], this.path);
  }

  async write(files: Iterable<readonly [string, string]>): Promise<void> {
    for (const [name, content] of files) {
      const path = join(this.path, name);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, content);
    }
  }

  /** Compiles with the application's own settings. @throws Error with the compiler's complaints */
  async compile(settings: string, ...flags: string[]): Promise<void> {
    await runTool('typescript/bin/tsc', ['-p', settings, ...flags], this.path);
  }

  /** Makes a tool of this repository importable; its own dependencies stay where they are. */
  async link(tool: string): Promise<void> {
    await symlink(join(root, 'node_modules', tool), join(this.path, 'node_modules', tool), 'junction');
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

async function versionHere(name: string): Promise<[string, string]> {
  const manifest = await readFile(join(root, 'node_modules', name, 'package.json'), 'utf8');
  return [name, (JSON.parse(manifest) as { version: string }).version];
}
