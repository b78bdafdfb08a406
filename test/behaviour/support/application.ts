import { Module } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import {
  type HandoffDecision,
  OnHandoff,
  type OnWorkerStart,
  restart,
  resume,
  SwarmCluster,
  SwarmGroups,
  SwarmModule,
  SwarmRegistry,
  SwarmWorker,
  type WorkerContext,
} from '../../../lib/index.js';
import { SwarmTestCluster } from '../../../lib/testing/index.js';

/** Joins a group when it starts; goes on with its count when it moves. */
@SwarmWorker()
export class Worker implements OnWorkerStart<{ group: string } | undefined> {
  private count = 0;
  private name = '';

  async onWorkerStart(ctx: WorkerContext, args: { group: string } | undefined): Promise<void> {
    this.name = ctx.name;
    if (args) await ctx.join(args.group);
  }

  @MessagePattern('add')
  add(@Payload() value: number): number {
    return (this.count += value);
  }

  @MessagePattern('who')
  who(): string {
    return this.name;
  }

  @OnHandoff('begin')
  pack(): HandoffDecision<number> {
    return resume(this.count);
  }

  @OnHandoff('end')
  unpack(count: number): void {
    this.count = count;
  }

  @OnHandoff('conflict')
  merge(count: number): void {
    this.count += count;
  }
}

/** Starts anew wherever it goes. */
@SwarmWorker()
export class RestartWorker {
  private count = 0;

  @MessagePattern('add')
  add(@Payload() value: number): number {
    return (this.count += value);
  }

  @OnHandoff('begin')
  pack(): HandoffDecision<never> {
    return restart();
  }
}

/** A cluster of applications with these workers, and the services of each node. */
export class Application {
  private constructor(readonly cluster: SwarmTestCluster) {}

  static async of(nodes: number): Promise<Application> {
    const cluster = await SwarmTestCluster.create({
      nodes,
      module: (options) => {
        @Module({ imports: [SwarmModule.forRoot(options)], providers: [Worker, RestartWorker] })
        class AppModule {}
        return AppModule;
      },
    });
    return new Application(cluster);
  }

  registry(node: number): SwarmRegistry {
    return this.cluster.app(node).get(SwarmRegistry, { strict: false });
  }

  groups(node: number): SwarmGroups {
    return this.cluster.app(node).get(SwarmGroups, { strict: false });
  }

  swarm(node: number): SwarmCluster {
    return this.cluster.app(node).get(SwarmCluster, { strict: false });
  }

  id(node: number): string {
    return this.swarm(node).self.id;
  }

  /** Name, node and fence of everything that a node shows, as text. */
  registered(node: number): string[] {
    return [...this.registry(node).registered()].map((ref) => JSON.stringify(ref)).sort();
  }

  names(node: number): string[] {
    return [...this.registry(node).registered()].map(({ name }) => name).sort();
  }

  /** Names that a node shows to be on itself. */
  workersFor(node: number): string[] {
    return [...this.registry(node).registered({ node: this.id(node) })].map(({ name }) => name).sort();
  }

  groupMembers(node: number, group: string): string[] {
    return this.groups(node)
      .members(group)
      .map(({ name }) => name)
      .sort();
  }

  /** Members of the group that a node shows to be on itself. */
  membersFor(node: number, group: string): string[] {
    const self = this.id(node);
    return this.groups(node)
      .members(group)
      .filter((member) => member.node === self)
      .map(({ name }) => name)
      .sort();
  }
}
