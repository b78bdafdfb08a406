// The processes of the demo, called pods, and that none of them is left behind.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { main } from './build.mjs';

/** Lines of a process that are shown when something went wrong. */
const LAST_LINES = 15;
/** As long as Kubernetes waits before it kills. */
const GRACE_MS = 30_000;

export class Pods {
  /** Where the processes look for each other; one of its own keeps two demos apart. */
  #folder = mkdtempSync(join(tmpdir(), 'rolling-deploy-'));
  #children = new Map();

  /** Starts a process of the sample; resolves with `{ name, pid, url }` when it listens. */
  async start(name) {
    const { NODE_ENV: _, ...inherited } = process.env;
    const child = fork(main, [], {
      env: {
        ...inherited,
        PORT: '0',
        POD_NAME: name,
        TMPDIR: this.#folder,
        TMP: this.#folder,
        TEMP: this.#folder,
      },
      silent: true,
    });
    const started = { child, output: '' };
    this.#children.set(name, started);
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => (started.output += String(chunk)));
    }
    const ended = new AbortController();
    child.once('exit', () => ended.abort());
    try {
      const [{ url }] = await once(child, 'message', { signal: ended.signal });
      return { name, pid: child.pid, url };
    } catch {
      throw new Error(`${name} ended before it listened`);
    }
  }

  /** Sends SIGTERM; resolves when the process has ended by itself. */
  async terminate({ name }) {
    const { child } = this.#children.get(name);
    const exit = once(child, 'exit', { signal: AbortSignal.timeout(GRACE_MS) });
    child.kill('SIGTERM');
    try {
      const [code] = await exit;
      if (code !== null && code !== 0) throw new Error(`${name} ended with code ${code}`);
    } catch (error) {
      if (error.name !== 'AbortError') throw error;
      throw new Error(`${name} did not end within ${GRACE_MS / 1_000} s of SIGTERM`, { cause: error });
    }
  }

  /** The end of what each process printed. */
  output() {
    return [...this.#children].map(([name, { output }]) => {
      const lines = output.trimEnd().split('\n').slice(-LAST_LINES);
      return `--- ${name}\n${lines.join('\n')}`;
    });
  }

  /** Ends all at once. Synchronous, so that it also works while this process exits. */
  end() {
    for (const { child } of this.#children.values()) child.kill('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
