import { describe, expect, it } from 'vitest';
import type { DiscoveryProvider } from '../../../lib/discovery/discovery-provider.interface.js';
import { staticQuorumRing } from '../../../lib/distribution/index.js';
import { exceededMessage, quorumWarnings } from '../../../lib/distribution/quorum-warnings.js';
import { KernelSwarm, type KernelSwarmNode, workerType } from './support/kernel-swarm.js';

const CALL = { pattern: 'slow', data: 1, timeoutMs: undefined, chain: [] };

describe('a node that stops', () => {
  it('ends everything that waits, by a typed error', async () => {
    const swarm = new KernelSwarm();
    const never = (): Promise<never> => new Promise(() => undefined);
    const type = workerType('Device', {
      start: (_instance, _context, args) => (args === 'hang' ? never() : undefined),
      handler: () => ({ accepts: 'message', invoke: never }),
    });
    const [a, b] = await swarm.form(2, {
      types: [type],
      kernel: { callTimeoutMs: 60_000, drain: { timeoutMs: 2_000 } },
    });
    const [mine, theirs] = [swarm.nameFor(a!), swarm.nameFor(b!)];
    for (const name of [mine, theirs]) await swarm.settle(a!.kernel.register(name, 'Device', undefined, {}));
    await swarm.settle(a!.kernel.joinGroup('g', theirs));
    const works = [
      a!.kernel.call(mine, CALL),
      a!.kernel.call(theirs, CALL),
      a!.kernel.multiCall('g', CALL),
      a!.kernel.register(swarm.nameFor(a!, 'here'), 'Device', 'hang', {}),
      a!.kernel.register(swarm.nameFor(b!, 'there'), 'Device', 'hang', {}),
      a!.kernel.ready({ nodes: 9 }),
    ];
    const outcomes = Promise.all(works.map((work) => swarm.outcome(work, 20_000)));
    await swarm.scheduler.advance(10);
    const stopped = a!.kernel.stop();
    for (const outcome of await outcomes) {
      expect(['ERR_SWARM_SHUTTING_DOWN', 'ERR_SWARM_NODE_UNAVAILABLE', 'ERR_SWARM_WORKER_START']).toContain(
        outcome,
      );
    }
    await swarm.settle(stopped);
    expect(await swarm.outcome(a!.kernel.call(mine, CALL))).toBe('ERR_SWARM_SHUTTING_DOWN');
    expect(() => a!.kernel.count()).toThrow(expect.objectContaining({ code: 'ERR_SWARM_SHUTTING_DOWN' }));
  });

  it('leaves nothing pending', async () => {
    const swarm = new KernelSwarm();
    const [a, b] = await swarm.form(2);
    await swarm.settle(a!.kernel.register('lamp', 'Device', undefined, {}));
    await swarm.settle(Promise.all([a!.kernel.stop(), b!.kernel.stop()]));
    await swarm.scheduler.advance(1);
    let ran = false;
    await swarm.scheduler.runUntil(() => {
      ran = swarm.scheduler.now > 20_000;
      return ran;
    }, 120_000);
    expect(ran).toBe(false);
  });

  it('may be stopped twice, before it was started, and while it starts', async () => {
    const swarm = new KernelSwarm();
    const early = swarm.boot();
    const stopped = early.kernel.stop();
    expect(early.kernel.stop()).toBe(stopped);
    await swarm.settle(stopped);
    await swarm.settle(early.started);
    const again = swarm.boot({ port: 7000 });
    await swarm.settle(again.started);
    expect(again.kernel.self.status).toBe('up');
  });

  it('withdraws from discovery although a provider fails', async () => {
    const swarm = new KernelSwarm();
    const story: string[] = [];
    const faulty: DiscoveryProvider = {
      name: 'faulty',
      start: () => Promise.reject(new Error('no')),
      candidates: async () => [],
      stop: () => Promise.reject(new Error('no')),
    };
    const sound: DiscoveryProvider = {
      name: 'sound',
      candidates: async () => [],
      stop: async () => void story.push('stopped'),
    };
    const node = swarm.boot({ discovery: [faulty, sound] });
    await swarm.settle(node.started);
    await swarm.settle(node.kernel.stop());
    expect(story).toEqual(['stopped']);
  });

  it('joins and leaves although a provider never says that it has started or stopped', async () => {
    const swarm = new KernelSwarm();
    const never = (): Promise<never> => new Promise(() => undefined);
    const hangs: DiscoveryProvider = { name: 'hangs', start: never, candidates: never, stop: never };
    const first = swarm.boot();
    await swarm.settle(first.started);
    const { kernel, logger, started } = swarm.boot({ discovery: [hangs, swarm.everyone] });
    await swarm.settle(started, 5_000);
    await swarm.settle(kernel.ready({ nodes: 2 }), 5_000);
    expect(logger.lines.join('\n')).toContain('hangs could not start: not done within 2000 ms');
    await swarm.settle(kernel.stop(), 10_000);
    expect(logger.lines.join('\n')).toContain('hangs could not withdraw this node: not done within 2000 ms');
  });
});

