import { lstat, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FreshApp, type Packed } from './support/fresh-app.js';
import { importedBy } from './support/imports.js';
import { readmeFiles } from './support/readme.js';
import { run, runTool } from './support/run.js';
import { ServerProcess } from './support/server-process.js';

/** What the README's example of a worker injects, and does not show. */
const READINGS_SERVICE = `
import { Injectable } from '@nestjs/common';

@Injectable()
export class ReadingsService {
  async save(device: string, value: number, fence: number): Promise<number> {
    return device.length + value + fence;
  }
}
`;

/** The application's settings, for the README's test alone: the tests that `nest new` makes need more packages. */
const SPEC_SETTINGS = JSON.stringify({
  extends: './tsconfig.json',
  compilerOptions: { outDir: './compiled', incremental: false },
  files: ['src/counter.spec.ts'],
});

/** Settings that are often taken from the environment, and are `undefined` where it has none. */
const SETTINGS = `
import { DiscoveryProvider, dns, SwarmModuleOptions, SwarmRegistry, SwarmWorker } from 'nestjs-swarm';

const { SWARM_SECRET, POD_NAME, POD_IP, SERVICE } = process.env;
const providers: DiscoveryProvider[] = [dns({ name: SERVICE ?? 'api', port: undefined })];

export const options: SwarmModuleOptions = {
  secret: SWARM_SECRET,
  node: { name: POD_NAME, host: POD_IP },
  discovery: POD_IP === undefined ? undefined : providers,
};

@SwarmWorker({ mailboxLimit: SERVICE === undefined ? undefined : 10 })
export class Settled {}

export const call = (swarm: SwarmRegistry, timeoutMs?: number) => swarm.call('a', 'b', 1, { timeoutMs });
`;

/** Declarations are made of an application, too: what is inferred must be found in the package. */
const INFERRED = `
import { AlreadyRegisteredError, SwarmCluster, SwarmGroups, SwarmRegistry } from 'nestjs-swarm';

export class Report {
  constructor(
    private readonly cluster: SwarmCluster,
    private readonly groups: SwarmGroups,
    private readonly registry: SwarmRegistry,
  ) {}

  status = () => this.cluster.self.status;
  node = () => this.cluster.nodes()[0];
  events = () => [this.cluster.events$, this.registry.watch()] as const;
  rows = () => this.cluster.inspect().rows;
  links = () => this.cluster.inspect().transport;
  why = () => this.cluster.explain('a');
  outcomes = () => this.groups.multiCallSettled('a', 'b');
  drained = () => this.cluster.drain();
  holder = (error: unknown) => (error instanceof AlreadyRegisteredError ? error.ref : undefined);
}
`;

interface Counted {
  readonly name: string;
  readonly total: number;
  readonly node: string;
}

describe('the packed library in a fresh application', () => {
  let app: FreshApp;
  let packed: Packed;
  let installed: string;
  const servers: ServerProcess[] = [];

  beforeAll(async () => {
    app = await FreshApp.create();
    packed = await app.pack();
    await app.install(packed);
    installed = join(app.path, 'node_modules/nestjs-swarm');
    await app.write([
      ...readmeFiles(),
      ['src/readings.service.ts', READINGS_SERVICE],
      ['src/settings.ts', SETTINGS],
      ['src/report.ts', INFERRED],
    ]);
    // The application's settings name the types of its test runner, which is not installed. Under the last one an option
    // that may be left out takes `undefined` only where its type says so.
    await app.compile('tsconfig.build.json', '--types', 'node', '--exactOptionalPropertyTypes');
  });

  afterAll(async () => {
    await Promise.all(servers.map((server) => server.end()));
    await app?.remove();
  });

  it('holds what is built and the papers, and nothing else', () => {
    const papers = packed.files.filter((path) => !path.startsWith('dist/')).sort();
    const guides = ['lib/how-it-works.md', 'lib/partitions.md'];
    expect(papers).toEqual(['CHANGELOG.md', 'LICENSE', 'README.md', ...guides, 'package.json']);
    const strangers = packed.files.filter(
      (path) => path.startsWith('dist/') && !/\.(js|js\.map|d\.ts)$/.test(path),
    );
    expect(strangers).toEqual([]);
  });

  it('is installed from the tarball and imports only what it declares', async () => {
    expect((await lstat(installed)).isSymbolicLink()).toBe(false);
    const manifest = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
      peerDependencies: Record<string, string>;
    };
    const peers = ['node:', ...Object.keys(manifest.peerDependencies)];
    const declared = [...peers, ...Object.keys(manifest.dependencies)];
    expect(declared).toEqual(expect.arrayContaining(importedBy(join(installed, 'dist'), '.js')));
    // Types of a dependency of ours would have to be installed by the user.
    expect(peers).toEqual(expect.arrayContaining(importedBy(join(installed, 'dist'), '.d.ts')));
  });

  it('runs the quick start of the README in two processes', async () => {
    const start = async (): Promise<ServerProcess> => {
      const server = await ServerProcess.start('dist/main.js', app.path);
      servers.push(server);
      return server;
    };
    const [one, two] = await Promise.all([start(), start()]);
    for (const server of [one, two]) {
      await server.printed(/2 node/);
      await server.printed(/Nest application successfully started/);
    }

    const first = await one.post<Counted>('counters/lamp');
    expect(first).toEqual({ name: 'lamp', total: 1, node: expect.stringMatching(/@127\.0\.0\.1:\d+$/) });
    expect(await two.post<Counted>('counters/lamp')).toEqual({ ...first, total: 2 });

    const names = Array.from({ length: 20 }, (_, index) => `counter-${index}`);
    const counted = await Promise.all(names.map((name) => one.post<Counted>(`counters/${name}`)));
    expect(new Set(counted.map(({ node }) => node)).size).toBe(2);
    await two.end('SIGKILL');
    await one.printed(/is gone/);
    const again = await Promise.all(names.map((name) => one.post<Counted>(`counters/${name}`)));
    const [left] = new Set(again.map(({ node }) => node));
    expect(again).toEqual(
      counted.map(({ name, node }) => ({ name, node: left, total: node === left ? 2 : 1 })),
    );
    await one.end('SIGTERM');
  });

  it('passes the test of the README', async () => {
    await app.link('vitest');
    await app.write([
      ['tsconfig.spec.json', SPEC_SETTINGS],
      // The application's own runs plugins that are not installed.
      ['compiled/vitest.config.mjs', "export default { test: { include: ['src/*.spec.js'] } };"],
    ]);
    await app.compile('tsconfig.spec.json');
    const printed = await runTool('vitest/vitest.mjs', ['run', '--root', 'compiled'], app.path);
    expect(printed).toMatch(/1 passed/);
  });

  it('is loaded by import and by require', async () => {
    const print =
      'console.log([swarm.SwarmModule, swarm.ring, testing.SwarmTestCluster].map((it) => typeof it).join())';
    const imported = `import 'reflect-metadata';
      const [swarm, testing] = await Promise.all([import('nestjs-swarm'), import('nestjs-swarm/testing')]); ${print}`;
    const required = `require('reflect-metadata');
      const swarm = require('nestjs-swarm'), testing = require('nestjs-swarm/testing'); ${print}`;
    const loaded = 'function,function,function\n';
    expect(await run(process.execPath, ['--input-type=module', '-e', imported], app.path)).toBe(loaded);
    expect(await run(process.execPath, ['--input-type=commonjs', '-e', required], app.path)).toBe(loaded);
  });
});
