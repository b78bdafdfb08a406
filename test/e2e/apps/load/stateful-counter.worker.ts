import { setTimeout as rest } from 'node:timers/promises';
import { MessagePattern } from '@nestjs/microservices';
import {
  DieReason,
  HandoffDecision,
  OnHandoff,
  resume,
  SwarmWorker,
  type OnWorkerStart,
  WorkerContext,
} from 'nestjs-swarm';
import { LocalFacts } from './local.facts.js';

export interface CounterArgs {
  /** Bytes that the counter carries from node to node beside its total. */
  readonly ballastBytes: number;
  /** Milliseconds that it takes to unpack. */
  readonly unpackMs?: number;
}

export interface CounterReading {
  readonly total: number;
  /** Whether the ballast is what it was at the start. */
  readonly intact: boolean;
}

interface CounterState {
  readonly total: number;
  readonly ballast: Buffer;
}

/** Counts its messages, and takes its total and its ballast along wherever it goes. */
@SwarmWorker()
export class StatefulCounter implements OnWorkerStart<CounterArgs> {
  private name = '';
  private args: CounterArgs = { ballastBytes: 0 };
  private total = 0;
  private ballast: Buffer = Buffer.alloc(0);

  constructor(private readonly facts: LocalFacts) {}

  onWorkerStart({ name }: WorkerContext, args: CounterArgs): void {
    this.name = name;
    this.args = args;
    this.ballast = this.freshBallast();
    this.facts.started(name);
  }

  @MessagePattern('add')
  add(): number {
    return ++this.total;
  }

  @MessagePattern('get')
  get(): CounterReading {
    return { total: this.total, intact: this.ballast.equals(this.freshBallast()) };
  }

  @OnHandoff('begin')
  pack(): HandoffDecision<CounterState> {
    return resume({ total: this.total, ballast: this.ballast });
  }

  @OnHandoff('end')
  async unpack({ total, ballast }: CounterState): Promise<void> {
    if (this.args.unpackMs !== undefined) await rest(this.args.unpackMs);
    this.total = total;
    this.ballast = ballast;
    this.facts.unpacked();
  }

  @OnHandoff('conflict')
  merge({ total }: CounterState): void {
    this.total += total;
    this.facts.conflicts++;
  }

  @OnHandoff('die')
  close(reason: DieReason): void {
    this.facts.died(this.name, reason);
  }

  /** Of its own for each name, so that no other's can pass for it. */
  private freshBallast(): Buffer {
    return Buffer.alloc(this.args.ballastBytes, this.name);
  }
}
