import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { waitUntil } from '../support/wait-until.js';
import { clearLeftovers, Laboratory } from './support/laboratory.js';
import { ip, namespaces, run } from './support/namespaces.js';
import { skipReason } from './support/skip-reason.js';

const PROBE = fileURLToPath(new URL('./support/probe.mjs', import.meta.url));
const PORT = '7000';
/** A peer that refuses, or a router that says there is no way, answers at once. */
const SILENCE_MS = '1500';

/** What a node does in its namespace, and the lines that it prints. */
class Probe {
  readonly lines: string[] = [];
  readonly ended: Promise<void>;

  constructor(readonly child: ChildProcess) {
    const lines: Interface = createInterface({ input: child.stdout! });
    lines.on('line', (line) => this.lines.push(line));
    this.ended = new Promise((resolve) => {
      lines.on('close', resolve);
    });
  }

  prints(line: string): Promise<void> {
    return waitUntil(() => this.lines.includes(line), `"${line}" among ${this.lines.join(', ')}`);
  }
}

describe.skipIf(skipReason !== undefined)('a laboratory', () => {
  const open: Laboratory[] = [];
  afterEach(() => Promise.all(open.splice(0).map((laboratory) => laboratory.close())));

  async function laboratoryOf(size: number): Promise<Laboratory> {
    const laboratory = await Laboratory.open(size);
    open.push(laboratory);
    return laboratory;
  }

  function probe(laboratory: Laboratory, node: number, ...args: string[]): Probe {
    const [command, ...launcher] = laboratory.launcher(node);
    const stdio = ['pipe', 'pipe', 'inherit', 'ipc'] as const;
    return new Probe(spawn(command, [...launcher, process.execPath, PROBE, ...args], { stdio: [...stdio] }));
  }

  async function listen(laboratory: Laboratory, node: number): Promise<Probe> {
    const listener = probe(laboratory, node, 'listen', laboratory.address(node), PORT);
    await listener.prints('listening');
    return listener;
  }

  async function connection(laboratory: Laboratory, from: number, to: number): Promise<string | undefined> {
    const dialler = probe(laboratory, from, 'connect', laboratory.address(to), PORT, SILENCE_MS);
    await dialler.ended;
    return dialler.lines[0];
  }

  it('cuts nodes into sides without a word, and heals them', async () => {
    const laboratory = await laboratoryOf(4);
    await Promise.all([0, 1, 2].map((node) => listen(laboratory, node)));
    expect(await connection(laboratory, 0, 2)).toBe('connected');
    expect(await connection(laboratory, 0, 3), 'nobody listens').toBe('ECONNREFUSED');
    await laboratory.partition([0, 1], [2]);
    expect(
      await Promise.all([
        connection(laboratory, 0, 2),
        connection(laboratory, 2, 1),
        connection(laboratory, 0, 3),
        connection(laboratory, 3, 2),
        connection(laboratory, 0, 1),
      ]),
    ).toEqual(['silence', 'silence', 'silence', 'silence', 'connected']);
    await laboratory.heal();
    expect(await connection(laboratory, 2, 1)).toBe('connected');
  });

  it('separates two that a third reaches', async () => {
    const laboratory = await laboratoryOf(3);
    await Promise.all([0, 1, 2].map((node) => listen(laboratory, node)));
    await laboratory.separate(0, 1);
    expect(
      await Promise.all([
        connection(laboratory, 0, 1),
        connection(laboratory, 1, 0),
        connection(laboratory, 2, 0),
        connection(laboratory, 2, 1),
        connection(laboratory, 0, 2),
      ]),
    ).toEqual(['silence', 'silence', 'connected', 'connected', 'connected']);
    await laboratory.heal();
    expect(await connection(laboratory, 0, 1)).toBe('connected');
  });

  it('cuts one way: what is said one way is heard, what is said the other way is not until it heals', async () => {
    const laboratory = await laboratoryOf(2);
    const [zero, one] = await Promise.all([listen(laboratory, 0), listen(laboratory, 1)]);
    const [toOne, toZero] = await Promise.all([
      probe(laboratory, 0, 'say', laboratory.address(1), PORT),
      probe(laboratory, 1, 'say', laboratory.address(0), PORT),
    ]);
    await Promise.all([toOne.prints('connected'), toZero.prints('connected')]);
    await laboratory.block(0, 1);
    toOne.child.stdin!.write('vanishes\n');
    toZero.child.stdin!.write('arrives\n');
    await zero.prints('arrives');
    expect(await connection(laboratory, 0, 1)).toBe('silence');
    expect(one.lines).toEqual(['listening']);
    await laboratory.heal();
    await one.prints('vanishes'); // sent again by TCP: the connection was never closed
  });

  it('leaves nothing behind, and clears what a killed run has left: processes that are stopped, too', async () => {
    const ended = spawn(process.execPath, ['-e', '']);
    await new Promise((resolve) => {
      ended.once('exit', resolve);
    });
    const name = `nsw-${ended.pid}-1`;
    await ip([`netns add ${name}`]);
    const left = spawn('ip', ['netns', 'exec', name, process.execPath, '-e', 'setInterval(() => {}, 1e6)']);
    const gone = new Promise((resolve) => {
      left.once('exit', (_, signal) => resolve(signal));
    });
    const isInside = async (): Promise<boolean> =>
      (await run('ip', ['netns', 'pids', name], [])).includes(String(left.pid));
    await waitUntil(isInside, 'the process is in the namespace');
    left.kill('SIGSTOP');
    const laboratory = await laboratoryOf(1);
    await clearLeftovers();
    expect(await gone).toBe('SIGKILL');
    expect(await namespaces()).not.toContain(name);
    expect(await ownNamespaces(), 'those of a run that goes on').toHaveLength(2);
    await laboratory.close();
    expect(await ownNamespaces()).toEqual([]);
  });
});

async function ownNamespaces(): Promise<string[]> {
  return (await namespaces()).filter((name) => name.startsWith(`nsw-${process.pid}-`));
}
