import { Global, Module, type OnApplicationBootstrap, type OnModuleInit } from '@nestjs/common';
import { DiscoveryModule, ModulesContainer } from '@nestjs/core';
import { KernelHolder } from './services/kernel.holder.js';
import { SwarmCluster } from './services/swarm-cluster.service.js';
import { SwarmGroups } from './services/swarm-groups.service.js';
import { SwarmRegistry } from './services/swarm-registry.service.js';
import { WorkerRefs } from './services/worker-ref.js';
import { startFirst } from './swarm-hook.order.js';
import { SwarmNodeLifecycle } from './swarm-node.lifecycle.js';
import { ConfigurableModuleClass } from './swarm.module-definition.js';

/**
 * Global: holds the node and the services of one application. Its bootstrap hook runs before every other, so that the
 * swarm can be used in all of them.
 */
@Global()
@Module({
  imports: [DiscoveryModule],
  providers: [
    KernelHolder,
    {
      provide: WorkerRefs,
      useFactory: (holder: KernelHolder) => new WorkerRefs(holder),
      inject: [KernelHolder],
    },
    SwarmNodeLifecycle,
    SwarmRegistry,
    SwarmGroups,
    SwarmCluster,
  ],
  exports: [SwarmNodeLifecycle, SwarmRegistry, SwarmGroups, SwarmCluster],
})
export class SwarmCoreModule extends ConfigurableModuleClass implements OnModuleInit, OnApplicationBootstrap {
  constructor(
    private readonly modules: ModulesContainer,
    private readonly lifecycle: SwarmNodeLifecycle,
  ) {
    super();
    startFirst(modules, SwarmCoreModule);
  }

  async onModuleInit(): Promise<void> {
    const roots = [...this.modules.values()].filter(({ metatype }) => metatype === SwarmCoreModule).length;
    await this.lifecycle.build(
      roots > 1
        ? [
            `SwarmModule.forRoot() is imported ${roots} times; import it once, its services are global (elsewhere write nothing, or SwarmModule)`,
          ]
        : [],
    );
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.lifecycle.start();
  }
}
