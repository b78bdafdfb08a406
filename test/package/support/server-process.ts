import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { cleanEnv } from './run.js';

const START_TIMEOUT_MS = 20_000;

/** A process of the fresh application, which serves HTTP. */
export class ServerProcess {
  private output = '';

  private constructor(
    private readonly child: ChildProcess,
    private readonly port: number,
  ) {
    child.stdout?.on('data', (text) => (this.output += String(text)));
    child.stderr?.on('data', (text) => (this.output += String(text)));
  }

  /** Starts the script; `ready` waits until it serves. */
  static async start(script: string, cwd: string): Promise<ServerProcess> {
    const port = await freePort();
    // Processes of one machine look for each other in the temporary folder: these in one that is removed with them.
    const env = { ...cleanEnv, PORT: String(port), NO_COLOR: '1', TMPDIR: cwd, TMP: cwd, TEMP: cwd };
    return new ServerProcess(
      spawn(process.execPath, [script], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] }),
      port,
    );
  }

  /** Resolves when it has printed something that matches. */
  async printed(text: RegExp): Promise<void> {
    const deadline = performance.now() + START_TIMEOUT_MS;
    while (!text.test(this.output)) {
      if (this.isGone || performance.now() > deadline)
        throw new Error(`it did not print ${text}:\n${this.output}`);
      await sleep(20);
    }
  }

  async post<T>(path: string): Promise<T> {
    const response = await fetch(`http://127.0.0.1:${this.port}/${path}`, { method: 'POST' });
    if (!response.ok) throw new Error(`${path} answered ${response.status}:\n${this.output}`);
    return (await response.json()) as T;
  }

  /** Ends it and waits until it is gone. */
  async end(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (this.isGone) return;
    const exit = once(this.child, 'exit');
    this.child.kill(signal);
    await exit;
  }

  private get isGone(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
