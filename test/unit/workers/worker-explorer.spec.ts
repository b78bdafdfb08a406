import {
  type CanActivate,
  Injectable,
  Module,
  type NestInterceptor,
  type PipeTransform,
  Scope,
  SetMetadata,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import { APP_GUARD, DiscoveryModule, DiscoveryService, ModuleRef, REQUEST } from '@nestjs/core';
import { Inject } from '@nestjs/common';
import { EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import { describe, expect, it } from 'vitest';
import { OnHandoff, SwarmWorker } from '../../../lib/decorators/index.js';
import { SwarmConfigurationError } from '../../../lib/errors/index.js';
import { type HandoffDecision, readDecision, resume } from '../../../lib/workers/handoff-decision.js';
import { DEFAULT_SUPERVISION, type DieReason } from '../../../lib/workers/worker-definition.interface.js';
import { NestEnhancers } from '../../../lib/workers/nest-enhancers.js';
import { WorkerExplorer } from '../../../lib/workers/worker.explorer.js';
import { define, explore, faultsOf, send } from './explore.js';

@SwarmWorker()
class Device {
  @MessagePattern('ping')
  ping(): string {
    return 'pong';
  }
}

class Guard implements CanActivate {
  canActivate(): boolean {
    return true;
  }
}

describe('the explorer', () => {
  it('finds workers in all modules, under their type', async () => {
    @SwarmWorker({ type: 'lamp', concurrency: 3, mailboxLimit: 7 })
    class Lamp {}
    @Module({ providers: [{ provide: 'other token', useClass: Lamp }] })
    class LampModule {}
    const { definitions, faults } = await explore({ imports: [LampModule], providers: [Device] });
    expect(faults).toEqual([]);
    expect([...definitions.keys()].sort()).toEqual(['Device', 'lamp']);
    expect(definitions.get('lamp')).toMatchObject({ type: 'lamp', concurrency: 3, mailboxLimit: 7 });
    expect(definitions.get('Device')).toMatchObject({ concurrency: 1, mailboxLimit: undefined });
  });

  it('takes all options of @SwarmWorker, and knows what holds without them', async () => {
    const strategy = { place: () => ({ nodeFor: () => undefined }) };
    const labels = { gpu: 'yes' };
    @SwarmWorker({ strategy, labels, restart: 'permanent', maxRestarts: 0, withinMs: 5 })
    class Lamp {}
    const lamp = await define(Lamp);
    expect(lamp.strategy).toBe(strategy);
    expect(lamp.labels).toEqual({ gpu: 'yes' });
    expect(lamp.supervision).toEqual({ restart: 'permanent', maxRestarts: 0, withinMs: 5 });
    const plain = await define(Device);
    expect([plain.strategy, plain.labels]).toEqual([undefined, undefined]);
    expect(plain.supervision).toEqual(DEFAULT_SUPERVISION);
    expect(DEFAULT_SUPERVISION).toEqual({ restart: 'transient', maxRestarts: 5, withinMs: 60_000 });
  });

  it('knows the method of each handoff phase, also one that serves several', async () => {
    @SwarmWorker()
    class Counter {
      total = 0;
      @OnHandoff('begin')
      pack(): HandoffDecision<number> {
        return resume(this.total);
      }
      @OnHandoff('end')
      @OnHandoff('conflict')
      unpack(total: number): void {
        this.total += total;
      }
    }
    const definition = await define(Counter);
    const counter = new Counter();
    definition.end?.(counter, 3);
    definition.conflict?.(counter, 4);
    expect(readDecision(await definition.begin?.(counter))).toEqual({ kind: 'resume', state: 7 });
    expect(definition.die).toBeUndefined();
    const plain = await define(Device);
    expect([plain.begin, plain.end, plain.conflict, plain.die]).toEqual(Array(4).fill(undefined));
  });

  it('does not inherit a phase from a method that the subclass has put another one for', async () => {
    class Base {
      @OnHandoff('die')
      close(): void {}
    }
    @SwarmWorker()
    class Sub extends Base {
      override close(): void {}
    }
    expect((await define(Sub)).die).toBeUndefined();
  });

  it('knows start and die methods, also inherited ones', async () => {
    const calls: unknown[] = [];
    class Base {
      @OnHandoff('die')
      close(reason: DieReason): void {
        calls.push(reason);
      }
      onWorkerStart(...args: unknown[]): void {
        calls.push(args);
      }
    }
    @SwarmWorker()
    class Sub extends Base {}
    const definition = await define(Sub);
    definition.start?.(new Sub(), 'ctx' as never, 1);
    definition.die?.(new Sub(), 'stopped');
    expect(calls).toEqual([['ctx', 1], 'stopped']);
    const plain = await define(Device);
    expect([plain.start, plain.die]).toEqual([undefined, undefined]);
  });

  it('builds the stand-in that a test overrides a worker by', async () => {
    class Fake extends Device {
      override ping(): string {
        return 'fake';
      }
    }
    MessagePattern('ping')(Fake.prototype, 'ping', Object.getOwnPropertyDescriptor(Fake.prototype, 'ping')!);
    const app = await Test.createTestingModule({ imports: [DiscoveryModule], providers: [Device] })
      .overrideProvider(Device)
      .useClass(Fake)
      .compile();
    const explorer = new WorkerExplorer(
      app.get(DiscoveryService, { strict: false }),
      new NestEnhancers(app.get(ModuleRef), false),
    );
    const { definitions, faults } = await explorer.explore();
    expect(faults).toEqual([]);
    const definition = definitions.get('Device')!;
    expect(await send(definition, await definition.create(), 'ping')).toBe('fake');
  });

  it('refuses a stand-in whose guard Nest has not scanned, instead of leaving it out', async () => {
    @UseGuards(Guard)
    class Guarded extends Device {}
    const app = await Test.createTestingModule({ imports: [DiscoveryModule], providers: [Device] })
      .overrideProvider(Device)
      .useClass(Guarded)
      .compile();
    const explorer = new WorkerExplorer(
      app.get(DiscoveryService, { strict: false }),
      new NestEnhancers(app.get(ModuleRef), false),
    );
    const { faults } = await explorer.explore();
    expect(faults).toEqual([expect.stringContaining('Guarded: Nest does not know its Guard')]);
  });
});

describe('faults at boot', () => {
  it('a worker in controllers', async () => {
    expect(await faultsOf({ controllers: [Device] })).toEqual([
      'Device is a worker in the controllers of AppModule; list it in its providers instead',
    ]);
  });

  it('a worker in two modules', async () => {
    @Module({ providers: [Device] })
    class OtherModule {}
    const faults = await faultsOf({ imports: [OtherModule], providers: [Device] });
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatch(
      /Device is in the providers of (AppModule and OtherModule|OtherModule and AppModule)/,
    );
  });

  it('two workers of one type', async () => {
    @SwarmWorker({ type: 'Device' })
    class Lamp {}
    expect((await faultsOf({ providers: [Device, Lamp] }))[0]).toContain('are both of the type "Device"');
  });

  it('a worker as a value or by a factory', async () => {
    expect(await faultsOf({ providers: [{ provide: Device, useValue: {} }] })).toHaveLength(1);
    expect(await faultsOf({ providers: [{ provide: Device, useFactory: () => new Device() }] })).toHaveLength(
      1,
    );
  });

  it('unknown and wrong options of @SwarmWorker', async () => {
    const wrong = {
      restarts: 'permanent',
      type: '',
      strategy: { place: 'anywhere' },
      labels: { zone: 1 },
      restart: 'always',
      maxRestarts: -1,
      withinMs: 0,
      concurrency: 0,
      mailboxLimit: 1.5,
    };
    @SwarmWorker(wrong as never)
    class Lamp {}
    const known = 'type, strategy, labels, restart, maxRestarts, withinMs, concurrency, mailboxLimit';
    expect(await faultsOf({ providers: [Lamp] })).toEqual([
      `Lamp: @SwarmWorker has no option "restarts"; it has ${known}`,
      "Lamp: @SwarmWorker: type must not be empty; give one, as { type: 'device' }",
      'Lamp: @SwarmWorker: strategy must be a distribution strategy, as ring()',
      "Lamp: @SwarmWorker: labels must be an object of strings, as { zone: 'a' }",
      "Lamp: @SwarmWorker: restart must be 'transient', 'permanent' or 'temporary'",
      'Lamp: @SwarmWorker: maxRestarts must be a whole number of at least 0',
      'Lamp: @SwarmWorker: withinMs must be a whole number of milliseconds of at least 1',
      'Lamp: @SwarmWorker: concurrency must be a whole number of at least 1',
      'Lamp: @SwarmWorker: mailboxLimit must be a whole number of at least 1',
    ]);
  });

  it.each([
    ['strategy', null],
    ['strategy', 'ring'],
    ['labels', ['a']],
    ['labels', null],
    ['restart', 'toString'],
    ['maxRestarts', 1.5],
    ['withinMs', '60s'],
  ])('@SwarmWorker({ %s: %j })', async (option, value) => {
    @SwarmWorker({ [option]: value })
    class Lamp {}
    expect(await faultsOf({ providers: [Lamp] })).toEqual([
      expect.stringContaining(`Lamp: @SwarmWorker: ${option} must be `),
    ]);
  });

  it('none for options that are undefined', async () => {
    @SwarmWorker({ type: undefined, strategy: undefined, labels: undefined, restart: undefined } as never)
    class Lamp {}
    expect(await faultsOf({ providers: [Lamp] })).toEqual([]);
  });

  it('two handlers of one pattern, or of one that is the method name of another', async () => {
    @SwarmWorker()
    class Lamp {
      @MessagePattern('on')
      first(): void {}
      @EventPattern<string>('on')
      second(): void {}
      @MessagePattern('first')
      third(): void {}
    }
    expect(await faultsOf({ providers: [Lamp] })).toEqual([
      expect.stringContaining('Lamp: "first" reaches first and third'),
      expect.stringContaining('Lamp: "on" reaches first and second'),
    ]);
  });

  it('patterns that are no strings', async () => {
    @SwarmWorker()
    class Lamp {
      @MessagePattern({ cmd: 'on' })
      on(): void {}
      @EventPattern<string>('')
      off(): void {}
    }
    expect(await faultsOf({ providers: [Lamp] })).toEqual([
      "Lamp.on: its pattern must be a string, not object; write @MessagePattern('on')",
      "Lamp.off: its pattern must not be empty; write @MessagePattern('off')",
    ]);
  });

  it('one handoff phase twice, and phases that are none', async () => {
    @SwarmWorker()
    class Lamp {
      @OnHandoff('die')
      one(): void {}
      @OnHandoff('die')
      two(): void {}
      @OnHandoff('start' as 'die')
      three(): void {}
      @OnHandoff('end')
      @OnHandoff('end')
      four(): void {}
    }
    expect(await faultsOf({ providers: [Lamp] })).toEqual([
      "Lamp: @OnHandoff('die') stands on one and two; keep one and call the other from it",
      "Lamp.three: @OnHandoff('start') is no phase; it has 'begin', 'end', 'conflict', 'die'",
      "Lamp: @OnHandoff('end') stands on four and four; keep one and call the other from it",
    ]);
  });

  it('a handoff method that a message could run', async () => {
    @SwarmWorker()
    class Lamp {
      @MessagePattern('off')
      @OnHandoff('die')
      off(): void {}
      @OnHandoff('begin')
      @EventPattern<string>('pack')
      pack(): HandoffDecision<unknown> {
        return resume(1);
      }
    }
    expect(await faultsOf({ providers: [Lamp] })).toEqual([
      "Lamp.off: a message could run its @OnHandoff('die'); handle the message by another method",
      "Lamp.pack: a message could run its @OnHandoff('begin'); handle the message by another method",
    ]);
  });

  it('handlers and handoff methods that Nest does not find: under symbols, and static ones', async () => {
    const pack = Symbol('pack');
    class Base {
      @OnHandoff('begin')
      [pack](): HandoffDecision<unknown> {
        return resume(1);
      }
      @OnHandoff('die')
      static close(): void {}
    }
    @SwarmWorker()
    class Lamp extends Base {
      @MessagePattern('on')
      [Symbol.iterator](): void {}
      get [Symbol.toStringTag](): string {
        throw new Error('is asked on an instance only');
      }
      @MessagePattern('off')
      static off(): void {}
    }
    expect(await faultsOf({ providers: [Lamp] })).toEqual([
      'Lamp[Symbol(Symbol.iterator)]: a handler needs a name',
      'Lamp[Symbol(pack)]: an @OnHandoff method needs a name',
      'Lamp.off: a handler must not be static',
      'Lamp.close: an @OnHandoff method must not be static',
    ]);
  });

  it('decorators of other packages that would call an instance that was never built', async () => {
    // The keys that @nestjs/schedule 6, @nestjs/event-emitter 3 and @nestjs/cqrs 11 write.
    @SwarmWorker()
    @SetMetadata('__commandHandler__', { id: '1' })
    class Lamp {
      @SetMetadata('SCHEDULE_CRON_OPTIONS', {})
      cron(): void {}
      @SetMetadata('SCHEDULE_INTERVAL_OPTIONS', {})
      interval(): void {}
      @SetMetadata('SCHEDULE_TIMEOUT_OPTIONS', {})
      timeout(): void {}
      @SetMetadata('EVENT_LISTENER_METADATA', [])
      onEvent(): void {}
    }
    const faults = await faultsOf({ providers: [Lamp] });
    expect(faults.map((fault) => fault.split(' ').slice(0, 2))).toEqual([
      ['Lamp:', '@CommandHandler'],
      ['Lamp.cron:', '@Cron'],
      ['Lamp.interval:', '@Interval'],
      ['Lamp.timeout:', '@Timeout'],
      ['Lamp.onEvent:', '@OnEvent'],
    ]);
  });

  it('request-scoped dependencies', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Tenant {}
    @Injectable()
    class Between {
      constructor(readonly tenant: Tenant) {}
    }
    @SwarmWorker()
    class ByConstructor {
      constructor(readonly between: Between) {}
    }
    @SwarmWorker()
    class ByProperty {
      @Inject(REQUEST) readonly request: unknown;
    }
    const faults = await faultsOf({ providers: [ByConstructor, ByProperty, Between, Tenant] });
    expect(faults).toEqual([
      expect.stringContaining('ByConstructor depends on something request-scoped'),
      expect.stringContaining('ByProperty depends on something request-scoped'),
    ]);
  });

  it('request-scoped and transient guards, pipes and interceptors', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class RequestGuard extends Guard {}
    @Injectable({ scope: Scope.TRANSIENT })
    class TransientGuard extends Guard {}
    @Injectable()
    class TenantGuard extends Guard {
      constructor(@Inject(REQUEST) readonly request: unknown) {
        super();
      }
    }
    @Injectable({ scope: Scope.REQUEST })
    class Pipe implements PipeTransform {
      transform(value: unknown): unknown {
        return value;
      }
    }
    @Injectable({ scope: Scope.REQUEST })
    class Interceptor implements NestInterceptor {
      intercept(): never {
        throw new Error('never called');
      }
    }
    @SwarmWorker()
    @UseGuards(RequestGuard, TenantGuard, TransientGuard)
    class Lamp {
      @MessagePattern('on')
      @UseInterceptors(Interceptor)
      on(@Payload(Pipe) _value: unknown): void {}
    }
    const faults = await faultsOf({ providers: [Lamp] });
    expect(faults.map((fault) => fault.split(',')[0])).toEqual(
      expect.arrayContaining([
        'Lamp: RequestGuard is request-scoped',
        'Lamp: TenantGuard is request-scoped',
        'Lamp: TransientGuard is transient',
        'Lamp: Pipe is request-scoped',
        'Lamp: Interceptor is request-scoped',
      ]),
    );
    expect(faults).toHaveLength(5);
  });

  it('request-scoped global guards where they would be inherited', async () => {
    const providers = [Device, { provide: APP_GUARD, useClass: Guard, scope: Scope.REQUEST }];
    expect(await faultsOf({ providers })).toEqual([]);
    expect(await faultsOf({ providers }, true)).toEqual([expect.stringContaining('request-scoped')]);
  });

  it('all at once', async () => {
    @SwarmWorker()
    class Lamp {
      @MessagePattern({ cmd: 'on' })
      on(): void {}
    }
    expect(await faultsOf({ providers: [Lamp], controllers: [Device] })).toHaveLength(2);
  });
});

