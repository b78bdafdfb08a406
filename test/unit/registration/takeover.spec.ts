import { describe, expect, it } from 'vitest';
import { KernelSwarm, workerType, type KernelSwarmNode } from '../node/support/kernel-swarm.js';

function hostOf(at: KernelSwarmNode, name: string): string | undefined {
  return at.kernel.lookup(name)?.node;
}

describe('the workers of a node that dies', () => {
  it('run on the others again, each once, with their arguments', async () => {
    const started: string[] = [];
    const type = workerType('Device', {
      start: (_, { name, node }, args) => void started.push(`${name} ${node} ${String(args)}`),
    });
    const swarm = new KernelSwarm();
    const [a, b, victim] = await swarm.form(3, { types: [type] });
    const names = Array.from({ length: 30 }, (_, index) => `name-${index}`);
    await swarm.settle(Promise.all(names.map((name) => a!.kernel.register(name, 'Device', `${name}!`, {}))));
    const dead = victim!.kernel.self.id;
    const lost = names.filter((name) => hostOf(a!, name) === dead);
    started.length = 0;
    swarm.crash(victim!);
    const isBack = (at: KernelSwarmNode, name: string): boolean =>
      ![dead, undefined].includes(hostOf(at, name));
    await swarm.until(() => names.every((name) => isBack(a!, name) && isBack(b!, name)));
    expect(lost.length).toBeGreaterThan(0);
    expect(started).toHaveLength(lost.length);
    for (const line of started) expect(line).toMatch(/^(\S+) \S+ \1!$/);
  });

  it('are not lost when the node that takes them over stops while they start', async () => {
    let slow = false;
    const swarm = new KernelSwarm();
    const later = (ms: number): Promise<void> =>
      new Promise((resolve) => swarm.scheduler.schedule(swarm.scheduler.now + ms, resolve));
    const type = workerType('Device', {
      // Its other workers take longer to end than this one to start.
      create: () => ({ early: !slow }),
      die: (worker) => ((worker as { early: boolean }).early && slow ? later(4_000) : undefined),
      // Only the first node takes its time.
      start: (_, { node }) => (slow && node.startsWith('n7000') ? later(2_000) : undefined),
    });
    const [a, b, victim] = await swarm.form(3, { types: [type] });
    const names = Array.from({ length: 30 }, (_, index) => `name-${index}`);
    await swarm.settle(Promise.all(names.map((name) => b!.kernel.register(name, 'Device', undefined, {}))));
    slow = true;
    swarm.crash(victim!);
    const own = a!.kernel.self.id;
    const isStarting = (): boolean =>
      a!.kernel.inspect().rows.some(({ node, starting }) => node === own && starting > 0);
    await swarm.until(isStarting);
    await swarm.settle(a!.kernel.stop());
    await swarm.until(() => names.every((name) => hostOf(b!, name) === b!.kernel.self.id));
  });

  it('are tried again later when they could not be begun at once', async () => {
    const swarm = new KernelSwarm();
    const [a, b] = await swarm.form(2, { kernel: { registerTimeoutMs: 300 } });
    const name = swarm.nameFor(b!);
    await swarm.settle(a!.kernel.register(name, 'Device', undefined, {}));
    // Until another swarm's rows are known nothing is begun; longer than a start waits.
    const pending = (a!.kernel as unknown as { assembly: { membership: object } }).assembly.membership;
    let may = true;
    Object.defineProperty(pending, 'mayStart', { get: () => may, configurable: true });
    swarm.crash(b!);
    await swarm.until(() => a!.kernel.inspect().queues['restarts']! > 0);
    may = false;
    await swarm.scheduler.advance(1_000);
    may = true;
    await swarm.until(() => hostOf(a!, name) === a!.kernel.self.id, 5_000);
  });

  it('are given up after some attempts when their start throws', async () => {
    let broken = false;
    const type = workerType('Device', {
      start() {
        if (broken) throw new Error('no power');
      },
    });
    const swarm = new KernelSwarm();
    const [a, b] = await swarm.form(2, { types: [type] });
    const name = swarm.nameFor(b!);
    await swarm.settle(a!.kernel.register(name, 'Device', undefined, {}));
    const events: string[] = [];
    a!.kernel.onEvent((event) => events.push(event.type));
    broken = true;
    swarm.crash(b!);
    await swarm.until(() => events.includes('worker-stopped'));
    broken = false;
    await swarm.settle(a!.kernel.register(name, 'Device', undefined, {}));
    expect(hostOf(a!, name)).toBe(a!.kernel.self.id);
  });
});
