import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { afterEach, describe, expect, it } from 'vitest';
import { resolveOptions } from '../../../lib/swarm-options.resolution.js';
import { createNode } from '../../../lib/swarm-node.factory.js';
import { WorkerRefs } from '../../../lib/services/worker-ref.js';
import { KernelHolder } from '../../../lib/services/kernel.holder.js';
import type { Kernel } from '../../../lib/node/kernel.interface.js';
import { MemoryNetwork } from '../../../lib/transport/memory/memory.network.js';
import {
  DISPATCH_CHANNEL,
  DispatchChannel,
  type DispatchMessage,
} from '../../../lib/workers/dispatch.channel.js';
import type { WorkerDefinition } from '../../../lib/workers/worker-definition.interface.js';
import type { WorkerHost } from '../../../lib/workers/worker-host.interface.js';
import { hostOf } from './support/host.js';

const told: DispatchMessage[] = [];
const listener = (message: unknown): void => void told.push(message as DispatchMessage);

describe('the channel of messages that begin', () => {
  afterEach(() => {
    unsubscribe(DISPATCH_CHANNEL, listener);
    told.length = 0;
  });

  it('has the name that is documented', () => {
    expect(DISPATCH_CHANNEL).toBe('nestjs-swarm:dispatch');
  });

  it('tells each message while somebody listens', async () => {
    const { start, send, scheduler } = hostOf({}, { add: () => 1 }, { observer: new DispatchChannel() });
    await start('lamp', undefined, { fence: 7 });
    await scheduler.advance(5);
    send('add');
    await scheduler.advance(1);
    subscribe(DISPATCH_CHANNEL, listener);
    send('add');
    await scheduler.advance(1);
    unsubscribe(DISPATCH_CHANNEL, listener);
    send('add');
    await scheduler.advance(1);
    expect(told).toEqual([{ node: 'here@h:1', name: 'lamp', type: 'Device', fence: 7, checkedAt: 6 }]);
  });

  it('is told by the workers of an application', async () => {
    const { scheduler, runtime, logger } = hostOf();
    const definition: WorkerDefinition = {
      type: 'Device',
      concurrency: 1,
      mailboxLimit: undefined,
      create: () => ({}),
      handler: () => ({ accepts: 'event', invoke: () => undefined }),
    };
    const { resolved } = resolveOptions({ cluster: 'shop', discovery: [] });
    const transport = new MemoryNetwork(runtime).transport({ host: '10.0.0.1', port: 1 });
    const refs = new WorkerRefs(new KernelHolder());
    let host: WorkerHost | undefined;
    createNode(resolved!, new Map([['Device', definition]]), refs, logger, {
      runtime,
      transport,
      createKernel: (_, parts) => ((host = parts.host), {} as Kernel),
    });
    host?.attach({
      node: 'api-1@10.0.0.1:1',
      leaseMs: 3_000,
      renewLeases: () => undefined,
      joinGroup: async () => undefined,
      leaveGroup: async () => undefined,
      failed: () => undefined,
      stopped: () => undefined,
    });
    await host?.start({ name: 'lamp', type: 'Device', args: null, fence: 7 });
    subscribe(DISPATCH_CHANNEL, listener);
    const message = { pattern: 'any', body: { value: 0 }, from: 'a', chain: [], deadline: Infinity };
    host?.deliver('lamp', { kind: 'cast', ...message, reply: () => undefined });
    await scheduler.advance(0);
    expect(told).toMatchObject([{ node: 'api-1@10.0.0.1:1', name: 'lamp', type: 'Device', fence: 7 }]);
  });
});