describe('an object of the user', async () => {
  const { explorer } = await explore({ providers: [] });

  it('is reached by the decorators of its class, which is compiled once', () => {
    class Gauge {
      @MessagePattern('read')
      read(): number {
        return 1;
      }
    }
    const definition = explorer.definitionFor(new Gauge());
    expect(definition.type).toBe('Gauge');
    expect(definition).toBe(explorer.definitionFor(new Gauge()));
    expect(definition.handler('read')).toBeDefined();
  });

  it('has the options of its @SwarmWorker', async () => {
    @SwarmWorker({ type: 'gauge', concurrency: 2 })
    class Gauge {
      @MessagePattern('read')
      read(): void {}
    }
    expect(explorer.definitionFor(new Gauge())).toMatchObject({ type: 'gauge', concurrency: 2 });
  });

  it('may have handoff methods, which are told of and never called, unless they are at fault', () => {
    class Gauge {
      @MessagePattern('read')
      read(): void {}
      @OnHandoff('begin')
      pack(): HandoffDecision<unknown> {
        return resume(1);
      }
    }
    expect(explorer.definitionFor(new Gauge()).begin).toBeDefined();
    class Twice extends Gauge {
      @OnHandoff('begin')
      again(): HandoffDecision<unknown> {
        return resume(2);
      }
    }
    expect(() => explorer.definitionFor(new Twice())).toThrow("@OnHandoff('begin') stands on again and pack");
  });

  it('is refused when it handles nothing', () => {
    class Mute {}
    expect(() => explorer.definitionFor(new Mute())).toThrow(SwarmConfigurationError);
    expect(() => explorer.definitionFor(new Mute())).toThrow('Mute handles no message');
    expect(() => explorer.definitionFor({ read: () => 1 })).toThrow('a plain object handles no message');
    for (const none of [null, undefined, 7]) {
      expect(() => explorer.definitionFor(none as never)).toThrow(`${none} handles no message`);
    }
    expect(() => explorer.definitionFor(Object.create(null) as object)).toThrow(SwarmConfigurationError);
  });

  it.each([true, false])('is behind the global guards only with inheritAppConfig (%s)', async (inherits) => {
    class Closed implements CanActivate {
      canActivate(): boolean {
        return false;
      }
    }
    class Lamp extends Device {}
    const closed = await explore({ providers: [{ provide: APP_GUARD, useClass: Closed }] }, inherits);
    const lamp = new Lamp();
    const answer = send(closed.explorer.definitionFor(lamp), lamp, 'ping').catch(
      (error: Error) => error.message,
    );
    expect(await answer).toBe(inherits ? 'Forbidden resource' : 'pong');
  });

  it('is refused when it has enhancers that no module resolves', async () => {
    @UseGuards(Guard)
    class Gauge {
      @MessagePattern('read')
      read(): number {
        return 1;
      }
    }
    expect(() => explorer.definitionFor(new Gauge())).toThrow('list it in the providers of a module');
    const provided = await explore({ providers: [Gauge] });
    const gauge = provided.app.get(Gauge);
    expect(await send(provided.explorer.definitionFor(gauge), gauge, 'read')).toBe(1);
  });
});
