import { describe, expect, it } from 'vitest';
import { SwarmWorker } from '../../../lib/decorators/index.js';
import {
  AlreadyRegisteredError,
  InvalidNameError,
  NotStartedError,
  SwarmConfigurationError,
  WorkerTypeMismatchError,
} from '../../../lib/errors/index.js';
import type { RegistryEvent } from '../../../lib/events/index.js';
import { callChain, CallScope } from '../../../lib/workers/call-chain.js';
import { row, servicesOver } from './fake-kernel.js';

@SwarmWorker()
class Device {
  record(value: number): number {
    return value;
  }
}
@SwarmWorker({ type: 'lamp' })
class Lamp {}
class Plain {}

describe('SwarmRegistry', () => {
  it('throws or rejects with NotStartedError before the node is started', async () => {
    const { registry, refs } = servicesOver([]);
    await expect(registry.register('a', Device)).rejects.toThrow(NotStartedError);
    await expect(registry.registerOrGet('a', Device)).rejects.toThrow(NotStartedError);
    await expect(registry.registerLocal('a', new Plain())).rejects.toThrow(NotStartedError);
    await expect(registry.unregister('a')).rejects.toThrow(NotStartedError);
    await expect(registry.locate('a')).rejects.toThrow(NotStartedError);
    await expect(registry.call('a', 'b')).rejects.toThrow(NotStartedError);
    expect(() => registry.whereis('a')).toThrow(NotStartedError);
    expect(() => registry.registered()).toThrow(NotStartedError);
    expect(() => registry.count()).toThrow(NotStartedError);
    expect(() => registry.cast('a', 'b')).toThrow(NotStartedError);
    const ref = refs.of({ name: 'a', type: 'Device' });
    await expect(ref.call('b')).rejects.toThrow(NotStartedError);
    expect(() => ref.cast('b')).toThrow(NotStartedError);
    expect(ref.toJSON()).toEqual({ name: 'a', type: 'Device', node: undefined, fence: undefined });
  });

  it('registers by class and by type', async () => {
    const { registry, kernel } = servicesOver([]).start();
    const ref = await registry.register('a', Lamp, undefined, { timeoutMs: 5 });
    expect([ref.name, ref.type]).toEqual(['a', 'lamp']);
    await registry.register('b', 'other', { x: 1 });
    expect(kernel.register.mock.calls).toEqual([
      ['a', 'lamp', undefined, { timeoutMs: 5 }],
      ['b', 'other', { x: 1 }, {}],
    ]);
    await expect(registry.register('a', Plain)).rejects.toThrow(SwarmConfigurationError);
  });

  it('registerOrGet takes the holder of a taken name, if it is of that type', async () => {
    const known = servicesOver([row('a'), row('b', 'lamp')]).start();
    expect((await known.registry.registerOrGet('a', Device)).name).toBe('a');
    await expect(known.registry.registerOrGet('b', Device)).rejects.toThrow(WorkerTypeMismatchError);
    expect(known.kernel.register).not.toHaveBeenCalled();

    const racing = servicesOver([]);
    const refuse = (type: string) => async () => {
      throw new AlreadyRegisteredError(racing.refs.of({ name: 'a', type }));
    };
    const { registry, kernel } = racing.start();
    kernel.register.mockImplementationOnce(refuse('Device') as never);
    expect((await registry.registerOrGet('a', Device)).type).toBe('Device');
    kernel.register.mockImplementationOnce(refuse('lamp') as never);
    await expect(registry.registerOrGet('a', Device)).rejects.toMatchObject({
      expected: 'Device',
      actual: 'lamp',
    });
    kernel.register.mockRejectedValueOnce(new RangeError('else'));
    await expect(registry.registerOrGet('a', Device)).rejects.toThrow('else');
  });

  it('registers objects', async () => {
    const { registry, kernel } = servicesOver([]).start();
    const plain = new Plain();
    expect((await registry.registerLocal('a', plain)).type).toBe('Local');
    expect(kernel.registerLocal).toHaveBeenCalledWith('a', { type: 'Local' }, plain);
  });

  it('finds refs that read the replica at each access', async () => {
    const { registry, table } = servicesOver([row('a')]).start();
    const ref = registry.whereis('a', Device)!;
    expect([ref.node, ref.fence]).toEqual(['a@127.0.0.1:1', 1]);
    table.set('a', row('a', 'Device', { node: 'b@127.0.0.1:2', fence: 2 }));
    expect(JSON.parse(JSON.stringify(ref))).toEqual({
      name: 'a',
      type: 'Device',
      node: 'b@127.0.0.1:2',
      fence: 2,
    });
    table.delete('a');
    expect([ref.node, ref.fence]).toEqual([undefined, undefined]);
    expect(registry.whereis('a')).toBeUndefined();
    expect(await registry.locate('a')).toBeUndefined();
  });

  it('whereis with a class says so when the name is held by another type', () => {
    const { registry } = servicesOver([row('a', 'lamp'), row('p', 'Plain')]).start();
    expect(() => registry.whereis('a', Device)).toThrow(WorkerTypeMismatchError);
    expect(registry.whereis('a')?.type).toBe('lamp');
    expect(registry.whereis('p', Plain)?.type).toBe('Plain');
  });

  it('lists by filter', () => {
    const { registry, kernel } = servicesOver([row('a'), row('b')]).start();
    const filter = { type: Lamp, prefix: 'b', node: 'n', group: undefined };
    expect(Array.from(registry.registered(filter), ({ name }) => name)).toEqual(['b']);
    expect(kernel.rows).toHaveBeenCalledWith({ type: 'lamp', prefix: 'b', node: 'n' });
    expect(registry.count()).toBe(2);
  });

  it('calls and casts by name and by ref, with the chain of waiting workers', async () => {
    const { registry, kernel } = servicesOver([row('a')]).start();
    const ref = registry.whereis('a', Device)!;
    expect(await ref.call('record', 1)).toEqual(['a', 'record', 1]);
    const scope = new CallScope(['outer'], { name: 'inner', assertMayAct: () => undefined });
    await callChain.run(scope, () => registry.call(ref, 'record', 2, { timeoutMs: 9 }));
    await registry.call('a', 'p');
    expect(kernel.call.mock.calls.map(([, call]) => call)).toEqual([
      { pattern: 'record', data: 1, timeoutMs: undefined, chain: [] },
      { pattern: 'record', data: 2, timeoutMs: 9, chain: ['outer', 'inner'] },
      { pattern: 'p', data: undefined, timeoutMs: undefined, chain: [] },
    ]);
    ref.cast('record', 3);
    registry.cast(ref, 'p');
    registry.cast('b', 'q', 1);
    expect(kernel.cast.mock.calls).toEqual([
      ['a', 'record', 3],
      ['a', 'p', undefined],
      ['b', 'q', 1],
    ]);
  });

  it('refuses what is no name or pattern', async () => {
    const { registry, refs, kernel } = servicesOver([]).start();
    const ref = refs.of({ name: 'a', type: 'Device' });
    for (const bad of ['', 'a\u0000', 'x'.repeat(2000), 7 as never, undefined as never]) {
      await expect(registry.register(bad, Device)).rejects.toThrow(InvalidNameError);
      await expect(registry.register('a', bad)).rejects.toThrow(InvalidNameError);
      await expect(registry.registerOrGet(bad, Device)).rejects.toThrow(InvalidNameError);
      await expect(registry.registerLocal(bad, new Plain())).rejects.toThrow(InvalidNameError);
      await expect(registry.unregister(bad)).rejects.toThrow(InvalidNameError);
      await expect(registry.locate(bad)).rejects.toThrow(InvalidNameError);
      await expect(registry.call(bad, 'p')).rejects.toThrow(InvalidNameError);
      await expect(registry.call('a', bad)).rejects.toThrow(InvalidNameError);
      await expect(ref.call(bad)).rejects.toThrow(InvalidNameError);
      expect(() => ref.cast(bad)).toThrow(InvalidNameError);
      expect(() => registry.cast(bad, 'p')).toThrow(InvalidNameError);
      expect(() => registry.whereis(bad)).toThrow(InvalidNameError);
    }
    expect(kernel.register).not.toHaveBeenCalled();
    expect(kernel.call).not.toHaveBeenCalled();
  });

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, '5' as never])(
    'refuses a timeout of %s',
    async (timeoutMs) => {
      const { registry } = servicesOver([]).start();
      await expect(registry.call('a', 'p', 1, { timeoutMs })).rejects.toThrow(RangeError);
      await expect(registry.register('a', Device, undefined, { timeoutMs })).rejects.toThrow(RangeError);
    },
  );
});

