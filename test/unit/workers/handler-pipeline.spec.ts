import {
  type ArgumentsHost,
  type CallHandler,
  type CanActivate,
  Catch,
  createParamDecorator,
  type ExceptionFilter,
  type ExecutionContext,
  Injectable,
  Logger,
  type NestInterceptor,
  ParseIntPipe,
  type PipeTransform,
  SetMetadata,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
} from '@nestjs/common';
import { APP_GUARD, APP_PIPE, Reflector } from '@nestjs/core';
import { Ctx, EventPattern, MessagePattern, Payload, RpcException } from '@nestjs/microservices';
import { EMPTY, map, of, throwError } from 'rxjs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { SwarmWorker } from '../../../lib/decorators/index.js';
import { isSwarmContext } from '../../../lib/workers/is-swarm-context.js';
import type { SwarmContext } from '../../../lib/workers/swarm-context.js';
import { define, message, send } from './explore.js';

afterEach(() => {
  vi.restoreAllMocks();
});

describe('a handler without enhancers', () => {
  const Upper = createParamDecorator(async (suffix: string, context: ExecutionContext) => {
    return `${String(context.switchToRpc().getData()).toUpperCase()}${suffix}`;
  });

  @SwarmWorker()
  class Plain {
    seen: unknown;

    @MessagePattern('both')
    both(@Ctx() context: SwarmContext, @Payload() value: number): unknown {
      this.seen = context;
      return value + 1;
    }

    @MessagePattern('field')
    field(@Payload('a') a: number, @Payload('b') b: number): number {
      return a + b;
    }

    @MessagePattern('undecorated')
    undecorated(value: number, context: SwarmContext): unknown {
      return [value, context.pattern];
    }

    @MessagePattern('custom')
    custom(@Upper('!') text: string): string {
      return text;
    }

    @MessagePattern('many')
    many() {
      return of(1, 2, 3);
    }

    @MessagePattern('none')
    none() {
      return EMPTY;
    }

    @MessagePattern('later')
    async later() {
      return of('later');
    }

    @MessagePattern('broken')
    broken(): never {
      throw new RpcException('broken');
    }

    @EventPattern(['one', 'two'])
    onEvent(): string {
      return 'event';
    }

    undecoratedMethod(): void {}
  }

  it('gets message and context where the decorators are', async () => {
    const definition = await define(Plain);
    const plain = new Plain();
    const context = message();
    expect(definition.handler('both')!.invoke(plain, 1, context)).toBe(2);
    expect(plain.seen).toBe(context);
    expect(await send(definition, plain, 'field', { a: 1, b: 2 })).toBe(3);
    await expect(send(definition, plain, 'field')).resolves.toBeNaN();
    expect(await send(definition, plain, 'undecorated', 5)).toEqual([5, 'undecorated']);
    expect(await send(definition, plain, 'custom', 'a')).toBe('A!');
  });

  it('answers at once when the handler does', async () => {
    const definition = await define(Plain);
    expect(definition.handler('both')!.invoke(new Plain(), 1, message())).toBe(2);
  });

  it('answers the last value of an Observable, undefined for an empty one, also behind a promise', async () => {
    const definition = await define(Plain);
    expect(await send(definition, new Plain(), 'many')).toBe(3);
    expect(await send(definition, new Plain(), 'none')).toBeUndefined();
    expect(await send(definition, new Plain(), 'later')).toBe('later');
  });

  it('throws what the handler throws', async () => {
    const definition = await define(Plain);
    await expect(send(definition, new Plain(), 'broken')).rejects.toThrow(new RpcException('broken'));
  });

  it('is reached by each pattern and by its method name, undecorated methods never', async () => {
    const definition = await define(Plain);
    expect(definition.handler('one')).toBe(definition.handler('two'));
    expect(definition.handler('onEvent')).toBe(definition.handler('one'));
    expect(definition.handler('one')?.accepts).toBe('event');
    expect(definition.handler('both')?.accepts).toBe('message');
    expect(definition.handler('undecoratedMethod')).toBeUndefined();
    expect(definition.handler('constructor')).toBeUndefined();
    expect(definition.handler('__proto__')).toBeUndefined();
  });
});

const Roles = (...roles: string[]) => SetMetadata('roles', roles);

