// Real processes in a network that can be cut.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SwarmSnapshot } from '../../../lib/node/swarm-snapshot.interface.js';
import { AppProcess } from '../../e2e/support/app-process.js';
import { waitUntil } from '../../support/wait-until.js';
import { Laboratory } from './laboratory.js';

const PORT = 7946;
/** For what takes a few seconds where nothing is wrong. */
const PATIENCE_MS = 20_000;

/** `ring-`: each side of a cut runs one of a name. `once-`: a quorum runs one. */
export type Prefix = 'ring-' | 'once-';

export interface EventSeen {
  readonly type: string;
  readonly node?: string;
  readonly reason?: string;
  /** Milliseconds on the machine's monotonic clock. */
  readonly since: number;
}

/** A node of the swarm; it keeps its number and address when its process is started anew. */
export interface NetworkNode {
  readonly index: number;
  app: AppProcess;
  isAlive: boolean;
}

/** Milliseconds on the one clock of all processes of the machine. */
export function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

export class NetworkSwarm {
  readonly nodes: NetworkNode[] = [];
  readonly names: Record<Prefix, string[]> = { 'ring-': [], 'once-': [] };
  /** What was measured, in milliseconds. */
  readonly times: Record<string, number> = {};
  /** Nodes that could do nothing for a while: their callers' deadlines had to be missed. */
  readonly heldUp = new Set<number>();
  private readonly folder = mkdtempSync(join(tmpdir(), 'nestjs-swarm-network-'));
  private started = 0;

  private constructor(
    readonly network: Laboratory,
    private readonly size: number,
  ) {}

  /** `room`: for how many nodes there are addresses; `count` of them are started at once. `size`: of the quorum. */
  static async boot(
    count: number,
    { size, room = count }: { size: number; room?: number },
  ): Promise<NetworkSwarm> {
    const swarm = new NetworkSwarm(await Laboratory.open(room), size);
    try {
      await swarm.startAll(Array.from({ length: count }, (_, index) => index));
    } catch (error) {
      await swarm.end();
      throw error;
    }
    return swarm;
  }

  get alive(): NetworkNode[] {
    return this.nodes.filter(({ isAlive }) => isAlive);
  }

  get allNames(): string[] {
    return [...this.names['ring-'], ...this.names['once-']];
  }

  /** The files in which processes have written what their workers began and their callers accepted. */
  get histories(): string[] {
    return readdirSync(this.folder).map((file) => join(this.folder, file));
  }

  node(index: number): NetworkNode {
    const node = this.nodes.find((one) => one.index === index);
    if (!node) throw new Error(`node ${index} was never started`);
    return node;
  }

  idOf(index: number): string {
    return `node@${this.network.address(index)}:${PORT}`;
  }

  ask<T>(index: number, op: string, ...args: unknown[]): Promise<T> {
    return this.node(index).app.ask<T>(op, ...args);
  }

  /** Asks every living node. */
  all<T>(op: string, ...args: unknown[]): Promise<T[]> {
    return Promise.all(this.alive.map(({ app }) => app.ask<T>(op, ...args)));
  }

  /** Starts the process of a node, for the first time or anew; resolves when its boot is done. */
  async start(index: number): Promise<void> {
    const { network } = this;
    const peers = Array.from({ length: network.size }, (_, peer) => `${network.address(peer)}:${PORT}`);
    const env = {
      CLUSTER: 'network',
      ADDRESS: network.address(index),
      PORT: String(PORT),
      PEERS: peers.filter((_, peer) => peer !== index).join(','),
      SIZE: String(this.size),
      HISTORY: join(this.folder, `${this.started++}.jsonl`),
    };
    const app = await AppProcess.start('network.app', env, [], network.launcher(index));
    const known = this.nodes.find((node) => node.index === index);
    if (known) Object.assign(known, { app, isAlive: true });
    else this.nodes.push({ index, app, isAlive: true });
  }

  /** Starts nodes in one instant; resolves when each sees all others up. */
  async startAll(indexes: readonly number[]): Promise<void> {
    const booted = await Promise.allSettled(indexes.map((index) => this.start(index)));
    for (const one of booted) if (one.status === 'rejected') throw one.reason;
    await this.allUp();
  }

  async kill(index: number): Promise<void> {
    const node = this.node(index);
    node.isAlive = false;
    await node.app.end('SIGKILL');
  }

  /** Asks a node to leave, and waits until its process has ended. */
  async terminate(index: number): Promise<void> {
    const node = this.node(index);
    node.isAlive = false;
    await node.app.terminate();
  }

  pause(index: number): void {
    this.heldUp.add(index);
    this.node(index).app.signal('SIGSTOP');
  }

