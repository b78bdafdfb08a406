import { describe, expect, it } from 'vitest';
import type { Arbiter } from '../../../lib/registration/arbiter.js';
import type { Copies } from '../../../lib/registration/copies.js';
import type { Endings } from '../../../lib/registration/endings.js';
import { Registrar } from '../../../lib/registration/registrar.js';
import type { RegistrationParts } from '../../../lib/registration/registration-parts.js';
import type { Starts, StartSpec } from '../../../lib/registration/starts.js';
import { Forgotten } from '../../../lib/tracker/forgotten.js';
import { type Frame, FrameKind } from '../../../lib/transport/frame.js';
import { KernelSwarm, workerType, type KernelSwarmNode } from '../node/support/kernel-swarm.js';

const REGISTER_TIMEOUT_MS = 10_000;

function register(node: KernelSwarmNode, name: string, args?: unknown, type = 'Device'): Promise<unknown> {
  return node.kernel.register(name, type, args, {});
}

describe('a registration', () => {
  it('starts the worker on the node that the strategy names, whoever asks', async () => {
    const swarm = new KernelSwarm();
    const [a, b] = await swarm.form(2);
    const name = swarm.nameFor(b!);
    await swarm.settle(register(a!, name));
    expect(a!.kernel.lookup(name)?.node).toBe(b!.kernel.self.id);
    const call = { pattern: 'echo', data: 7, timeoutMs: undefined, chain: [] };
    expect(await swarm.settle(a!.kernel.call(name, call))).toBe(7);
  });

  it('is given to one of those who want the same name in the same instant', async () => {
    const swarm = new KernelSwarm();
    const nodes = await swarm.form(3);
    for (let round = 0; round < 20; round++) {
      const wanted = nodes.map((node) => register(node, `lamp-${round}`));
      const outcomes = await Promise.all(wanted.map((work) => swarm.outcome(work)));
      const lost = outcomes.filter((outcome) => outcome === 'ERR_SWARM_ALREADY_REGISTERED');
      expect(lost).toHaveLength(2);
    }
  });

  it('is given to one of two nodes that pin an object of their own', async () => {
    const swarm = new KernelSwarm();
    const nodes = await swarm.form(2);
    for (let round = 0; round < 20; round++) {
      const wanted = nodes.map(({ kernel }) =>
        kernel.registerLocal(`pin-${round}`, workerType('Pinned'), {}),
      );
      const outcomes = await Promise.all(wanted.map((work) => swarm.outcome(work)));
      expect(outcomes.filter((outcome) => outcome === 'ERR_SWARM_ALREADY_REGISTERED')).toHaveLength(1);
    }
  });

  it('that waits while another node gets and gives up the name has the higher fence', async () => {
    const swarm = new KernelSwarm();
    const [a, b, c] = await swarm.form(3);
    const name = swarm.nameFor(b!);
    swarm.network.cut(b!.key, c!.key);
    const later = c!.kernel.registerLocal(name, workerType('Pinned'), {});
    await swarm.scheduler.advance(10);
    const first = await swarm.settle(a!.kernel.registerLocal(name, workerType('Pinned'), {}));
    expect(await swarm.settle(a!.kernel.unregister(name))).toBe(true);
    swarm.network.heal();
    const row = await swarm.settle(later);
    expect(row.node).toBe(c!.kernel.self.id);
    expect(row.fence).toBeGreaterThan(first.fence);
  });

  it('of a name that is held says by whom', async () => {
    const swarm = new KernelSwarm();
    const [a, b] = await swarm.form(2);
    await swarm.settle(register(a!, 'lamp'));
    for (const node of [a!, b!]) {
      await expect(swarm.settle(register(node, 'lamp'))).rejects.toMatchObject({
        code: 'ERR_SWARM_ALREADY_REGISTERED',
        ref: { name: 'lamp', type: 'Device' },
      });
    }
  });

  it('leaves the name free when the start throws, whatever that is, on this node and on another', async () => {
    const hostile = Object.create(null) as object;
    for (const thrown of [new Error('no power'), 'text', undefined, hostile]) {
      const swarm = new KernelSwarm();
      const faulty = workerType('Device', {
        start(_instance, _context, args) {
          if (args === 'throw') throw thrown;
        },
      });
      const [a, b] = await swarm.form(2, { types: [faulty] });
      for (const owner of [a!, b!]) {
        const name = swarm.nameFor(owner);
        const failed = await swarm.outcome(register(a!, name, 'throw'));
        expect(failed).toBe('ERR_SWARM_WORKER_START');
        await swarm.settle(register(b!, name));
      }
    }
  });

  it('that hangs in its start ends at its deadline and leaves the name free', async () => {
    const swarm = new KernelSwarm();
    const hanging = workerType('Device', {
      start: (_instance, _context, args) => (args === 'hang' ? new Promise(() => undefined) : undefined),
    });
    const [a, b] = await swarm.form(2, { types: [hanging] });
    const name = swarm.nameFor(b!);
    const began = swarm.scheduler.now;
    const failed = await swarm.outcome(register(a!, name, 'hang'));
    expect(failed).toBe('ERR_SWARM_OPERATION_TIMEOUT');
    expect(swarm.scheduler.now - began).toBeLessThanOrEqual(REGISTER_TIMEOUT_MS + 100);
    await swarm.settle(register(a!, name));
  });

  it('ends at its deadline although no peer acknowledges it', async () => {
    const swarm = new KernelSwarm();
    const [a] = await swarm.form(2);
    const name = swarm.nameFor(a!);
    swarm.loses = (frame) => frame.kind === FrameKind.BatchAck;
    const began = swarm.scheduler.now;
    const failed = await swarm.outcome(register(a!, name), 30_000);
    expect(failed).toBe('ERR_SWARM_OPERATION_TIMEOUT');
    expect(swarm.scheduler.now - began).toBeLessThanOrEqual(REGISTER_TIMEOUT_MS + 100);
    expect(a!.kernel.inspect().queues['waitingForAcks']).toBe(0);
    const ended = await swarm.outcome(a!.kernel.unregister(name), 30_000);
    expect(ended).toBe('ERR_SWARM_OPERATION_TIMEOUT');
  });

  it('is begun elsewhere when its owner is just leaving', async () => {
    const swarm = new KernelSwarm();
    const slow = workerType('Device', { die: () => new Promise(() => undefined) });
    const [a, b] = await swarm.form(2, { types: [slow] });
    await swarm.settle(register(a!, swarm.nameFor(b!)));
    const name = swarm.nameFor(b!, 'other');
    const stopped = b!.kernel.stop();
    const registered = await swarm.settle(register(a!, name));
    expect(registered).toMatchObject({ node: a!.kernel.self.id });
    await swarm.settle(stopped);
  });

  it('of a type that nobody provides, or nobody may host, says so', async () => {
    const swarm = new KernelSwarm();
    const provider = workerType('Sensor');
    const [a] = await swarm.form(1);
    expect(await swarm.outcome(register(a!, 'x', undefined, 'Nothing'))).toBe(
      'ERR_SWARM_UNKNOWN_WORKER_TYPE',
    );
    const client = swarm.boot({ types: [provider], hosting: false });
    await swarm.settle(client.started);
    const refused = await swarm.outcome(register(client, 'x', undefined, 'Sensor'));
    expect(refused).toBe('ERR_SWARM_NO_NODE_AVAILABLE');
  });

  it('of a type whose only provider is leaving is not told to provide the class', async () => {
    const swarm = new KernelSwarm();
    const slow = workerType('Device', { die: () => new Promise(() => undefined) });
    const [only] = await swarm.form(1, { types: [slow] });
    await swarm.settle(register(only!, 'x'));
    const stopped = only!.kernel.stop();
    await swarm.until(() => only!.kernel.self.status === 'leaving');
    await expect(register(only!, 'y')).rejects.toMatchObject({
      code: 'ERR_SWARM_NO_NODE_AVAILABLE',
      message: expect.stringContaining('it is leaving'),
    });
    await swarm.settle(stopped);
  });

  it('may be made by a worker from its own start', async () => {
    const swarm = new KernelSwarm();
    const nodes: KernelSwarmNode[] = [];
    const parent = workerType('Device', {
      async start(_instance, _context, args) {
        if (args !== undefined) await register(nodes[0]!, String(args));
      },
    });
    nodes.push(...(await swarm.form(2, { types: [parent] })));
    await swarm.settle(register(nodes[0]!, 'parent', 'child'));
    expect(nodes[0]!.kernel.lookup('child')).toBeDefined();
  });

  it('that a worker makes of its own name ends by an error and not never', async () => {
    const swarm = new KernelSwarm();
    const nodes: KernelSwarmNode[] = [];
    const selfish = workerType('Device', { start: (_, { name }) => register(nodes[0]!, name) });
    nodes.push(...(await swarm.form(1, { types: [selfish] })));
    const outcome = await swarm.outcome(register(nodes[0]!, 'lamp'), 30_000);
    expect(['ERR_SWARM_OPERATION_TIMEOUT', 'ERR_SWARM_WORKER_START']).toContain(outcome);
  });

  it('takes any name that a user may give', async () => {
    const swarm = new KernelSwarm();
    const [a, b] = await swarm.form(2);
    for (const name of ['__proto__', 'constructor', 'ü/日本', 'x'.repeat(1_024)]) {
      await swarm.settle(register(a!, name));
      expect(b!.kernel.lookup(name)?.name).toBe(name);
      expect(await swarm.settle(b!.kernel.unregister(name))).toBe(true);
    }
  });
});

