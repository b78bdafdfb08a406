import { Body, Controller, Get, Param, ParseIntPipe, Post } from '@nestjs/common';
import { SwarmCluster, SwarmRegistry, type WorkerRef } from 'nestjs-swarm';
import { type CounterState, CounterWorker } from './counter.worker.js';

/** What one process knows of the whole swarm, from memory. */
interface Overview {
  readonly node: string;
  /** Nodes that are up. */
  readonly nodes: number;
  readonly count: number;
  /** How many counters each node hosts, by its id. */
  readonly byNode: Readonly<Record<string, number>>;
}

/** The same on every node, wherever a counter runs. */
@Controller('counters')
export class CountersController {
  constructor(
    private readonly swarm: SwarmRegistry,
    private readonly cluster: SwarmCluster,
  ) {}

  /** 409 if the name is taken. */
  @Post(':name')
  register(@Param('name') name: string): Promise<WorkerRef<CounterWorker>> {
    return this.swarm.register(name, CounterWorker);
  }

  /** 404 if there is no such counter. */
  @Post(':name/add')
  async add(
    @Param('name') name: string,
    @Body('value', ParseIntPipe) value: number,
  ): Promise<{ total: number }> {
    return { total: await this.swarm.call<number>(name, 'add', value) };
  }

  @Get(':name')
  state(@Param('name') name: string): Promise<CounterState> {
    return this.swarm.call<CounterState>(name, 'state');
  }

  @Get()
  overview(): Overview {
    const byNode: Record<string, number> = {};
    for (const { node } of this.swarm.registered({ type: CounterWorker })) {
      if (node !== undefined) byNode[node] = (byNode[node] ?? 0) + 1;
    }
    const up = this.cluster.nodes().filter(({ status }) => status === 'up');
    return { node: this.cluster.self.id, nodes: up.length, count: this.swarm.count(), byNode };
  }
}
