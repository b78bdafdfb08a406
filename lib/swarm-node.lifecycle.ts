import { Inject, Injectable, Logger } from '@nestjs/common';
import { DiscoveryService, ModuleRef } from '@nestjs/core';
import { SwarmConfigurationError } from './errors/index.js';
import { stackOf } from './errors/thrown.js';
import type { Kernel } from './node/kernel.interface.js';
import { GuardedLogger } from './runtime/guarded.logger.js';
import type { KernelLogger } from './runtime/runtime.interface.js';
import { KernelHolder } from './services/kernel.holder.js';
import { WorkerRefs } from './services/worker-ref.js';
import { bootLine } from './swarm-boot.line.js';
import { createNode } from './swarm-node.factory.js';
import { resolveOptions, type ResolvedSwarmOptions } from './swarm-options.resolution.js';
import { partsOf } from './swarm-parts.js';
import { securityWarnings } from './swarm-security.warnings.js';
import { SWARM_MODULE_OPTIONS } from './swarm.module-definition.js';
import type { SwarmModuleOptions } from './swarm.options.js';
import { NestEnhancers } from './workers/nest-enhancers.js';
import { WorkerExplorer } from './workers/worker.explorer.js';

/** The life of the application's node: checked and built at `onModuleInit`, started at bootstrap, drained and stopped at destroy. */
@Injectable()
export class SwarmNodeLifecycle {
  private readonly logger: KernelLogger;
  private node: { readonly kernel: Kernel; readonly options: ResolvedSwarmOptions } | undefined;
  private stopping: Promise<void> | undefined;

  constructor(
    @Inject(SWARM_MODULE_OPTIONS) private readonly options: SwarmModuleOptions,
    private readonly discovery: DiscoveryService,
    private readonly moduleRef: ModuleRef,
    private readonly holder: KernelHolder,
    private readonly refs: WorkerRefs,
  ) {
    this.logger = new GuardedLogger(partsOf(options).logger ?? new Logger('Swarm'));
  }

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
    const kernel = createNode(resolved, workers.definitions, this.refs, this.logger, parts);
    this.node = { kernel, options: resolved };
    this.holder.hold(kernel, (instance) => explorer.definitionFor(instance));
  }

  /** Listens and joins; resolves when the node is up, or after `joinTimeoutMs`. Logs one line. */
  async start(): Promise<void> {
    if (!this.node) throw new Error('the node of the swarm is started before it is built');
    const { kernel, options } = this.node;
    for (const warning of securityWarnings(options)) this.logger.warn(warning);
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
      wish: options.kernel,
    };
    this.logger.log(bootLine(facts));
  }

  /**
   * Hands the workers off, leaves the swarm and closes the node. The services work until the workers are gone.
   * Idempotent: several modules may ask. Does not reject: the rest of the application must be closed all the same, by
   * whichever way Nest came here, and a boot that fails must fail with its own error.
   */
  async stop(): Promise<void> {
    if (this.node) await (this.stopping ??= this.close(this.node.kernel));
    this.holder.complete();
  }

  private async close(kernel: Kernel): Promise<void> {
    try {
      await kernel.stop();
    } catch (error) {
      this.logger.error(
        `the node did not leave the swarm in order; the application goes on closing: ${stackOf(error)}`,
      );
    }
  }
}
