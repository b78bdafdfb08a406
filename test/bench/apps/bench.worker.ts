import { MessagePattern, Payload } from '@nestjs/microservices';
import {
  HandoffDecision,
  OnHandoff,
  resume,
  SwarmWorker,
  type OnWorkerStart,
  type WorkerContext,
} from 'nestjs-swarm';
import { deliveries } from './deliveries.js';

/** The worker of all cases, with a state that it takes along; with `group` it is a member. */
@SwarmWorker()
export class BenchWorker implements OnWorkerStart<{ group: string } | undefined> {
  private total = 0;

  onWorkerStart(context: WorkerContext, args: { group: string } | undefined): Promise<void> | void {
    if (!args) return undefined;
    deliveries.members++;
    return context.join(args.group);
  }

  @MessagePattern('add')
  add(@Payload() { add }: { add: number }): number {
    return (this.total += add);
  }

  @MessagePattern('echo')
  echo(@Payload() data: unknown): unknown {
    return data;
  }

  @MessagePattern('publish')
  receive(@Payload() { add }: { add: number }): number {
    deliveries.received();
    return (this.total += add);
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
    this.total += total;
  }
}
