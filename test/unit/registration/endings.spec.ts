import { describe, expect, it } from 'vitest';
import type { WorkerContext } from '../../../lib/workers/worker-context.js';
import {
  DEFAULT_SUPERVISION,
  type Supervision,
  type WorkerDefinition,
} from '../../../lib/workers/worker-definition.interface.js';
import { KernelSwarm, workerType, type KernelSwarmNode } from '../node/support/kernel-swarm.js';

const DRAIN_MS = 100;

/** Two nodes, and a worker of the second whose last method never ends. */
async function slowlyEnding(supervision: Partial<Supervision> = {}, more: Partial<WorkerDefinition> = {}) {
  const swarm = new KernelSwarm();
  const contexts: WorkerContext[] = [];
  const slow = workerType('Device', {
    supervision: { ...DEFAULT_SUPERVISION, ...supervision },
    start: (_instance, context) => void contexts.push(context),
    die: () => new Promise(() => undefined),
    ...more,
  });
  const options = { drain: { timeoutMs: DRAIN_MS } };
  const [a, b] = await swarm.form(2, { types: [slow], kernel: options });
  const name = swarm.nameFor(b!);
  await swarm.settle(a!.kernel.register(name, 'Device', undefined, {}));
  const ask = ({ kernel }: KernelSwarmNode): Promise<unknown> =>
    swarm.outcome(kernel.call(name, { pattern: 'echo', data: 7, timeoutMs: 20_000, chain: [] }));
  return { swarm, contexts, name, ask, a: a!, b: b! };
}

describe('a worker whose registration ends while its last method runs', () => {
  it.each<[string, Partial<Supervision>, (context: WorkerContext) => void]>([
    ['has failed for good', { restart: 'temporary' }, (context) => context.fail(new Error('broken'))],
    ['has stopped itself', {}, (context) => context.stop()],
  ])('%s: whoever calls it is told that there is no such worker', async (_, supervision, end) => {
    const { swarm, contexts, name, ask, a, b } = await slowlyEnding(supervision);
    end(contexts[0]!);
    expect(b.kernel.lookup(name), 'the name is free when it has ended').toBeDefined();
    for (const node of [a, b]) expect(await ask(node)).toBe('ERR_SWARM_WORKER_NOT_FOUND');
    await swarm.until(() => !a.kernel.lookup(name) && !b.kernel.lookup(name));
  });

  it('is unregistered: as well', async () => {
    const { swarm, name, ask, a, b } = await slowlyEnding();
    const ended = a.kernel.unregister(name);
    await swarm.scheduler.advance(10);
    for (const node of [a, b]) expect(await ask(node)).toBe('ERR_SWARM_WORKER_NOT_FOUND');
    expect(await swarm.settle(ended)).toBe(true);
  });

  it('is no more: as well, whenever in the turn it is called in which its last method ends', async () => {
    let finish = (): void => undefined;
    const die = (): Promise<void> => new Promise((resolve) => (finish = resolve));
    const { swarm, name, b } = await slowlyEnding({}, { die });
    const ended = b.kernel.unregister(name);
    await swarm.scheduler.advance(10);
    finish();
    const calls: Promise<unknown>[] = [];
    for (let step = 0; step < 20; step++) {
      calls.push(b.kernel.call(name, { pattern: 'echo', data: 7, timeoutMs: 1_000, chain: [] }));
      calls.at(-1)!.catch(() => undefined);
      await Promise.resolve();
    }
    expect(await swarm.settle(ended)).toBe(true);
    const codes = await Promise.all(calls.map(async (call) => swarm.outcome(call)));
    expect(new Set(codes)).toEqual(new Set(['ERR_SWARM_WORKER_NOT_FOUND']));
  });
});

describe('a worker that has failed and is started anew', () => {
  it('handles what it is sent while its last method runs, when that has had its time', async () => {
    const { contexts, ask, a, b } = await slowlyEnding({ maxRestarts: 2 });
    contexts[0]!.fail(new Error('broken'));
    const asked = [a, b].map(async (node) => ask(node));
    expect(await Promise.all(asked)).toEqual([7, 7]);
    expect(contexts).toHaveLength(2);
  });
});

describe('a worker that ends with its node', () => {
  it('does not say that there is no such worker: others go on with its name', async () => {
    const { swarm, name, ask, a, b } = await slowlyEnding({}, { begin: () => new Promise(() => undefined) });
    const stopped = b.kernel.stop();
    await swarm.until(() => b.kernel.inspect().self.status === 'leaving');
    await swarm.scheduler.advance(DRAIN_MS);
    expect(a.kernel.lookup(name)?.node).toBe(b.kernel.self.id);
    expect(await ask(a)).toBe('ERR_SWARM_NODE_UNAVAILABLE');
    await swarm.settle(stopped);
    await swarm.until(() => a.kernel.lookup(name)?.node === a.kernel.self.id);
  });
});

describe('a worker that gives way in a conflict while its node leaves', () => {
  /** Two nodes that were apart; the younger of the two activations gives way, and its last method runs. */
  async function givingWay(die: () => Promise<unknown>) {
    const swarm = new KernelSwarm();
    const dying: string[] = [];
    const slow = workerType('Device', {
      die: (_instance, reason) => {
        dying.push(reason);
        return reason === 'conflict' ? die() : undefined;
      },
    });
    const [a, b] = await swarm.form(2, { types: [slow] });
    const name = swarm.nameFor(b!);
    await swarm.settle(a!.kernel.register(name, 'Device', undefined, {}));
    swarm.network.cut(a!.key, b!.key);
    await swarm.until(() => a!.kernel.lookup(name)?.node === a!.kernel.self.id);
    swarm.network.heal();
    await swarm.until(() => dying.length > 0);
    expect(dying).toEqual(['conflict']);
    await swarm.until(() => a!.kernel.lookup(name)?.node === b!.kernel.self.id);
    return { swarm, loser: a! };
  }

  it('is waited for', async () => {
    let end = (): void => undefined;
    const { swarm, loser } = await givingWay(() => new Promise<void>((resolve) => (end = resolve)));
    let isStopped = false;
    const stopped = loser.kernel.stop().then(() => (isStopped = true));
    await swarm.scheduler.advance(3_000);
    expect(isStopped).toBe(false);
    end();
    await swarm.settle(stopped, 1_000);
  });

  it('is not waited for longer than for any', async () => {
    const { swarm, loser } = await givingWay(() => new Promise(() => undefined));
    await swarm.settle(loser.kernel.stop(), 6_000);
  });
});
