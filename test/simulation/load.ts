import { SwarmError } from '../../lib/errors/index.js';
import type { SimulatedNode, SimulatedSwarm } from './simulated-swarm.js';

/** Constant load on the workers of a simulated swarm: every call counts one, and none may fail. */
export class Load {
  readonly failures: string[] = [];
  calls = 0;
  worstMs = 0;
  private open = 0;
  private running = true;
  private readonly counts = new Map<string, number>();
  /** Nodes that do not call any more. */
  private readonly silent = new Set<SimulatedNode>();

  constructor(
    private readonly swarm: SimulatedSwarm,
    private readonly names: readonly string[],
    private readonly everyMs: number,
  ) {
    this.next();
  }

  /** The node is about to leave: what calls it makes from now on come too late. */
  silence(node: SimulatedNode): void {
    this.silent.add(node);
  }

  /** Calls no more; resolves when all are answered. */
  async end(): Promise<void> {
    this.running = false;
    await this.swarm.scheduler.runUntil(() => this.open === 0, 60_000);
  }

  /** What workers count beside what was counted here, for those that differ. */
  async differences(names = this.names): Promise<Array<{ name: string; total: number; counted: number }>> {
    const { swarm } = this;
    const kernel = swarm.alive[0]!.kernel;
    const call = { pattern: 'total', data: undefined, timeoutMs: undefined, chain: [] };
    const totals = names.map(async (name) => ({
      name,
      total: Number(await kernel.call(name, call)),
      counted: this.counts.get(name) ?? 0,
    }));
    const all = await swarm.settle(Promise.all(totals));
    return all.filter(({ total, counted }) => total !== counted);
  }

  private next(): void {
    if (!this.running) return;
    const { swarm } = this;
    swarm.scheduler.schedule(swarm.now + this.everyMs * (0.5 + swarm.random()), () => this.next());
    const callers = swarm.awake.filter(
      (node) => !this.silent.has(node) && node.kernel.nodes().length > 0 && node.kernel.self.status === 'up',
    );
    const caller = callers[Math.floor(swarm.random() * callers.length)];
    const name = this.names[Math.floor(swarm.random() * this.names.length)];
    if (caller && name !== undefined) void this.call(caller, name);
  }

  private async call({ kernel, key }: SimulatedNode, name: string): Promise<void> {
    const { swarm } = this;
    const began = swarm.now;
    const token = `load ${++this.calls}`;
    const pattern = swarm.random() < 0.1 ? 'slow-add' : 'add';
    this.open++;
    try {
      await kernel.call(name, { pattern, data: token, timeoutMs: undefined, chain: [] });
      this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
      this.worstMs = Math.max(this.worstMs, swarm.now - began);
    } catch (error) {
      const text = error instanceof SwarmError ? `${error.code} ${error.message}` : String(error);
      this.failures.push(`at ${began.toFixed(0)} ${name} from ${key}: ${text}`);
    } finally {
      this.open--;
    }
  }
}
