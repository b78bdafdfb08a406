import { describe, expect, it } from 'vitest';
import { SwarmWorker } from '../../../lib/decorators/index.js';
import {
  InvalidNameError,
  NotStartedError,
  OperationTimeoutError,
  ShuttingDownError,
  SwarmConfigurationError,
} from '../../../lib/errors/index.js';
import { row, servicesOver } from './fake-kernel.js';

@SwarmWorker({ type: 'lamp' })
class Lamp {}
class Plain {}

describe('SwarmCluster', () => {
  it('asks the node', async () => {
    const { cluster, kernel } = servicesOver([], {
      self: { id: 'a' },
      nodes: () => [],
      inspect: () => 'view',
    }).start();
    expect([cluster.self, cluster.nodes(), cluster.inspect()]).toEqual([{ id: 'a' }, [], 'view']);
    cluster.ownerOf('n', Lamp);
    cluster.ownerOf('n', 'other');
    cluster.ownerOf('n');
    expect(kernel.ownerOf.mock.calls).toEqual([
      ['n', 'lamp'],
      ['n', 'other'],
      ['n', undefined],
    ]);
    await cluster.ready({ nodes: 2, timeoutMs: 5 });
    await cluster.ready();
    expect(kernel.ready.mock.calls).toEqual([[{ nodes: 2, timeoutMs: 5 }], [{}]]);
    await cluster.settled({ timeoutMs: 6 });
    await cluster.settled();
    expect(kernel.settled.mock.calls).toEqual([[{ timeoutMs: 6 }], [{}]]);
    expect(await cluster.drain({ timeoutMs: 7 })).toEqual({ moved: 2, left: [], tookMs: 1 });
    await cluster.drain();
    expect(kernel.drain.mock.calls).toEqual([[{ timeoutMs: 7 }], [{}]]);
    expect(cluster.explain('n')).toEqual({ name: 'n', status: 'unknown' });
  });

  it('tells what the node could not do', async () => {
    const error = new OperationTimeoutError('waiting for rest', 5);
    const fails = async (): Promise<never> => {
      throw error;
    };
    const { cluster } = servicesOver([], { settled: fails, drain: fails }).start();
    await expect(cluster.settled()).rejects.toBe(error);
    await expect(cluster.drain()).rejects.toBe(error);
  });

  it('refuses what makes no sense', async () => {
    const { cluster } = servicesOver([]).start();
    await expect(cluster.ready({ nodes: 0 })).rejects.toThrow(RangeError);
    await expect(cluster.ready({ timeoutMs: -1 })).rejects.toThrow(RangeError);
    await expect(cluster.settled({ timeoutMs: 0 })).rejects.toThrow(RangeError);
    await expect(cluster.drain({ timeoutMs: Infinity })).rejects.toThrow(RangeError);
    expect(() => cluster.explain('')).toThrow(InvalidNameError);
    expect(() => cluster.ownerOf('')).toThrow(InvalidNameError);
    expect(() => cluster.ownerOf('n', Plain)).toThrow(SwarmConfigurationError);
    const early = servicesOver([]).cluster;
    expect(() => early.self).toThrow(NotStartedError);
    expect(() => early.explain('n')).toThrow(NotStartedError);
    for (const use of [early.ready(), early.settled(), early.drain()])
      await expect(use).rejects.toThrow('onApplicationBootstrap');
  });

  it('tells events to everyone, also who subscribed before the start, until the node stops', () => {
    const services = servicesOver([]);
    const seen: unknown[] = [];
    services.cluster.events$.subscribe({
      next: (event) => seen.push(event.type),
      complete: () => seen.push('end'),
    });
    const { tell, holder } = services.start();
    tell.event!({ at: 1, type: 'node-up', node: 'b' });
    holder.complete();
    expect(seen).toEqual(['node-up', 'end']);
  });

  it('goes on while the node drains, and says afterwards that it is gone', async () => {
    let gone = false;
    const lookup = (name: string) => {
      if (gone) throw new ShuttingDownError();
      return row(name);
    };
    let drained: () => void = () => {};
    const drain = () => new Promise<void>((resolve) => (drained = resolve));
    const rows = () => [lookup('lamp')].values();
    const services = servicesOver([], { lookup, rows, drain });
    const seen: unknown[] = [];
    services.cluster.events$.subscribe(({ type }) => seen.push(type));
    const { cluster, registry, refs, holder, tell } = services.start();
    const ref = refs.of(row('lamp'));
    const draining = cluster.drain();
    expect(registry.whereis('lamp')?.node).toBe('a@127.0.0.1:1');
    expect([ref.node, holder.rowsIfStarted({}).length]).toEqual(['a@127.0.0.1:1', 1]);
    const moved = { at: 1, type: 'worker-moved', name: 'lamp', workerType: 'Lamp' } as const;
    tell.event!({ ...moved, from: 'a', to: 'b', fence: 2 });
    gone = true;
    drained();
    await draining;
    tell.event!({ at: 2, type: 'node-down', node: 'a', reason: 'it left' });
    expect(seen).toEqual(['worker-moved', 'node-down']);
    expect(() => registry.whereis('lamp')).toThrow(ShuttingDownError);
    expect([ref.node, holder.rowsIfStarted({}).length]).toEqual([undefined, 0]);
  });
});