describe('an unregistration', () => {
  it('frees the name everywhere, from any node, and says whether it was held', async () => {
    const swarm = new KernelSwarm();
    const [a, b, c] = await swarm.form(3);
    const name = swarm.nameFor(b!);
    await swarm.settle(register(a!, name));
    expect(await swarm.settle(c!.kernel.unregister(name))).toBe(true);
    expect(await swarm.settle(a!.kernel.unregister(name))).toBe(false);
    await swarm.settle(register(a!, name));
  });

  it('by a process that has just come back ends what the one before it ran', async () => {
    const swarm = new KernelSwarm();
    const [a, b, c] = await swarm.form(3);
    const names = Array.from({ length: 20 }, (_, index) => swarm.nameFor(a!, `device-${index}`));
    await swarm.settle(Promise.all(names.map((name) => register(b!, name))));
    swarm.crash(a!);
    const again = swarm.boot({ port: 7000 });
    const ends = await swarm.settle(Promise.all(names.map((name) => again.kernel.unregister(name))));
    expect(ends).toEqual(names.map(() => true));
    await swarm.settle(again.started);
    await swarm.scheduler.advance(2_000);
    for (const { kernel } of [b!, c!, again]) expect(kernel.count()).toBe(0);
  });

  it('whose question is lost with a link is asked again', async () => {
    const swarm = new KernelSwarm();
    const [a, b] = await swarm.form(2);
    const names = [swarm.nameFor(b!), swarm.nameFor(b!, 'other')];
    await swarm.settle(Promise.all(names.map((name) => register(a!, name))));
    const whileItTravels = a!.kernel.unregister(names[0]!);
    swarm.network.breakLink(a!.key, b!.key);
    expect(await swarm.settle(whileItTravels)).toBe(true);
    swarm.network.breakLink(a!.key, b!.key);
    const beforeItIsSent = a!.kernel.unregister(names[1]!);
    expect(await swarm.settle(beforeItIsSent)).toBe(true);
  });

  it('whose answer is lost with a link says that it does not know who has ended the worker', async () => {
    const swarm = new KernelSwarm();
    const [a, b] = await swarm.form(2);
    const name = swarm.nameFor(b!);
    await swarm.settle(register(a!, name));
    const isAnswer = (frame: Frame, from: string): boolean =>
      frame.kind === FrameKind.Response && from === b!.key;
    swarm.loses = (frame, from) => {
      if (!isAnswer(frame, from)) return false;
      swarm.loses = () => false;
      swarm.network.breakLink(a!.key, b!.key);
      return true;
    };
    expect(await swarm.outcome(a!.kernel.unregister(name))).toBe('ERR_SWARM_NODE_UNAVAILABLE');
    expect(a!.kernel.lookup(name)).toBeUndefined();
    expect(await swarm.settle(a!.kernel.unregister(name))).toBe(false);
  });

  it('ends what has the name by now if its question never left', async () => {
    const swarm = new KernelSwarm();
    const [a, b] = await swarm.form(2);
    const name = swarm.nameFor(b!);
    await swarm.settle(register(a!, name));
    // The transport says so before the kernel hears of it: nobody is asked.
    const { send } = a!.transport;
    let refused = 0;
    a!.transport.send = (to, frame) => {
      if (frame.kind !== FrameKind.Unregister || refused > 0) return send.call(a!.transport, to, frame);
      refused++;
      return 'unlinked';
    };
    const ended = a!.kernel.unregister(name);
    expect(refused).toBe(1);
    expect(await swarm.settle(b!.kernel.unregister(name))).toBe(true);
    await swarm.settle(register(b!, name));
    expect(await swarm.settle(ended)).toBe(true);
    expect(b!.kernel.lookup(name)).toBeUndefined();
  });

  it('holds against a node that was cut off meanwhile and has started the worker itself', async () => {
    const swarm = new KernelSwarm();
    const [a, b] = await swarm.form(2);
    const name = swarm.nameFor(a!);
    await swarm.settle(register(a!, name));
    swarm.network.cut(a!.key, b!.key);
    await swarm.until(() => b!.kernel.lookup(name)?.node === b!.kernel.self.id);
    expect(await swarm.settle(a!.kernel.unregister(name))).toBe(true);
    swarm.network.heal();
    await swarm.until(() => a!.kernel.nodes().length === 2 && b!.kernel.nodes().length === 2);
    await swarm.until(() => !a!.kernel.lookup(name) && !b!.kernel.lookup(name));
    await swarm.scheduler.advance(5_000);
    expect([a!, b!].map(({ kernel }) => kernel.lookup(name))).toEqual([undefined, undefined]);
  });
});