describe('a handler with enhancers', () => {
  const seen: unknown[] = [];

  @Injectable()
  class Users {
    readonly allowed = 'admin';
  }

  @Injectable()
  class RolesGuard implements CanActivate {
    constructor(
      private readonly reflector: Reflector,
      private readonly users: Users,
    ) {}

    canActivate(context: ExecutionContext): boolean {
      seen.push([
        context.getType<string>(),
        isSwarmContext(context),
        context.getClass().name,
        context.getHandler().name,
        context.getArgs().length,
        context.switchToRpc().getData<unknown>(),
        context.switchToRpc().getContext<SwarmContext>().pattern,
      ]);
      return this.reflector.get<string[]>('roles', context.getHandler()).includes(this.users.allowed);
    }
  }

  class Doubled implements NestInterceptor {
    intercept(_context: ExecutionContext, next: CallHandler) {
      return next.handle().pipe(map((value: number) => value * 2));
    }
  }

  class Emptied implements NestInterceptor {
    intercept() {
      return EMPTY;
    }
  }

  class TooMuch extends Error {}

  @Catch(TooMuch)
  class Forgiving implements ExceptionFilter {
    catch(error: TooMuch, host: ArgumentsHost): unknown {
      return of('first', `forgiven ${error.message} of ${String(host.switchToRpc().getData())}`);
    }
  }

  @Catch()
  class Translating implements ExceptionFilter {
    catch(error: Error): unknown {
      return throwError(() => new RpcException(`translated ${error.message}`));
    }
  }

  @Catch()
  class Silent implements ExceptionFilter {
    catch(): void {}
  }

  class Plus implements PipeTransform {
    transform(value: number): number {
      return value + 1;
    }
  }

  @SwarmWorker()
  class Guarded {
    total = 0;

    @MessagePattern('add')
    @UseGuards(RolesGuard)
    @Roles('admin')
    add(@Payload(ParseIntPipe) value: number): number {
      return (this.total += value);
    }

    @MessagePattern('forbidden')
    @UseGuards(RolesGuard)
    @Roles('nobody')
    forbidden(): void {
      this.total = -1;
    }

    @MessagePattern('doubled')
    @UseInterceptors(Doubled)
    doubled(value: number) {
      return of(0, value);
    }

    @MessagePattern('emptied')
    @UseInterceptors(Emptied)
    emptied(): number {
      return 1;
    }

    @MessagePattern('piped')
    @UsePipes(ParseIntPipe, Plus)
    piped(@Payload('n', Plus) value: number, @Ctx() context: SwarmContext): unknown {
      return [value, context.pattern];
    }

    @MessagePattern('filtered')
    @UseFilters(Forgiving)
    filtered(value: number): never {
      throw value > 1 ? new TooMuch('it') : new Error('other');
    }

    @MessagePattern('translated')
    @UseFilters(Translating)
    async translated(): Promise<never> {
      throw new Error('it');
    }

    @MessagePattern('silent')
    @UseFilters(Silent)
    silent(): never {
      throw new Error('kept');
    }

    @MessagePattern('none')
    @UseFilters(Silent)
    none() {
      return EMPTY;
    }
  }

  const defineGuarded = () => define(Guarded, { providers: [Users] });

  it('keeps the state of each instance apart', async () => {
    const definition = await defineGuarded();
    const [a, b] = [new Guarded(), new Guarded()];
    expect(await Promise.all([1, 2, 3].map((n) => send(definition, a, 'add', String(n))))).toEqual([1, 3, 6]);
    expect(await send(definition, b, 'add', '10')).toBe(10);
    expect([a.total, b.total]).toEqual([6, 10]);
  });

  it('shows guards the type, class, method, message and context, and not the instance', async () => {
    const definition = await defineGuarded();
    seen.length = 0;
    await send(definition, new Guarded(), 'add', '7');
    expect(seen).toEqual([['swarm', true, 'Guarded', 'add', 2, '7', 'add']]);
  });

  it('refuses what a guard refuses', async () => {
    const definition = await defineGuarded();
    const guarded = new Guarded();
    await expect(send(definition, guarded, 'forbidden')).rejects.toMatchObject({ status: 403 });
    expect(guarded.total).toBe(0);
  });

  it('answers what interceptors make of the last value, undefined if they make nothing', async () => {
    const definition = await defineGuarded();
    expect(await send(definition, new Guarded(), 'doubled', 4)).toBe(8);
    expect(await send(definition, new Guarded(), 'emptied')).toBeUndefined();
    expect(await send(definition, new Guarded(), 'none')).toBeUndefined();
  });

  it('applies pipes of method and parameter, and leaves the context alone', async () => {
    const definition = await defineGuarded();
    expect(await send(definition, new Guarded(), 'piped', { n: '40' })).toEqual([42, 'piped']);
    await expect(send(definition, new Guarded(), 'piped', { n: 'x' })).rejects.toMatchObject({ status: 400 });
    await expect(send(definition, new Guarded(), 'add', 'x')).rejects.toMatchObject({ status: 400 });
  });

  it('answers what a filter returns, and throws what it leaves or throws', async () => {
    const definition = await defineGuarded();
    expect(await send(definition, new Guarded(), 'filtered', 2)).toBe('forgiven it of 2');
    await expect(send(definition, new Guarded(), 'filtered', 1)).rejects.toThrow('other');
    await expect(send(definition, new Guarded(), 'translated')).rejects.toThrow('translated it');
    await expect(send(definition, new Guarded(), 'silent')).rejects.toThrow('kept');
  });

  it('logs nothing itself: the host logs errors of all handlers alike', async () => {
    const error = vi.spyOn(Logger.prototype, 'error').mockImplementation(() => {});
    const definition = await defineGuarded();
    await expect(send(definition, new Guarded(), 'filtered', 1)).rejects.toThrow('other');
    await expect(send(definition, new Guarded(), 'add', 'x')).rejects.toThrow();
    expect(error).not.toHaveBeenCalled();
  });
});

describe('global enhancers', () => {
  class Nobody implements CanActivate {
    canActivate(): boolean {
      return false;
    }
  }
  class Shout implements PipeTransform {
    transform(value: unknown): unknown {
      return typeof value === 'string' ? value.toUpperCase() : value;
    }
  }

  @SwarmWorker()
  class Open {
    @MessagePattern('say')
    say(@Payload() text: string): string {
      return text;
    }
  }

  it('do not apply by default', async () => {
    const definition = await define(Open, { providers: [{ provide: APP_GUARD, useClass: Nobody }] });
    expect(await send(definition, new Open(), 'say', 'a')).toBe('a');
  });

  it('apply with inheritAppConfig', async () => {
    const guarded = await define(Open, { providers: [{ provide: APP_GUARD, useClass: Nobody }] }, true);
    await expect(send(guarded, new Open(), 'say', 'a')).rejects.toMatchObject({ status: 403 });
    const piped = await define(Open, { providers: [{ provide: APP_PIPE, useClass: Shout }] }, true);
    expect(await send(piped, new Open(), 'say', 'a')).toBe('A');
  });
});
