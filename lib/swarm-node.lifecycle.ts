import { Inject, Injectable, Logger } from '@nestjs/common';
import { DiscoveryService, ModuleRef } from '@nestjs/core';
import { SwarmConfigurationError } from './errors/index.js';
import type { Kernel } from './node/kernel.interface.js';
import { KernelHolder } from './services/kernel.holder.js';
import { WorkerRefs } from './services/worker-ref.js';
import { bootLine } from './swarm-boot.line.js';
import { createNode } from './swarm-node.factory.js';
import { resolveOptions, type ResolvedSwarmOptions } from './swarm-options.resolution.js';
import { partsOf } from './swarm-parts.js';
import { SWARM_MODULE_OPTIONS } from './swarm.module-definition.js';
import type { SwarmModuleOptions } from './swarm.options.js';
import { NestEnhancers } from './workers/nest-enhancers.js';
import { WorkerExplorer } from './workers/worker.explorer.js';

/** The life of the application's node: checked and built at `onModuleInit`, started at bootstrap, stopped at destroy. */
@Injectable()
export class SwarmNodeLifecycle {
  private readonly logger = new Logger('Swarm');
  private node: { readonly kernel: Kernel; readonly options: ResolvedSwarmOptions } | undefined;

  constructor(
    @Inject(SWARM_MODULE_OPTIONS) private readonly options: SwarmModuleOptions,
    private readonly discovery: DiscoveryService,
    private readonly moduleRef: ModuleRef,
    private readonly holder: KernelHolder,
    private readonly refs: WorkerRefs,
  ) {}

  /**
   * Checks options and workers, and builds the node from them.
   *
   * @param moduleFaults what is wrong with how the module was imported
   * @throws SwarmConfigurationError with all faults
   */
  async build(moduleFaults: readonly string[]): Promise<void> {
    const { resolved, inheritAppConfig, faults } = resolveOptions(this.options);
    const explorer = new WorkerExplorer(this.discovery, new NestEnhancers(this.moduleRef, inheritAppConfig));
    const workers = await explorer.explore();
    const all = [...moduleFaults, ...faults, ...workers.faults];
    if (all.length > 0 || !resolved) throw new SwarmConfigurationError(all);
    const parts = partsOf(this.options);
    const kernel = createNode(resolved, workers.definitions, this.refs, parts.logger ?? this.logger, parts);
    this.node = { kernel, options: resolved };
    this.holder.hold(kernel, (instance) => explorer.definitionFor(instance));
  }

  /** Listens and joins; resolves when the node is up, or after `joinTimeoutMs`. Logs one line. */
  async start(): Promise<void> {
    if (!this.node) throw new Error('the node of the swarm is started before it is built');
    const { kernel, options } = this.node;
    try {
      await kernel.start();
    } catch (error) {
      // The boot fails; without this a socket or a timer would keep the process alive.
      await this.stop();
      throw error;
    }
    this.holder.follow();
    const facts = {
      cluster: options.kernel.cluster,
      self: kernel.self,
      nodes: kernel.nodes(),
      whyAlone: kernel.whyAlone(),
    };
    (partsOf(this.options).logger ?? this.logger).log(bootLine(facts));
  }

  /** Leaves the swarm and closes the node. Idempotent: several modules may ask. */
  async stop(): Promise<void> {
    await this.node?.kernel.stop();
    this.holder.complete();
  }
}