describe('a membership in a group', () => {
  it('is seen by the next publish of the node that asked for it, and ends when told so', async () => {
    const swarm = new KernelSwarm();
    const [a, b] = await swarm.form(2);
    const name = swarm.nameFor(b!);
    await swarm.settle(register(a!, name));
    await swarm.settle(a!.kernel.joinGroup('lights', name));
    expect(a!.kernel.publish('lights', 'echo', 1)).toBe(1);
    await swarm.settle(a!.kernel.leaveGroup('lights', name));
    expect(a!.kernel.publish('lights', 'echo', 1)).toBe(0);
  });

  it('of nobody is refused', async () => {
    const swarm = new KernelSwarm();
    const [a] = await swarm.form(1);
    expect(await swarm.outcome(a!.kernel.joinGroup('lights', 'nobody'))).toBe('ERR_SWARM_WORKER_NOT_FOUND');
  });

  it('is kept when another node takes the worker over', async () => {
    const swarm = new KernelSwarm();
    const [a, b] = await swarm.form(2);
    const name = swarm.nameFor(b!);
    await swarm.settle(register(a!, name));
    await swarm.settle(a!.kernel.joinGroup('lights', name));
    swarm.crash(b!);
    await swarm.until(() => a!.kernel.members('lights').some(({ node }) => node === a!.kernel.self.id));
  });
});

describe('a registration that waits for its name on the node that was asked', () => {
  it('is not wanted any more when it has been started, and unregistered, elsewhere meanwhile', () => {
    const forgotten = new Forgotten();
    const begun: StartSpec[] = [];
    const starts = { begin: (spec: StartSpec) => (begun.push(spec), new Promise(() => undefined)) };
    const parts = {
      self: 'b@h:1',
      forgotten,
      runtime: { now: () => 0, random: () => 0.5 },
      placements: { ownerOf: () => 'b@h:1', quorumOf: () => undefined },
    };
    const [registrarParts, begins] = [parts, starts] as unknown as [RegistrationParts, Starts];
    const registrar = new Registrar(registrarParts, begins, {} as Arbiter, {} as Endings, {} as Copies);
    const asked = { kind: FrameKind.Register, id: 1, name: 'lamp', type: 'Device', args: null } as const;
    registrar.onRegister('a@h:1', { ...asked, registration: 'r1', timeoutMs: 1_000 });
    expect(begun.map((spec) => spec.isWanted())).toEqual([true]);
    forgotten.add('r1');
    expect(begun.map((spec) => spec.isWanted())).toEqual([false]);
  });
});