  wake(index: number): void {
    this.node(index).app.signal('SIGCONT');
  }

  /** So many more names of each type, `ring-0` and `once-0` on, registered from all nodes. */
  async register(count: number): Promise<void> {
    for (const prefix of ['ring-', 'once-'] as const) {
      const first = this.names[prefix].length;
      const names = Array.from({ length: count }, (_, index) => `${prefix}${first + index}`);
      const width = this.alive.length;
      await Promise.all(
        this.alive.map(({ app }, part) =>
          app.ask(
            'register',
            names.filter((_, index) => index % width === part),
            PATIENCE_MS,
          ),
        ),
      );
      this.names[prefix].push(...names);
    }
  }

  /** Registers a name on one node only; it is one of the swarm's from then on. */
  async registerOn(index: number, name: string): Promise<void> {
    await this.ask(index, 'register', [name], PATIENCE_MS);
    const names = this.names[name.startsWith('once-') ? 'once-' : 'ring-'];
    if (!names.includes(name)) names.push(name);
  }

  /** Every node adds to one name after the other, of both types, until the swarm is judged. */
  async startLoad(everyMs = 10): Promise<void> {
    const { 'ring-': rings, 'once-': onces } = this.names;
    await this.all(
      'startLoad',
      rings.flatMap((ring, index) => [ring, onces[index]!]),
      everyMs,
    );
  }

  /** A name of the type that lives on the node. */
  async nameOn(index: number, prefix: Prefix): Promise<string> {
    const hosted = await this.ask<Array<{ name: string }>>(index, 'hosted');
    const found = hosted.find(({ name }) => name.startsWith(prefix));
    if (!found) throw new Error(`no ${prefix} lives on ${this.idOf(index)}`);
    return found.name;
  }

  /** One call from a node, answered within two seconds. */
  async call(from: number, name: string, pattern = 'add', data?: unknown): Promise<void> {
    await this.ask(from, 'call', name, pattern, data, 2_000);
  }

  /** Resolves when every name of the type has answered the node; milliseconds since the given time. */
  async reached(from: number, prefix: Prefix, since: number): Promise<number> {
    await this.ask(from, 'reach', this.names[prefix], PATIENCE_MS);
    return now() - since;
  }

  async events(index: number, type: string): Promise<EventSeen[]> {
    const seen = await this.ask<EventSeen[]>(index, 'events');
    return seen.filter((event) => event.type === type);
  }

  /** Resolves when the node has told the event, about one node or about anybody, after the given time. */
  async until(
    index: number,
    type: string,
    { since = 0, node }: { since?: number; node?: number } = {},
  ): Promise<EventSeen> {
    let seen: EventSeen | undefined;
    const isSeen = async (): Promise<boolean> => {
      const events = await this.events(index, type);
      seen = events.find(
        (event) => event.since >= since && (node === undefined || event.node === this.idOf(node)),
      );
      return seen !== undefined;
    };
    await waitUntil(isSeen, `${this.idOf(index)} tells ${type}`, PATIENCE_MS);
    return seen!;
  }

  /** What one node takes another for; undefined if it does not know it. */
  async statusOf(index: number, other: number): Promise<string | undefined> {
    const nodes = await this.ask<Array<{ id: string; status: string }>>(index, 'nodes');
    return nodes.find(({ id }) => id === this.idOf(other))?.status;
  }

  inspect(index: number): Promise<SwarmSnapshot> {
    return this.ask(index, 'inspect');
  }

  /** Resolves when workers of the node are on their way to others. */
  moves(index: number): Promise<void> {
    return waitUntil(
      async () => (await this.inspect(index)).moves.length > 0,
      `${this.idOf(index)} hands off`,
      PATIENCE_MS,
    );
  }

  /** Every living node sees all living nodes up, and no other. */
  async allUp(): Promise<void> {
    const expected = this.alive.map(({ index }) => `${this.idOf(index)} up`).sort();
    const isSeen = async (): Promise<boolean> => {
      const views = await this.all<Array<{ id: string; status: string }>>('nodes');
      return views.every((view) => {
        const seen = view.map(({ id, status }) => `${id} ${status}`).sort();
        return seen.length === expected.length && seen.every((node, index) => node === expected[index]);
      });
    };
    await waitUntil(isSeen, 'every node sees all others up', PATIENCE_MS);
  }

  async end(): Promise<void> {
    await Promise.all(this.nodes.map(({ app }) => app.end('SIGKILL')));
    await this.network.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** What every process has printed, for a test that failed. */
  output(): string {
    return this.nodes.map(({ index, app }) => `--- ${this.idOf(index)}\n${app.output}`).join('\n');
  }
}
