import { describe, expect, it } from 'vitest';
import type { DiscoveryProvider } from '../../../lib/discovery/discovery-provider.interface.js';
import { staticQuorumRing } from '../../../lib/distribution/index.js';
import { VirtualRuntime } from '../../../lib/runtime/virtual.runtime.js';
import { FrameKind } from '../../../lib/transport/frame.js';
import type { MemoryTransport } from '../../../lib/transport/memory/memory.transport.js';
import { KernelSwarm, type KernelSwarmNode, workerType } from '../node/support/kernel-swarm.js';

function upAt({ kernel }: KernelSwarmNode): number {
  return kernel.nodes().filter(({ status }) => status === 'up').length;
}

/** Finds the first of its nodes only. */
function seedOf(swarm: KernelSwarm): DiscoveryProvider {
  return { name: 'seed', candidates: async () => (await swarm.everyone.candidates()).slice(0, 1) };
}

/** What a node tells from now on, by type. */
function eventsOf({ kernel }: KernelSwarmNode): string[] {
  const types: string[] = [];
  kernel.onEvent(({ type }) => types.push(type));
  return types;
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

  it('finds all from one seed, also where many that know no other start in the same instant, and asks few for their lists', async () => {
    for (const count of [2, 3, 12]) {
      const swarm = new KernelSwarm();
      let lists = 0;
      swarm.loses = (frame) => {
        if (frame.kind === FrameKind.Roll && frame.members.length > 0) lists++;
        return false;
      };
      const nodes = await swarm.form(count, { discovery: [seedOf(swarm)] });
      expect(nodes.map(upAt)).toEqual(nodes.map(() => count));
      expect(swarm.scheduler.now).toBeLessThan(2_000);
      expect(lists, `of ${count} nodes`).toBeLessThanOrEqual(2 * count);
      lists = 0;
      const late = swarm.boot({ discovery: [seedOf(swarm)] });
      await swarm.until(() => upAt(late) === count + 1, 1_000);
      expect(lists).toBeLessThanOrEqual(2);
    }
  });

  it('is not up before it knows whom the members know, and asks again for a list that is lost', async () => {
    const swarm = new KernelSwarm();
    const [a, b] = await swarm.form(2, { discovery: [seedOf(swarm)] });
    swarm.loses = (frame) => frame.kind === FrameKind.Roll && frame.members.length > 0;
    const late = swarm.boot({ discovery: [seedOf(swarm)] });
    await swarm.until(() => upAt(a!) === 2 && a!.kernel.nodes().length === 3);
    await swarm.scheduler.advance(1_500);
    expect([late.kernel.self.status, late.kernel.nodes().length]).toEqual(['joining', 2]);
    const ready = late.kernel.ready({ timeoutMs: 10 });
    await swarm.outcome(ready);
    await expect(ready).rejects.toThrow(`waiting for ${a!.kernel.self.id}`);
    swarm.loses = () => false;
    await swarm.until(() => [a!, b!, late].every((node) => upAt(node) === 3), 2_000);
  });

  it('hears of whom another swarm knows from the first of them that it meets', async () => {
    const swarm = new KernelSwarm();
    const [a, b, c, d] = await Promise.all(
      [0, 1, 2, 3].map(async (index) => swarm.boot({ discovery: index % 2 === 1 ? [of(index - 1)] : [] })),
    );
    function of(index: number): DiscoveryProvider {
      return { name: 'one', candidates: async () => [{ host: '10.0.0.1', port: 7000 + index }] };
    }
    const all = [a!, b!, c!, d!];
    await swarm.until(() => all.every((node) => upAt(node) === 2), 5_000);
    const meets = swarm.boot({ discovery: [of(1), of(2)] });
    await swarm.until(() => [...all, meets].every((node) => upAt(node) === 5), 2_000);
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

  it('is linked to a member that only others can reach by way of one of them, within about a second', async () => {
    const swarm = new KernelSwarm();
    const [a, b] = await swarm.form(2);
    const names = Array.from({ length: 20 }, (_, index) => `name-${index}`);
    await Promise.all(names.map((name) => swarm.settle(b!.kernel.register(name, 'Device', undefined, {}))));
    const opened: string[] = [];
    b!.kernel.onEvent((event) => event.type === 'relay-opened' && opened.push(`${event.node} ${event.via}`));
    swarm.network.cut('10.0.0.1:7002', b!.key);
    const from = swarm.scheduler.now;
    const late = swarm.boot({ port: 7002 });
    await swarm.until(() => [a!, b!, late].every((node) => upAt(node) === 3), 5_000);
    expect(swarm.scheduler.now - from).toBeLessThan(1_500);
    expect(opened).toEqual([`${late.kernel.self.id} ${a!.kernel.self.id}`]);
    const isThere = (name: string): boolean => late.kernel.lookup(name)?.node === b!.kernel.self.id;
    const name = names.find(isThere) ?? 'none is there';
    const echo = { pattern: 'echo', data: 7, timeoutMs: 100, chain: [] };
    expect(await swarm.settle(late.kernel.call(name, echo))).toBe(7);
  });

  it('does not wait for a member that nobody hears, once the others were asked, and says so', async () => {
    const swarm = new KernelSwarm();
    const [a, b] = await swarm.form(2);
    for (const key of ['10.0.0.1:7002', a!.key]) swarm.network.cut(key, b!.key);
    const from = swarm.scheduler.now;
    const late = swarm.boot({ port: 7002 });
    await swarm.until(() => upAt(late) >= 1 && upAt(a!) >= 2);
    expect(late.kernel.self.status).toBe('joining');
    await swarm.until(() => late.kernel.self.status === 'up', 8_000);
    expect(swarm.scheduler.now - from, 'a dial, a poll and a round of discovery').toBeLessThan(2_000);
    const warned = late.logger.lines.filter((line) => line.includes('WARN'));
    expect(warned).toEqual([expect.stringContaining(`${b!.kernel.self.id} is a member for others`)]);
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

describe('a node that is refused', () => {
  // It was replaced by another process of its name and address, which must not be; it goes on dialling.
  it('says so once a minute, however often it dials', async () => {
    const swarm = new KernelSwarm();
    const address = { host: '10.0.0.1', port: 7099 };
    let asked = 0;
    const refusing = swarm.network.transport(address, new VirtualRuntime(swarm.scheduler));
    await refusing.open(() => ({
      ...{ linkOpened() {}, linkClosed() {}, drained() {}, frame() {}, dialed() {} },
      hello: () => ({
        ...{ cluster: 'test', protocol: { min: 2, max: 2 }, status: 'up', roll: 0 },
        node: {
          ...{ id: 'other@10.0.0.1:7099', name: 'other', ...address, incarnation: 1, firstIncarnation: 1 },
          ...{ weight: 1, labels: {}, hosting: true, types: [], leaseMs: 3_000, quorums: {} },
        },
      }),
      admit: ({ node, status }) => {
        // One that is still joining would take a newer stamp.
        if (status === 'joining') return { code: 'closing', message: 'not yet' };
        asked++;
        return { code: 'stale-incarnation', message: 'it was replaced', incarnation: node.incarnation };
      },
    }));
    const node = swarm.boot({
      discovery: [{ name: 'one', candidates: () => Promise.resolve([address]) }],
    });
    await swarm.until(() => node.kernel.self.status === 'up');
    const told = (): number => node.logger.lines.filter((line) => line.includes('it was replaced')).length;
    asked = 0;
    await swarm.scheduler.advance(50_000);
    expect(asked).toBeGreaterThan(5);
    expect(told()).toBe(1);
    await swarm.scheduler.advance(15_000);
    expect(told()).toBe(2);
  });
});

describe('a full link', () => {
  it('that has room again is told what it had refused, without which nothing that is said over it counts for a lease', async () => {
    const swarm = new KernelSwarm();
    const types = [workerType('Once', { strategy: staticQuorumRing({ size: 2 }) })];
    const [a, b] = await swarm.form(2, { types });
    const hasLease = (): boolean => a!.kernel.inspect().leases.every(({ leftMs }) => leftMs > 0);
    await swarm.until(hasLease);
    // Both other nodes know a third one by their next views, and neither gets through to `a`.
    swarm.loses = ({ kind }, from) => kind === FrameKind.View && from !== a!.key;
    const late = swarm.boot({ types });
    await swarm.settle(late.started);
    await swarm.until(() => !hasLease());
    await swarm.scheduler.advance(5_000);
    expect(hasLease()).toBe(false);
    swarm.loses = () => false;
    (b!.transport as MemoryTransport).handler!.drained(a!.kernel.self.id);
    await swarm.until(hasLease, 1_000);
  });
});

describe('a member', () => {
  it('that dies is gone at once when its machine refuses connections', async () => {
    const swarm = new KernelSwarm();
    const [a, b] = await swarm.form(2);
    swarm.crash(b!);
    await swarm.until(() => upAt(a!) === 1, 500);
  });

  it('that falls silent is suspected after it was silent long enough, gone when nobody hears it, and comes back when it is heard again', async () => {
    const swarm = new KernelSwarm();
    const [a, b] = await swarm.form(2);
    const events = eventsOf(a!);
    swarm.network.cut(a!.key, b!.key);
    const cutAt = swarm.scheduler.now;
    await swarm.scheduler.advance(1_500);
    expect([upAt(a!), events]).toEqual([2, []]);
    await swarm.until(() => upAt(a!) === 1 && upAt(b!) === 1, 5_000);
    expect(swarm.scheduler.now - cutAt).toBeLessThan(3_000 + 500 + 250);
    swarm.network.heal();
    await swarm.until(() => upAt(a!) === 2 && upAt(b!) === 2);
    expect(events).toEqual(['node-suspected', 'node-down', 'node-up', 'swarm-merged']);
  });

  it('whose link has lost what it said is dialled anew, and not suspected where it answers', async () => {
    const swarm = new KernelSwarm();
    const [a, b] = await swarm.form(2);
    const events = [eventsOf(a!), eventsOf(b!)];
    const from = swarm.scheduler.now;
    const isReplaced = (): boolean =>
      [a!, b!].some(({ logger }) => logger.lines.some((line) => line.includes('is closed: disconnected')));
    swarm.loses = () => !isReplaced();
    await swarm.until(isReplaced, 3_000);
    await swarm.scheduler.advance(5_000);
    expect(swarm.scheduler.now - from).toBeLessThan(3_000 + 5_000);
    expect([upAt(a!), upAt(b!), ...events]).toEqual([2, 2, [], []]);
    const name = swarm.nameFor(b!);
    await swarm.settle(a!.kernel.register(name, 'Device', undefined, {}));
    expect(
      await swarm.settle(a!.kernel.call(name, { pattern: 'echo', data: 7, timeoutMs: 100, chain: [] })),
    ).toBe(7);
  });

  it('that was stopped for a while keeps its link, whatever it answers first when it goes on', async () => {
    const swarm = new KernelSwarm();
    const [a, b] = await swarm.form(2);
    swarm.network.pause(b!.key);
    await swarm.scheduler.advance(2_500);
    swarm.network.resume(b!.key);
    await swarm.scheduler.advance(3_000);
    const closed = [a!, b!]
      .flatMap(({ logger }) => logger.lines)
      .filter((line) => line.includes('is closed'));
    expect(closed).toEqual([]);
  });

  it('that is silent for one and heard by another stays, and is reached by way of that one until it is heard again', async () => {
    const swarm = new KernelSwarm();
    const [a, b, c] = await swarm.form(3);
    const name = swarm.nameFor(b!);
    await swarm.settle(b!.kernel.register(name, 'Device', undefined, {}));
    const events = eventsOf(a!);
    const echo = { pattern: 'echo', data: 7, timeoutMs: 100, chain: [] };
    swarm.network.cut(a!.key, b!.key);
    await swarm.until(() => events.includes('relay-opened'), 3_000 + 500 + 250);
    expect(await swarm.settle(a!.kernel.call(name, echo))).toBe(7);
    await swarm.scheduler.advance(10_000);
    expect(await swarm.settle(a!.kernel.call(name, echo))).toBe(7);
    expect([a!, b!, c!].map(upAt)).toEqual([3, 3, 3]);
    const relayed = (): boolean =>
      a!.kernel
        .inspect()
        .transport.links.some(({ peer, via }) => peer === b!.kernel.self.id && via !== undefined);
    expect(relayed()).toBe(true);
    swarm.network.heal();
    await swarm.until(() => !relayed(), 10_000);
    expect(await swarm.settle(a!.kernel.call(name, echo))).toBe(7);
    expect(events.at(-1)).toBe('relay-closed');
    // Two that open a link to each other in one instant may do it twice.
    const seen = ['node-suspected', 'suspicion-refuted', 'relay-opened', 'relay-closed'];
    expect([...new Set(events)]).toEqual(seen);
  });

  it('that lost its link for a moment stays', async () => {
    const swarm = new KernelSwarm();
    const [a, b] = await swarm.form(2);
    const events = eventsOf(a!);
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
