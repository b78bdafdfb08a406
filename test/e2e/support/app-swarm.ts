import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppProcess, type Termination } from './app-process.js';

let lastCluster = 0;

export interface AppSwarmOptions {
  /** The application, a file of `test/e2e/apps` without its extension; `counter.app` unless said otherwise. */
  readonly app?: string;
  /** Options of Node.js. */
  readonly execArgv?: readonly string[];
  /** For every process. */
  readonly env?: AppEnvironment;
}

/** What a process is told by its environment. */
export interface AppEnvironment {
  /** The port to listen on. */
  readonly PORT?: string;
  /** Where to look for others, and nowhere else; comma-separated. */
  readonly PEERS?: string;
  /** `false` for a client-only node. */
  readonly HOSTING?: string;
  /** What all nodes prove to know. */
  readonly SECRET?: string;
  /** The form of `load.app`: `context`, `http` or `hybrid`. */
  readonly KIND?: string;
}

/** Real processes of one test application that form one swarm. */
export class AppSwarm {
  readonly apps: AppProcess[] = [];
  readonly cluster = `e2e-${process.pid}-${++lastCluster}`;

  /** Where its processes find each other; killed ones leave their files behind. */
  private readonly folder = mkdtempSync(join(tmpdir(), 'nestjs-swarm-e2e-'));

  constructor(private readonly options: AppSwarmOptions = {}) {}

  /** Starts `count` processes in the same instant and waits until every one sees all of them up. */
  static async boot(count: number, options: AppSwarmOptions = {}): Promise<AppSwarm> {
    const swarm = new AppSwarm(options);
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

  /** Starts one more process; resolves when it says that it is up. */
  async add(env: AppEnvironment = {}): Promise<AppProcess> {
    const { app: name = 'counter.app', execArgv = [], env: common } = this.options;
    const app = await AppProcess.start(
      name,
      { CLUSTER: this.cluster, TMPDIR: this.folder, ...common, ...env },
      execArgv,
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

  /** By `SIGTERM`; see `AppProcess.terminate`. */
  async terminate(app: AppProcess): Promise<Termination> {
    const termination = await app.terminate();
    this.apps.splice(this.apps.indexOf(app), 1);
    return termination;
  }

  async end(): Promise<void> {
    await Promise.all(this.apps.splice(0).map((app) => app.end()));
    rmSync(this.folder, { recursive: true, force: true });
  }
}
