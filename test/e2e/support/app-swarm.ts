import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppProcess } from './app-process.js';

let lastCluster = 0;

/** Real processes of one test application that form one swarm. */
export class AppSwarm {
  readonly apps: AppProcess[] = [];
  private readonly cluster = `e2e-${process.pid}-${++lastCluster}`;

  /** Where its processes find each other; killed ones leave their files behind. */
  private readonly folder = mkdtempSync(join(tmpdir(), 'nestjs-swarm-e2e-'));

  constructor(private readonly execArgv: readonly string[] = []) {}

  /** Starts `count` processes in the same instant and waits until every one sees all of them up. */
  static async boot(count: number, execArgv: readonly string[] = []): Promise<AppSwarm> {
    const swarm = new AppSwarm(execArgv);
    try {
      // All settled, so that `end` knows each of them if one fails.
      const added = await Promise.allSettled(Array.from({ length: count }, () => swarm.add()));
      for (const one of added) if (one.status === 'rejected') throw one.reason;
      await swarm.all('ready', count);
    } catch (error) {
      await swarm.end();
      throw error;
    }
    return swarm;
  }

  /** `PORT` and `PEERS` (comma-separated) make the process listen there and look there only. */
  async add(env: { readonly PORT?: string; readonly PEERS?: string } = {}): Promise<AppProcess> {
    const app = await AppProcess.start(
      'counter.app',
      { CLUSTER: this.cluster, TMPDIR: this.folder, ...env },
      this.execArgv,
    );
    this.apps.push(app);
    return app;
  }

  /** The same operation in every process at once. */
  all<T>(op: string, ...args: unknown[]): Promise<T[]> {
    return Promise.all(this.apps.map((app) => app.ask<T>(op, ...args)));
  }

  async kill(app: AppProcess): Promise<void> {
    this.apps.splice(this.apps.indexOf(app), 1);
    await app.end('SIGKILL');
  }

  async end(): Promise<void> {
    await Promise.all(this.apps.splice(0).map((app) => app.end()));
    rmSync(this.folder, { recursive: true, force: true });
  }
}
