import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

interface Reply {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: {
    readonly name: string;
    readonly code?: string;
    readonly message: string;
    readonly ref?: unknown;
  };
}

/** An error that the application's process answered. */
export class AppError extends Error {
  constructor(readonly failure: NonNullable<Reply['error']>) {
    super(failure.message);
    this.name = failure.name;
  }

  get code(): string | undefined {
    return this.failure.code;
  }
}

/** A real process of a test application (`test/e2e/apps`), told over IPC what to do. */
export class AppProcess {
  private lastId = 0;
  private readonly waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  /** Everything that it printed. */
  output = '';
  /** Its node id, once it is up. */
  node = '';

  private constructor(private readonly child: ChildProcess) {
    child.stdout?.on('data', (text) => (this.output += String(text)));
    child.stderr?.on('data', (text) => (this.output += String(text)));
    child.on('message', (message: Reply) => {
      const waiting = this.waiting.get(message.id);
      this.waiting.delete(message.id);
      if (message.error) waiting?.reject(new AppError(message.error));
      else waiting?.resolve(message.value);
    });
    child.on('exit', () => {
      for (const { reject } of this.waiting.values()) reject(new Error(`the process ended:\n${this.output}`));
      this.waiting.clear();
    });
  }

  /** Starts the application and waits until it says that it is up. */
  static async start(
    app: string,
    env: Readonly<Record<string, string>>,
    execArgv: readonly string[] = [],
  ): Promise<AppProcess> {
    const path = fileURLToPath(new URL(`../../../build/test/e2e/apps/${app}.js`, import.meta.url));
    const child = fork(path, [], {
      env: { ...process.env, NODE_ENV: 'e2e', ...env },
      execArgv: [...execArgv],
      silent: true,
    });
    const started = new AppProcess(child);
    const up = (async () => {
      const [message] = (await once(child, 'message')) as [{ up: string }];
      return message.up;
    })();
    const ended = once(child, 'exit').then(() => {
      throw new Error(`the process ended before it was up:\n${started.output}`);
    });
    started.node = await Promise.race([up, ended]);
    ended.catch(() => undefined);
    return started;
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** Runs one of the application's operations there. */
  ask<T>(op: string, ...args: unknown[]): Promise<T> {
    const id = ++this.lastId;
    return new Promise<T>((resolve, reject) => {
      this.waiting.set(id, { resolve: (value) => resolve(value as T), reject });
      // Without a callback, sending to a process that has ended is an `error` event that ends this one.
      this.child.send({ id, op, args }, (error) => {
        if (error === null || !this.waiting.delete(id)) return;
        reject(new Error(`the process cannot be asked for "${op}": ${error.message}\n${this.output}`));
      });
    });
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name);
  }

  /** Lets go of the process; resolves when it has ended by itself. */
  async release(): Promise<void> {
    const exit = once(this.child, 'exit');
    this.child.disconnect();
    await exit;
  }

  /** Ends the process, by `SIGKILL` unless said otherwise, and waits until it is gone. */
  async end(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exit = once(this.child, 'exit');
    this.child.kill(signal);
    await exit;
  }
}
