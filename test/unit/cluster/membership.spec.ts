import { describe, expect, it } from 'vitest';
import { FrameKind } from '../../../lib/transport/frame.js';
import { KernelSwarm, type KernelSwarmNode } from '../node/support/kernel-swarm.js';

function upAt({ kernel }: KernelSwarmNode): number {
  return kernel.nodes().filter(({ status }) => status === 'up').length;
}

describe('a node that joins', () => {
  it('is up alone only after it has looked for others long enough', async () => {
    const swarm = new KernelSwarm();
    const node = swarm.boot();
    await swarm.scheduler.advance(900);
    expect(node.kernel.self.status).toBe('joining');
    await swarm.settle(node.started, 1_000);
    expect(node.kernel.self.status).toBe('up');
  });

  it('is up at once where nobody can be found', async () => {
    const swarm = new KernelSwarm();
    const node = swarm.boot({ discovery: [] });
    await swarm.settle(node.started, 10);
    expect(node.kernel.self.status).toBe('up');
  });

  it('becomes one swarm with those that start in the same instant', async () => {
    for (const count of [2, 3, 5, 10]) {
      const swarm = new KernelSwarm();
      const nodes = await swarm.form(count);
      expect(nodes.map(upAt)).toEqual(nodes.map(() => count));
      expect(swarm.scheduler.now).toBeLessThan(5_000);
    }
  });

  it('is not up before every member has adopted it, and is then', async () => {
    const swarm = new KernelSwarm();
    const [a, b] = await swarm.form(2);
    swarm.loses = (frame, from) => frame.kind === FrameKind.Adopted && from === b!.key;
    const late = swarm.boot();
    await swarm.until(() => upAt(late) === 2);
    await swarm.scheduler.advance(1_000);
    expect(late.kernel.self.status).toBe('joining');
    swarm.loses = () => false;
    swarm.network.breakLink(late.key, b!.key);
    await swarm.until(() => late.kernel.self.status === 'up');
    await swarm.until(() => upAt(a!) === 3);
  });

  it('does not wait for a member that dies meanwhile', async () => {
    const swarm = new KernelSwarm();
    const [, b] = await swarm.form(2);
    swarm.loses = (frame, from) => frame.kind === FrameKind.Adopted && from === b!.key;
    const late = swarm.boot();
    await swarm.until(() => upAt(late) === 2);
    swarm.crash(b!);
    await swarm.until(() => late.kernel.self.status === 'up', 2_000);
  });

  it('waits for a member that only others can reach as long as for a silent one, not longer', async () => {
    const swarm = new KernelSwarm();
    const [a, b] = await swarm.form(2);
    swarm.network.cut('10.0.0.1:7002', b!.key);
    const late = swarm.boot({ port: 7002 });
    await swarm.until(() => upAt(late) >= 1 && upAt(a!) >= 2);
    await swarm.scheduler.advance(1_000);
    expect(late.kernel.self.status).toBe('joining');
    await swarm.until(() => late.kernel.self.status === 'up', 8_000);
  });

  it('finishes its start by its deadline although it goes on joining, and says for whom it waits', async () => {
    const swarm = new KernelSwarm();
    const [a] = await swarm.form(1);
    swarm.loses = (frame) => frame.kind === FrameKind.Adopted;
    const late = swarm.boot();
    await swarm.settle(late.started, 6_000);
    expect(late.kernel.self.status).toBe('joining');
    expect(late.logger.lines.join('\n')).toContain(a!.kernel.self.id);
    const ready = late.kernel.ready({ timeoutMs: 500 });
    expect(await swarm.outcome(ready)).toBe('ERR_SWARM_OPERATION_TIMEOUT');
  });
});

describe('a member', () => {
  it('that dies is gone at once when its machine refuses connections', async () => {
    const swarm = new KernelSwarm();
    const [a, b] = await swarm.form(2);
    swarm.crash(b!);
    await swarm.until(() => upAt(a!) === 1, 500);
  });

  it('that falls silent is gone after it was silent long enough, and comes back when it is heard again', async () => {
    const swarm = new KernelSwarm();
    const [a, b] = await swarm.form(2);
    swarm.network.cut(a!.key, b!.key);
    await swarm.scheduler.advance(1_500);
    expect(upAt(a!)).toBe(2);
    await swarm.until(() => upAt(a!) === 1 && upAt(b!) === 1, 5_000);
    swarm.network.heal();
    await swarm.until(() => upAt(a!) === 2 && upAt(b!) === 2);
  });

  it('that lost its link for a moment stays', async () => {
    const swarm = new KernelSwarm();
    const [a, b] = await swarm.form(2);
    const events: string[] = [];
    a!.kernel.onEvent(({ type }) => events.push(type));
    for (let i = 0; i < 5; i++) {
      swarm.network.breakLink(a!.key, b!.key);
      await swarm.scheduler.advance(300);
    }
    expect(upAt(a!)).toBe(2);
    expect(events).toEqual([]);
  });

  it('that starts anew under the same id replaces what it was', async () => {
    const swarm = new KernelSwarm();
    const [a, b] = await swarm.form(2);
    const before = b!.kernel.self.incarnation;
    swarm.crash(b!);
    const again = swarm.boot({ port: 7001 });
    await swarm.settle(again.started);
    await swarm.until(
      () => a!.kernel.nodes().some(({ incarnation }) => incarnation > before) && upAt(a!) === 2,
    );
    expect(again.kernel.self.id).toBe(b!.kernel.self.id);
  });

  it('that stops leaves the rings of the others before it goes', async () => {
    const swarm = new KernelSwarm();
    const [a, b] = await swarm.form(2);
    await swarm.settle(b!.kernel.stop());
    await swarm.until(() => a!.kernel.nodes().length === 1, 100);
    expect(a!.kernel.inspect().ring).toEqual([a!.kernel.self.id]);
  });
});
