import type { ExecutionContext } from '@nestjs/common';
import { createParamDecorator } from '@nestjs/common';
import { Ctx, EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import type { Observable } from 'rxjs';
import { of } from 'rxjs';
import {
  DieReason,
  HandoffDecision,
  ignore,
  OnHandoff,
  type OnWorkerStart,
  restart,
  resume,
  ring,
  staticQuorumRing,
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

@SwarmWorker({ type: 'device', strategy: ring(), labels: { zone: 'a' }, concurrency: 2, mailboxLimit: 100 })
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

  @OnHandoff('begin')
  pack(): HandoffDecision<number> {
    return resume(this.total);
  }

  @OnHandoff('end')
  unpack(total: number): void {
    this.total = total;
  }

  @OnHandoff('conflict')
  merge(total: number): void {
    this.total = Math.max(this.total, total);
  }

  @OnHandoff('die')
  close(reason: DieReason): void {
    if (reason === DieReason.stopped || reason === 'no-quorum') this.total = 0;
  }

  private hidden(): void {}
  protected guarded(): void {
    this.hidden();
  }
}

interface Readings {
  readonly values: Map<string, number>;
  readonly at: Date | undefined;
}

@SwarmWorker({
  restart: 'permanent',
  maxRestarts: 0,
  withinMs: 1_000,
  strategy: staticQuorumRing({ size: 2 }),
})
export class MovingWorker implements OnWorkerStart {
  private readings: Readings | undefined;
  private ctx: WorkerContext | undefined;

  onWorkerStart(ctx: WorkerContext): void {
    this.ctx = ctx;
    ctx.signal.addEventListener('abort', () => undefined);
  }

  @MessagePattern('check')
  check(@Payload() value: number, @Ctx() { worker }: SwarmContext): number {
    if (value < 0) worker.fail(new TypeError('the line is dead'));
    if (value > 1) this.ctx?.stop();
    const fence: number = worker.fence;
    return fence;
  }

  @OnHandoff('begin')
  async pack(): Promise<HandoffDecision<Readings>> {
    if (!this.readings) return restart();
    return this.readings.at ? resume(this.readings) : ignore();
  }

  // One method may serve both; it may be async, and take nothing.
  @OnHandoff('end')
  @OnHandoff('conflict')
  async unpack(readings: Readings): Promise<void> {
    this.readings = readings;
  }
}

@SwarmWorker({ restart: 'temporary', labels: {} })
export class StayingWorker {
  @OnHandoff('begin')
  stay(): HandoffDecision<never> {
    return ignore();
  }

  @OnHandoff('end')
  unpack(): void {}

  @OnHandoff('conflict')
  merge(_state: unknown): void {}
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
