import { Scope } from '@nestjs/common';
import { SCOPE_OPTIONS_METADATA } from '@nestjs/common/constants.js';
import { MessagePattern } from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import { describe, expect, it } from 'vitest';
import { OnHandoff, SwarmWorker } from '../../../lib/decorators/index.js';
import { HANDOFF_METADATA, workerOptionsOf, workerTypeOf } from '../../../lib/workers/worker-metadata.js';

describe('@SwarmWorker', () => {
  it('names the type after the class, or as it is told', () => {
    @SwarmWorker()
    class Device {}
    @SwarmWorker({ type: 'lamp' })
    class Lamp {}
    expect([workerTypeOf(Device), workerTypeOf(Lamp)]).toEqual(['Device', 'lamp']);
    expect(Reflect.getMetadata(SCOPE_OPTIONS_METADATA, Device)).toEqual({ scope: Scope.TRANSIENT });
  });

  it('does not make workers of subclasses', () => {
    @SwarmWorker({ type: 'device' })
    class Device {}
    class Sub extends Device {}
    expect(workerOptionsOf(Sub)).toBeUndefined();
  });

  it('keeps Nest from building the class and calling its hooks', async () => {
    const calls: string[] = [];
    @SwarmWorker()
    class Device {
      constructor() {
        calls.push('constructor');
      }
      onModuleInit(): void {
        calls.push('onModuleInit');
      }
      @MessagePattern('ping')
      ping(): void {}
    }
    const app = await Test.createTestingModule({ providers: [Device] }).compile();
    await app.init();
    await app.close();
    expect(calls).toEqual([]);
  });
});

describe('@OnHandoff', () => {
  const phasesOf = (cls: { readonly prototype: object }, method: string): unknown =>
    Reflect.getMetadata(HANDOFF_METADATA, Reflect.get(cls.prototype, method) as object);

  it('stands on one method as often as that has phases, and on no other one', () => {
    class Counter {
      @OnHandoff('end')
      @OnHandoff('conflict')
      unpack(_total: number): void {}
      @OnHandoff('die')
      close(): void {}
      reset(): void {}
    }
    class Sub extends Counter {
      @OnHandoff('die')
      override unpack(): void {}
    }
    expect(phasesOf(Counter, 'unpack')).toEqual(['end', 'conflict']);
    expect(phasesOf(Counter, 'close')).toEqual(['die']);
    expect(phasesOf(Counter, 'reset')).toBeUndefined();
    expect(phasesOf(Sub, 'unpack')).toEqual(['die']);
    expect(phasesOf(Sub, 'close')).toEqual(['die']);
  });
});
