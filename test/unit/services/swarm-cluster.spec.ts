import { describe, expect, it } from 'vitest';
import { SwarmWorker } from '../../../lib/decorators/index.js';
import { InvalidNameError, NotStartedError, SwarmConfigurationError } from '../../../lib/errors/index.js';
import { servicesOver } from './fake-kernel.js';

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
  });

  it('refuses what makes no sense', async () => {
    const { cluster } = servicesOver([]).start();
    await expect(cluster.ready({ nodes: 0 })).rejects.toThrow(RangeError);
    await expect(cluster.ready({ timeoutMs: -1 })).rejects.toThrow(RangeError);
    expect(() => cluster.ownerOf('')).toThrow(InvalidNameError);
    expect(() => cluster.ownerOf('n', Plain)).toThrow(SwarmConfigurationError);
    const early = servicesOver([]).cluster;
    expect(() => early.self).toThrow(NotStartedError);
    await expect(early.ready()).rejects.toThrow('onApplicationBootstrap');
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
});
