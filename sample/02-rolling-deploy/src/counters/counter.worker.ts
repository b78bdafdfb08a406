import { MessagePattern, Payload } from '@nestjs/microservices';
import { HandoffDecision, OnHandoff, resume, SwarmWorker } from 'nestjs-swarm';

/** What a counter knows, and takes along when it moves. */
export interface CounterState {
  readonly total: number;
  /** How often it was added to. */
  readonly additions: number;
}

/** One counter: the swarm runs one of these per registered name, on one node. Its state is nowhere but in memory. */
@SwarmWorker()
export class CounterWorker {
  private state: CounterState = { total: 0, additions: 0 };

  /** Answers the new total. One message is handled at a time: no lock is needed. */
  @MessagePattern('add')
  add(@Payload() value: number): number {
    const { total, additions } = this.state;
    this.state = { total: total + value, additions: additions + 1 };
    return this.state.total;
  }

  @MessagePattern('state')
  tell(): CounterState {
    return this.state;
  }

  /** It is to go on elsewhere. No message is being handled; new ones wait, and are handled there. */
  @OnHandoff('begin')
  pack(): HandoffDecision<CounterState> {
    return resume(this.state);
  }

  /** There: the state, before any message. */
  @OnHandoff('end')
  unpack(state: CounterState): void {
    this.state = state;
  }

  /** The swarm was parted, and the other part began anew from zero: what was counted there belongs here, too. */
  @OnHandoff('conflict')
  merge({ total, additions }: CounterState): void {
    this.state = { total: this.state.total + total, additions: this.state.additions + additions };
  }
}
