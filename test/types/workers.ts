import type { ExecutionContext } from '@nestjs/common';
import { createParamDecorator } from '@nestjs/common';
import { Ctx, EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import type { Observable } from 'rxjs';
import { of } from 'rxjs';
import {
  DieReason,
  OnHandoff,
  type OnWorkerStart,
  SwarmContext,
  SwarmWorker,
  WorkerContext,
  type WorkerRef,
} from '../../lib/index.js';

// Worker classes as users write them: whatever stands in their decorated signatures must be a value, too.

export class Reading {
  value!: number;
  at?: Date;
}

@SwarmWorker({ type: 'device', concurrency: 2, mailboxLimit: 100 })
export class DeviceWorker implements OnWorkerStart<{ model: string }> {
  private total = 0;
  readonly notAMethod = 1;

  onWorkerStart(_ctx: WorkerContext, _args: { model: string }): void {}

  @MessagePattern('record')
  record(@Payload() value: number, @Ctx() _ctx: SwarmContext): number {
    return (this.total += value);
  }

  @MessagePattern('contextFirst')
  contextFirst(@Ctx() _ctx: SwarmContext, @Payload() value: string): string {
    return value;
  }

  @MessagePattern('onlyContext')
  onlyContext(@Ctx() ctx: SwarmContext): string {
    return ctx.worker.name + ctx.from + ctx.pattern + String(ctx.deadline);
  }

  @MessagePattern('optional')
  optional(@Payload() value?: number): Promise<number | undefined> {
    return Promise.resolve(value);
  }

  @MessagePattern('object')
  object(@Payload() reading: Reading): Reading {
    return reading;
  }

  @MessagePattern('stream')
  stream(): Observable<number> {
    return of(1);
  }

  @MessagePattern('later')
  async later(): Promise<Observable<string>> {
    return of('a');
  }

  @MessagePattern('anything')
  anything(@Payload() value: unknown): unknown {
    return value;
  }

  // Not `@EventPattern('reset')`: under strictFunctionTypes the typing of Nest 12 takes no method without parameters.
  @EventPattern<string>('reset')
  reset(): void {
    this.total = 0;
  }

  @OnHandoff('die')
  close(reason: DieReason): void {
    if (reason === DieReason.stopped) this.total = 0;
  }

  private hidden(): void {}
  protected guarded(): void {
    this.hidden();
  }
}

@SwarmWorker()
export class PlainWorker {
  @MessagePattern('ping')
  ping(): 'pong' {
    return 'pong';
  }
}

@SwarmWorker()
export class ContextOnlyWorker implements OnWorkerStart {
  onWorkerStart(_ctx: WorkerContext): void {}
}

@SwarmWorker()
export class OptionalArgsWorker implements OnWorkerStart<{ model: string } | undefined> {
  onWorkerStart(_ctx: WorkerContext, _args?: { model: string }): void {}
}

@SwarmWorker()
export class UnknownArgsWorker implements OnWorkerStart<unknown> {
  async onWorkerStart(_ctx: WorkerContext, _args: unknown): Promise<void> {}
}

export const Sender = createParamDecorator(
  (_data: unknown, context: ExecutionContext) => context.switchToRpc().getContext<SwarmContext>().from,
);

@SwarmWorker()
export class RefWorker {
  @MessagePattern('meet')
  meet(other: WorkerRef<PlainWorker>): Promise<'pong'> {
    return other.call('ping');
  }

  @OnHandoff('die')
  async close(): Promise<void> {}
}
