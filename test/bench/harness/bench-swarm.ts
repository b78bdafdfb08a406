import { BenchProcess } from './bench-process.js';

let lastCluster = 0;

/** How a node differs from the defaults. */
export interface NodeSpec {
  /** `false`: runs no workers. */
  readonly hosting?: boolean;
}

/** Processes that form one swarm, with the options' defaults. */
export class BenchSwarm {
  private constructor(readonly nodes: readonly BenchProcess[]) {}

  /** Starts the processes in the same instant and waits until every one sees all of them up. */
  static async boot(specs: readonly NodeSpec[], execArgv: readonly string[]): Promise<BenchSwarm> {
    const cluster = `bench-${process.pid}-${++lastCluster}`;
    const starts = await Promise.allSettled(
      specs.map(({ hosting = true }) =>
        BenchProcess.start('swarm', { CLUSTER: cluster, HOSTING: String(hosting) }, execArgv),
      ),
    );
    const swarm = new BenchSwarm(
      starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : [])),
    );
    try {
      for (const start of starts) if (start.status === 'rejected') throw start.reason;
      await swarm.all('ready', specs.length);
    } catch (error) {
      await swarm.end();
      throw error;
    }
    return swarm;
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
}
