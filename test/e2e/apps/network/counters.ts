// Workers that say which activation has answered, and keep their count wherever they go.
import { setTimeout as rest } from 'node:timers/promises';
import { Ctx, MessagePattern, Payload } from '@nestjs/microservices';
import {
  HandoffDecision,
  OnHandoff,
  type OnWorkerStart,
  resume,
  staticQuorumRing,
  SwarmContext,
  SwarmWorker,
  type WorkerContext,
} from 'nestjs-swarm';
import { machineTime } from '../../../support/fence-history.js';
import { record } from './history.js';

const { SIZE = '2' } = process.env;

export interface Reading {
  readonly fence: number;
  readonly total: number;
  /** When the handler ended, on the machine's clock, in nanoseconds. */
  readonly endedAt: string;
}

/** The workers that live in this process, by name; those that handle a slow message; how long packing takes, in ms. */
export const lives = {
  hosted: new Map<string, WorkerContext>(),
  slow: new Set<string>(),
  packMs: 0,
};

abstract class Counter implements OnWorkerStart {
  protected context!: WorkerContext;
  protected total = 0;

  onWorkerStart(context: WorkerContext): void {
    this.context = context;
    lives.hosted.set(context.name, context);
  }

  /** Leaves alone a newer worker of the name that this process has started meanwhile. */
  protected ended(): void {
    const { name } = this.context;
    if (lives.hosted.get(name) === this.context) lives.hosted.delete(name);
  }

  protected reading(fence: number): Reading {
    return { fence, total: this.total, endedAt: machineTime(performance.now()).toString() };
  }
}

/** Available: each side of a cut network runs one. No addition that it has answered is lost but with its process. */
@SwarmWorker()
export class RingCounter extends Counter {
  @MessagePattern('add')
  add(@Ctx() { worker }: SwarmContext): Reading {
    this.total++;
    return this.reading(worker.fence);
  }

  @MessagePattern('get')
  get(@Ctx() { worker }: SwarmContext): Reading {
    return this.reading(worker.fence);
  }

  /** Holds up the whole process. */
  @MessagePattern('block')
  block(@Payload() ms: number): void {
    const until = performance.now() + ms;
    while (performance.now() < until);
  }

  @OnHandoff('begin')
  async pack(): Promise<HandoffDecision<number>> {
    await rest(lives.packMs);
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

  @OnHandoff('die')
  close(): void {
    this.ended();
  }
}

interface Packed {
  readonly total: number;
  readonly from: number;
  readonly packedAt: string;
}

/** Exactly one, wherever it is; it writes down what it goes on from. */
@SwarmWorker({ strategy: staticQuorumRing({ size: SIZE }) })
export class OnceCounter extends Counter {
  private lastFence = 0;

  override onWorkerStart(context: WorkerContext): void {
    super.onWorkerStart(context);
    this.lastFence = context.fence;
  }

  /** A move that failed, or a conflict, has left this very activation under a higher fence. */
  private noteFence(): void {
    const { name, fence, node } = this.context;
    if (fence === this.lastFence) return;
    const at = machineTime(performance.now());
    record({ kind: 'resume', name, fence, from: this.lastFence, at, node });
    this.lastFence = fence;
  }

  @MessagePattern('add')
  add(@Ctx() { worker }: SwarmContext): Reading {
    this.noteFence();
    this.total++;
    return this.reading(worker.fence);
  }

  @MessagePattern('get')
  get(@Ctx() { worker }: SwarmContext): Reading {
    this.noteFence();
    return this.reading(worker.fence);
  }

  @MessagePattern('slow')
  async slow(@Payload() ms: number, @Ctx() { worker }: SwarmContext): Promise<Reading> {
    this.noteFence();
    const { fence, name } = worker;
    lives.slow.add(name);
    await rest(ms);
    lives.slow.delete(name);
    this.total++;
    return this.reading(fence);
  }

  @OnHandoff('begin')
  async pack(): Promise<HandoffDecision<Packed>> {
    this.noteFence();
    const from = this.context.fence;
    const packedAt = machineTime(performance.now()).toString();
    await rest(lives.packMs);
    return resume({ total: this.total, from, packedAt });
  }

  @OnHandoff('end')
  unpack({ total, from, packedAt }: Packed): void {
    this.total = total;
    const { name, fence, node } = this.context;
    record({ kind: 'resume', name, fence, from, at: BigInt(packedAt), node });
  }

  @OnHandoff('die')
  close(): void {
    this.ended();
  }
}
