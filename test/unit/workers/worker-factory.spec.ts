import { forwardRef, Inject, Injectable, Module, Optional, Scope } from '@nestjs/common';
import { MessagePattern } from '@nestjs/microservices';
import { describe, expect, it } from 'vitest';
import { SwarmWorker } from '../../../lib/decorators/index.js';
import { define, explore } from './explore.js';

@Injectable()
class Readings {}

@Injectable({ scope: Scope.TRANSIENT })
class Buffered {}

abstract class Base {
  @Inject(Readings) readonly inherited!: Readings;
  readonly field = [] as unknown[];

  @MessagePattern('ping')
  ping(): string {
    return 'pong';
  }
}

describe('the factory of a worker', () => {
  it('injects constructor, properties, optional and forward references, and runs the constructor per instance', async () => {
    let built = 0;

    @SwarmWorker()
    class Device extends Base {
      constructor(
        readonly readings: Readings,
        @Optional() @Inject('missing') readonly missing: unknown,
        @Inject(forwardRef(() => Readings)) readonly again: Readings,
        @Inject('config') readonly config: unknown,
      ) {
        super();
        built += 1;
      }
    }
    const config = { useFactory: async () => ({ a: 1 }), provide: 'config' };
    const { definitions, app } = await explore({ providers: [Device, Readings, config] });
    expect(built).toBe(0);
    const create = definitions.get('Device')!.create.bind(definitions.get('Device'));
    const [a, b] = [(await create()) as Device, (await create()) as Device];
    expect(built).toBe(2);
    expect(a).toBeInstanceOf(Device);
    expect(a.readings).toBe(app.get(Readings));
    expect([a.inherited, a.again, a.config]).toEqual([a.readings, a.readings, { a: 1 }]);
    expect(a.missing).toBeUndefined();
    expect(a.field).not.toBe(b.field);
    expect(a.ping()).toBe('pong');
  });

  it('gives each instance a transient dependency of its own', async () => {
    @SwarmWorker()
    class Device extends Base {
      constructor(readonly buffer: Buffered) {
        super();
      }
    }
    const definition = await define(Device, { providers: [Buffered, Readings] });
    const [a, b] = [(await definition.create()) as Device, (await definition.create()) as Device];
    expect(a.buffer).toBeInstanceOf(Buffered);
    expect(a.buffer).not.toBe(b.buffer);
    expect(a.inherited).toBe(b.inherited);
  });

  it('sees what the module of the worker sees', async () => {
    @SwarmWorker()
    class Device {
      constructor(readonly readings: Readings) {}
    }
    @Module({ providers: [Device, Readings] })
    class DeviceModule {}
    const { definitions, faults } = await explore({ imports: [DeviceModule] });
    expect(faults).toEqual([]);
    expect(((await definitions.get('Device')!.create()) as Device).readings).toBeInstanceOf(Readings);
  });

  it('lets what the constructor throws come to whoever starts the worker', async () => {
    @SwarmWorker()
    class Broken {
      constructor() {
        throw new Error('cannot be');
      }
    }
    const definition = await define(Broken);
    expect(() => definition.create()).toThrow('cannot be');
  });
});
