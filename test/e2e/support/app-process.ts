import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { DrainReport } from '../../../lib/handoff/drain-report.js';

interface Reply {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: {
    readonly name: string;
    readonly code?: string;
    readonly message: string;
    readonly ref?: unknown;
  };
  /** Not asked for: told when its node has left the swarm. */
  readonly drained?: DrainReport;
}

/** How a process ended that was asked to by `SIGTERM`. */
export interface Termination {
  /** As of `ChildProcess`: Nest ends its process by the signal that it was sent, when all is closed. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Milliseconds between the signal and the end. */
  readonly tookMs: number;
  /** What its drain came to; undefined if it did not get so far. */
  readonly drained: DrainReport | undefined;
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
  private drained: DrainReport | undefined;

  private constructor(private readonly child: ChildProcess) {
    child.stdout?.on('data', (text) => (this.output += String(text)));
    child.stderr?.on('data', (text) => (this.output += String(text)));
    child.on('message', (message: Reply) => {
      this.drained ??= message.drained;
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

  /**
   * Starts the application and waits until it says that it is up. `launcher`: what its command line begins with; the
   * command has to become the process itself, as `ip netns exec` does.
   */
  static async start(
    app: string,
    env: Readonly<Record<string, string>>,
    execArgv: readonly string[] = [],
    launcher: readonly string[] = [],
  ): Promise<AppProcess> {
    const path = fileURLToPath(new URL(`../../../build/test/e2e/apps/${app}.js`, import.meta.url));
    const [command = process.execPath, ...args] = [...launcher, process.execPath, ...execArgv, path];
    const child = spawn(command, args, {
      env: { ...process.env, NODE_ENV: 'e2e', ...env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
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

  /**
   * Sends `SIGTERM` and waits until the process has ended by itself.
   *
   * @throws Error with its output if it has not ended within `withinMs`
   */
  async terminate(withinMs = 30_000): Promise<Termination> {
    const began = performance.now();
    const exit = once(this.child, 'exit', { signal: AbortSignal.timeout(withinMs) });
    this.child.kill('SIGTERM');
    try {
      const [code, signal] = (await exit) as [number | null, NodeJS.Signals | null];
      return { code, signal, tookMs: performance.now() - began, drained: this.drained };
    } catch {
      throw new Error(`the process did not end within ${withinMs} ms of SIGTERM:\n${this.output}`);
    }
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
