// The processes of the demo, and that none of them is left behind.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { main } from './build.mjs';

/** Lines of a process that are shown when something went wrong. */
const LAST_LINES = 15;

export class Fleet {
  /** Where the processes look for each other; one of its own keeps two demos apart. */
  #folder = mkdtempSync(join(tmpdir(), 'device-fleet-'));
  #children = new Map();

  /** Starts a process of the sample; resolves with `{ name, pid, url }` when it listens. */
  async start(name) {
    const { NODE_ENV: _, ...inherited } = process.env;
    const child = fork(main, [], {
      env: {
        ...inherited,
        PORT: '0',
        FLEET_NODE: name,
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

  /** As `kill -9`. */
  kill(name) {
    this.#children.get(name).child.kill('SIGKILL');
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
