import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { waitUntil } from '../../support/wait-until.js';

/** Where Debian puts it is not in the path of every user; what it prints is read, so it must not be translated. */
const ENV = { ...process.env, LC_ALL: 'C', PATH: [process.env['PATH'], '/usr/sbin'].join(delimiter) };

/** Why there is no DNS server here; `undefined` if there is one. */
export function whyNoDnsServer(): string | undefined {
  if (process.platform !== 'linux')
    return `addresses of 127.0.0.0/8 are those of Linux, not ${process.platform}`;
  return spawnSync('dnsmasq', ['--version'], { stdio: 'ignore', env: ENV }).error
    ? 'dnsmasq is not installed (Debian: dnsmasq-base)'
    : undefined;
}

/** A real DNS server (dnsmasq) on a loopback port, which knows all of the domain `test` and nothing else. */
export class DnsServer {
  private readonly lines: string[] = [];

  private constructor(
    /** As the option `servers` of `dns` takes it. */
    readonly address: string,
    private readonly child: ChildProcess,
    private readonly folder: string,
    private readonly hosts: string,
  ) {
    createInterface({ input: child.stderr! }).on('line', (line) => this.lines.push(line));
  }

  /**
   * Resolves when it answers.
   *
   * @param hosts lines as of `/etc/hosts`, which `change` replaces
   * @param services SRV records as `_swarm._tcp.shop.test,localhost,7946`; one without target and port says that there is
   *   no such service
   */
  static async start(hosts: readonly string[], services: readonly string[] = []): Promise<DnsServer> {
    const port = await freePort();
    const folder = mkdtempSync(join(tmpdir(), 'nestjs-swarm-dns-'));
    const path = join(folder, 'hosts');
    writeFileSync(path, text(hosts));
    const options = [
      '--keep-in-foreground',
      '--conf-file=/dev/null',
      '--pid-file=',
      '--log-facility=-',
      '--no-resolv',
      '--no-hosts',
      '--local=/test/',
      '--bind-interfaces',
      '--listen-address=127.0.0.1',
      `--port=${port}`,
      // It would become another user, who cannot read the folder.
      `--user=${userInfo().username}`,
      `--addn-hosts=${path}`,
      ...services.map((service) => `--srv-host=${service}`),
    ];
    const child = spawn('dnsmasq', options, { env: ENV, stdio: ['ignore', 'ignore', 'pipe'] });
    const server = new DnsServer(`127.0.0.1:${port}`, child, folder, path);
    try {
      await server.hasRead(1);
    } catch (error) {
      await server.end();
      throw error;
    }
    return server;
  }

  /** Replaces the hosts; resolves when it answers with the new ones. */
  async change(hosts: readonly string[]): Promise<void> {
    const times = this.timesRead();
    writeFileSync(this.hosts, text(hosts));
    this.child.kill('SIGHUP');
    await this.hasRead(times + 1);
  }

  /** It is silent from now on: neither answers nor refuses. */
  pause(): void {
    this.child.kill('SIGSTOP');
  }

  resume(): void {
    this.child.kill('SIGCONT');
  }

  async end(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const exit = once(this.child, 'exit');
      this.child.kill('SIGKILL');
      await exit;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }

  private timesRead(): number {
    return this.lines.filter((line) => line.includes(`read ${this.hosts} `)).length;
  }

  /** It reads the hosts when it has bound its port, and says so when it has read them. */
  private async hasRead(times: number): Promise<void> {
    const isOver = (): boolean => this.child.exitCode !== null || this.child.signalCode !== null;
    await waitUntil(() => isOver() || this.timesRead() >= times, 'dnsmasq has read its hosts');
    if (isOver()) throw new Error(`dnsmasq ended:\n${this.lines.join('\n')}`);
  }
}

function text(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}

/** A port of loopback on which nobody listens, neither for datagrams nor for connections. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a port has no number');
  const { port } = address;
  const socket = createSocket('udp4').bind(port, '127.0.0.1');
  await once(socket, 'listening');
  await Promise.all([once(server.close(), 'close'), once(socket.close(), 'close')]);
  return port;
}
