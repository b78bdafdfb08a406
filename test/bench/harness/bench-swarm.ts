import { BenchProcess } from './bench-process.js';

let lastCluster = 0;

/** How a node differs from the defaults. */
export interface NodeSpec {
  /** `false`: runs no workers. */
  readonly hosting?: boolean;
  /** What its command line begins with, and what its environment has besides. */
  readonly launcher?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Processes that form one swarm, with the options' defaults. */
export class BenchSwarm {
  private constructor(
    private readonly cluster: string,
    private readonly execArgv: readonly string[],
    readonly nodes: BenchProcess[],
  ) {}

  /** Starts the processes in the same instant and waits until every one sees all of them up. */
  static async boot(specs: readonly NodeSpec[], execArgv: readonly string[]): Promise<BenchSwarm> {
    const cluster = `bench-${process.pid}-${++lastCluster}`;
    const swarm = new BenchSwarm(cluster, execArgv, []);
    const starts = await Promise.allSettled(specs.map((spec) => swarm.start(spec)));
    swarm.nodes.push(...starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : [])));
    try {
      for (const start of starts) if (start.status === 'rejected') throw start.reason;
      await swarm.all('ready', specs.length);
    } catch (error) {
      await swarm.end();
      throw error;
    }
    return swarm;
  }

  /** One more process, which is up when this resolves. */
  async join(spec: NodeSpec = {}): Promise<BenchProcess> {
    const node = await this.start(spec);
    this.nodes.push(node);
    return node;
  }

  /** The node at `index`, as the specs were given. */
  node(index: number): BenchProcess {
    const node = this.nodes[index];
    if (!node) throw new RangeError(`there is no node ${index}`);
    return node;
  }

  /** The same operation in every process at once. */
  all<T>(op: string, ...args: unknown[]): Promise<T[]> {
    return Promise.all(this.nodes.map((node) => node.ask<T>(op, ...args)));
  }

  async end(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.end()));
  }

  /** Boots, uses and ends. */
  static async with<T>(
    specs: readonly NodeSpec[],
    execArgv: readonly string[],
    use: (swarm: BenchSwarm) => Promise<T>,
  ): Promise<T> {
    const swarm = await BenchSwarm.boot(specs, execArgv);
    try {
      return await use(swarm);
    } finally {
      await swarm.end();
    }
  }

  private start({ hosting = true, launcher, env }: NodeSpec): Promise<BenchProcess> {
    const own = { CLUSTER: this.cluster, HOSTING: String(hosting), ...env };
    return BenchProcess.start('swarm', own, this.execArgv, launcher);
  }
}