describe('what is logged of who is there', () => {
  const VIEW = / LOG (.* node\(s\))$/;

  function viewsOf({ logger }: KernelSwarmNode): string[] {
    return logger.lines.flatMap((line) => VIEW.exec(line)?.[1] ?? []);
  }

  it('is one line for all who come within a while, and one for each who goes', async () => {
    const swarm = new KernelSwarm();
    const [a, b, c] = await swarm.form(3);
    await swarm.scheduler.advance(100);
    await swarm.settle(b!.kernel.drain({}));
    await swarm.until(() => a!.kernel.nodes().length === 2);
    await swarm.scheduler.advance(100);
    swarm.crash(c!);
    await swarm.until(() => a!.kernel.nodes().length === 1);
    await swarm.scheduler.advance(100);
    const [joined, left, died, ...more] = viewsOf(a!);
    const [first, second] = [b!, c!].map(({ key }) => `n${key.split(':')[1]}@${key}`);
    expect(joined!.split(/, |: /).sort()).toEqual(['3 node(s)', `${first} is up`, `${second} is up`]);
    expect(left).toMatch(new RegExp(`^${first} is gone \\(.*\\): 2 node\\(s\\)$`));
    expect(died).toMatch(new RegExp(`^${second} is gone \\(.*\\): 1 node\\(s\\)$`));
    expect(more).toEqual([]);
  });

  it('tells of the end of one that dies before it was told that it is up', async () => {
    const swarm = new KernelSwarm();
    const [a, b] = await swarm.form(2);
    const { id } = b!.kernel.self;
    expect(viewsOf(a!), 'nothing told yet').toEqual([]);
    swarm.crash(b!);
    await swarm.until(() => a!.kernel.nodes().length === 1);
    await swarm.scheduler.advance(200);
    expect(viewsOf(a!)).toEqual([`${id} is gone (nothing listens at its address any more): 1 node(s)`]);
  });
});

describe('a quorum that does not fit the number of nodes', () => {
  it('keeps the newest node from hosting, and every node says so once, when the number has come to rest', async () => {
    const swarm = new KernelSwarm();
    const options = { kernel: { strategy: staticQuorumRing({ size: 2 }) } };
    await swarm.form(2, options);
    const [third, fourth] = await swarm.form(2, options);
    const told: string[] = [];
    for (const { kernel, key } of swarm.nodes)
      kernel.onEvent((event) => {
        if (event.type === 'quorum-exceeded') told.push(`${key} ${event.workerType} ${event.nodes.join()}`);
      });
    const errors = (): string[] =>
      swarm.nodes.flatMap(({ logger }) => logger.lines.filter((line) => / ERROR Device: /.test(line)));
    await swarm.settle(third!.kernel.ready({ nodes: 4 }));
    expect(errors()).toEqual([]);
    await swarm.scheduler.advance(30_000);
    const incarnations = [third, fourth].map((node) => node!.kernel.self);
    const [, newest] = incarnations.sort((a, b) => a.incarnation - b.incarnation || (a.id < b.id ? -1 : 1));
    expect(errors()).toHaveLength(4);
    for (const line of errors()) expect(line).toContain(exceededMessage('Device', 2, [newest!.id]));
    expect(told.sort()).toEqual(swarm.nodes.map(({ key }) => `${key} Device ${newest!.id}`).sort());
    for (const { kernel } of swarm.nodes) {
      expect(kernel.inspect().exceeded).toEqual([{ type: 'Device', nodes: [newest!.id] }]);
      const owners = Array.from({ length: 100 }, (_, index) => kernel.ownerOf(`name-${index}`, 'Device'));
      expect(owners).not.toContain(newest!.id);
    }
  });

  it('is warned about once, on every node, when an even number has come to rest', async () => {
    const swarm = new KernelSwarm();
    const options = { kernel: { strategy: staticQuorumRing({ size: 3 }) } };
    await swarm.form(2, options);
    const [third] = await swarm.form(2, options);
    const lines = (level: string): string[] =>
      swarm.nodes.flatMap(({ logger }) => logger.lines.filter((line) => line.includes(` ${level} Device: `)));
    await swarm.settle(third!.kernel.ready({ nodes: 4 }));
    expect(lines('WARN')).toEqual([]);
    await swarm.scheduler.advance(30_000);
    expect(lines('WARN')).toHaveLength(4);
    for (const line of lines('WARN')) expect(line).toContain(quorumWarnings('Device', 4, 3)[0]);
    expect(lines('ERROR')).toEqual([]);
    for (const { kernel } of swarm.nodes) expect(kernel.inspect().exceeded).toEqual([]);
  });
});
