import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

interface Reply {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}

/** How long a process may take to end by itself; with `--cpu-prof` it writes its profile then. */
const END_WITHIN_MS = 15_000;
/** No operation takes so long; a row whose operation hangs says so instead of hanging too. */
const ANSWER_WITHIN_MS = 60_000;

let lastProcess = 0;

/** A process of `apps/`, told over IPC what to measure; it measures itself, so IPC is not in the figures. */
export class BenchProcess {
  private lastId = 0;
  private readonly waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();

  private constructor(
    private readonly child: ChildProcess,
    printed: () => string,
    /** What the process said about itself when it was up: a node id, a port. */
    readonly address: string,
  ) {
    child.on('message', (message: Reply) => {
      const waiting = this.waiting.get(message.id);
      this.waiting.delete(message.id);
      if (message.error === undefined) waiting?.resolve(message.value);
      else waiting?.reject(new Error(message.error));
    });
    child.on('exit', () => {
      for (const { reject } of this.waiting.values()) reject(new Error(`the process ended:\n${printed()}`));
      this.waiting.clear();
    });
  }

  /**
   * Starts the process and waits until it says that it is up.
   *
   * @param app a file of `apps/`
   * @param execArgv arguments for `node`
   * @param launcher what stands before `node`
   */
  static async start(
    app: string,
    env: Readonly<Record<string, string>> = {},
    execArgv: readonly string[] = [],
    launcher: readonly string[] = [],
  ): Promise<BenchProcess> {
    const name = `--cpu-prof-name=${++lastProcess}-${app}.cpuprofile`;
    const file = fileURLToPath(new URL(`../apps/${app}.app.js`, import.meta.url));
    const profiled = execArgv.includes('--cpu-prof') ? [...execArgv, name] : execArgv;
    const [command = process.execPath, ...args] = [...launcher, process.execPath, ...profiled, file];
    const child = spawn(command, args, {
      env: { ...process.env, NODE_ENV: 'production', ...env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (text) => (output += String(text)));
    }
    const up = once(child, 'message').then(([message]) => (message as { up: string }).up);
    const ended = once(child, 'exit').then(() => {
      throw new Error(`${app} ended before it was up:\n${output}`);
    });
    ended.catch(() => undefined);
    const address = await Promise.race([up, ended]);
    return new BenchProcess(child, () => output, address);
  }

  /** Runs one of the process's operations there. */
  ask<T>(op: string, ...args: unknown[]): Promise<T> {
    const id = ++this.lastId;
    let late: NodeJS.Timeout | undefined;
    return new Promise<T>((resolve, reject) => {
      this.waiting.set(id, { resolve: (value) => resolve(value as T), reject });
      late = setTimeout(() => {
        this.waiting.delete(id);
        reject(new Error(`"${op}" was not done within ${ANSWER_WITHIN_MS} ms`));
      }, ANSWER_WITHIN_MS);
      this.child.send({ id, op, args }, (error) => error && reject(error));
    }).finally(() => clearTimeout(late));
  }

  /** `SIGKILL`; does not wait. */
  kill(): void {
    this.child.kill('SIGKILL');
  }

  /** Lets the process end by itself. */
  async end(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exit = once(this.child, 'exit');
    if (this.child.connected) this.child.disconnect();
    const late = setTimeout(() => this.kill(), END_WITHIN_MS);
    await exit;
    clearTimeout(late);
  }
}