const change = (
  type: RegistryEvent['type'],
  name: string,
  more: Partial<RegistryEvent> = {},
): RegistryEvent => ({
  type,
  name,
  workerType: 'Device',
  node: 'a@127.0.0.1:1',
  fence: 1,
  groups: [],
  ...more,
});

describe('SwarmRegistry.watch', () => {
  it('tells who subscribed before the start what was found at it', () => {
    const services = servicesOver([row('in', 'Device', { groups: ['g'] }), row('out')]);
    const seen: string[] = [];
    services.registry
      .watch()
      .subscribe(({ type, name, workerType }) => seen.push(`${type} ${name} ${workerType}`));
    services.registry.watch({ group: 'g' }).subscribe(({ type, name }) => seen.push(`g: ${type} ${name}`));
    const { tell } = services.start();
    tell.change!(change('updated', 'in', { groups: ['g', 'h'] }));
    expect(seen).toEqual([
      'registered in Device',
      'g: registered in',
      'registered out Device',
      'updated in Device',
      'g: updated in',
    ]);
  });

  it('filters by prefix and type', () => {
    const services = servicesOver([]);
    const seen: string[] = [];
    services.registry
      .watch({ prefix: 'a', type: Device })
      .subscribe(({ type, name }) => seen.push(`${type} ${name}`));
    const { tell, holder } = services.start();
    tell.change!(change('registered', 'a1'));
    tell.change!(change('registered', 'b1'));
    tell.change!(change('registered', 'a2', { workerType: 'lamp' }));
    tell.change!(change('unregistered', 'a1'));
    expect(seen).toEqual(['registered a1', 'unregistered a1']);
    let completed = false;
    services.registry.watch().subscribe({ complete: () => (completed = true) });
    holder.complete();
    expect(completed).toBe(true);
  });

  it('shows a group as if it were all there is', () => {
    const { registry, tell } = servicesOver([row('in', 'Device', { groups: ['g'] }), row('out')]).start();
    const seen: string[] = [];
    const subscription = registry
      .watch({ group: 'g' })
      .subscribe(({ type, name }) => seen.push(`${type} ${name}`));
    tell.change!(change('updated', 'in', { groups: ['g', 'h'] }));
    tell.change!(change('updated', 'in', { groups: ['h'] }));
    tell.change!(change('updated', 'in', { groups: [] }));
    tell.change!(change('updated', 'out', { groups: ['g'] }));
    tell.change!(change('unregistered', 'out', { groups: ['g'] }));
    tell.change!(change('unregistered', 'out', { groups: ['g'] }));
    expect(seen).toEqual(['updated in', 'unregistered in', 'registered out', 'unregistered out']);
    subscription.unsubscribe();
    tell.change!(change('updated', 'x', { groups: ['g'] }));
    expect(seen).toHaveLength(4);
  });
});
