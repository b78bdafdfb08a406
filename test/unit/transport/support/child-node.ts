import { fork, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { ModuleKind, ScriptTarget, transpileModule } from 'typescript';

import type { NodeInfo } from '../../../../lib/transport/node-info.js';

const LIB = resolve(import.meta.dirname, '../../../../lib');

/** A node that echoes calls, answers pings, batches and states, and does what it is told, as a process of its own. */
const SCRIPT = `
import { TcpTransport } from './transport/tcp/tcp.transport.js';
import { NodeRuntime } from './runtime/node.runtime.js';
const quiet = { error() {}, warn() {}, log() {}, debug() {}, verbose() {} };
const transport = new TcpTransport({ host: '127.0.0.1', listen: '127.0.0.1', port: 0, maxPayloadBytes: 67108864, logger: quiet, runtime: new NodeRuntime() });
const name = process.argv[2];
let node;
await transport.open((bound) => {
  node = { ...bound, id: name + '@' + bound.host + ':' + bound.port, name, incarnation: 1, firstIncarnation: 1, leaseMs: 3000, quorums: {}, weight: 1, labels: {}, hosting: true, types: [] };
  return {
    hello: () => ({ cluster: 'test', protocol: { min: 1, max: 1 }, node, status: 'up', roll: 0 }),
    admit() {}, linkOpened() {}, linkClosed() {}, drained() {}, dialed() {},
    frame(from, frame) {
      if (frame.kind === 18) transport.send(from, { kind: 20, id: frame.id, body: frame.body, error: null });
      if (frame.kind === 1) transport.send(from, { kind: 2, id: frame.id, view: 0 });
      if (frame.kind === 5) transport.send(from, { kind: 6, seq: frame.from });
      if (frame.kind === 24) {
        const results = frame.arrivals.map(([row, state]) => [row[0], row[3], 'ready', String(state?.length)]);
        transport.send(from, { kind: 25, results });
      }
    },
  };
});
process.on('message', () => transport.close().then(() => process.disconnect()));
process.send(node);
`;

export interface ChildNode {
  readonly process: ChildProcess;
  readonly info: NodeInfo;
  /** Ends the process at once and removes its files. */
  remove(): void;
}

/** Starts such a process from the sources as they are now. */
export async function startChildNode(name: string): Promise<ChildNode> {
  const folder = mkdtempSync(join(tmpdir(), 'swarm-child-'));
  for (const part of ['transport', 'errors', 'runtime']) transpile(part, folder);
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  writeFileSync(join(folder, 'node.js'), SCRIPT);
  const child = fork(join(folder, 'node.js'), [name], { execArgv: [] });
  const info = await new Promise<NodeInfo>((done, fail) => {
    child.once('message', (message) => done(message as NodeInfo));
    child.once('exit', (code) => fail(new Error(`the child ended with ${code}`)));
  });
  const remove = (): void => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  return { process: child, info, remove };
}

function transpile(part: string, folder: string): void {
  for (const file of readdirSync(join(LIB, part), { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts')) continue;
    const target = join(folder, part, file.replace(/\.ts$/, '.js'));
    mkdirSync(dirname(target), { recursive: true });
    const source = readFileSync(join(LIB, part, file), 'utf8');
    const compilerOptions = { module: ModuleKind.ESNext, target: ScriptTarget.ES2022 };
    writeFileSync(target, transpileModule(source, { compilerOptions }).outputText);
  }
}
