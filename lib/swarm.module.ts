import { type DynamicModule, Module, type OnModuleDestroy, Optional } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { SwarmConfigurationError } from './errors/index.js';
import { SwarmCoreModule } from './swarm-core.module.js';
import { stopFirst } from './swarm-hook.order.js';
import { SwarmNodeLifecycle } from './swarm-node.lifecycle.js';
import type { ASYNC_OPTIONS_TYPE } from './swarm.module-definition.js';
import type { SwarmModuleOptions } from './swarm.options.js';

/**
 * Makes the application a node of a swarm. Import `SwarmModule.forRoot()` once, in the root module; `SwarmRegistry`,
 * `SwarmGroups` and `SwarmCluster` can then be injected everywhere.
 *
 * The node listens and joins at `onApplicationBootstrap`, before any other such hook. It hands its workers off and
 * leaves before any other `onModuleDestroy` of the application runs, wherever this module is imported: databases and
 * all that workers inject are still open then. Call `app.enableShutdownHooks()` to have that on SIGTERM.
 */
@Module({})
export class SwarmModule implements OnModuleDestroy {
  constructor(
    modules: ModulesContainer,
    @Optional() private readonly lifecycle?: SwarmNodeLifecycle,
  ) {
    if (!lifecycle) {
      throw new SwarmConfigurationError([
        'SwarmModule is imported without options; import SwarmModule.forRoot() in the root module',
      ]);
    }
    stopFirst(modules, SwarmModule);
  }

  /**
   * The swarm with the given options. Without any, the processes of this application on this machine form a swarm.
   *
   * What is wrong with the options, with the workers of the application, or with importing it twice, is thrown at boot
   * as one `SwarmConfigurationError`.
   */
  static forRoot(options: SwarmModuleOptions = {}): DynamicModule {
    return { module: SwarmModule, imports: [SwarmCoreModule.forRoot(options)] };
  }

  /**
   * As `forRoot`, with options from `useFactory` (and `inject`), `useClass` or `useExisting` (a `SwarmOptionsFactory`).
   * `imports` are the modules that those need.
   *
   * @throws SwarmConfigurationError if none of the three is given; all else that is wrong is thrown at boot
   */
  static forRootAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    // Nest would say that it cannot resolve a dependency which nobody has written.
    if (!(options.useFactory ?? options.useClass ?? options.useExisting)) {
      throw new SwarmConfigurationError([
        'SwarmModule.forRootAsync() needs useFactory, useClass or useExisting, as { useFactory: () => ({ cluster: "shop" }) }',
      ]);
    }
    return { module: SwarmModule, imports: [SwarmCoreModule.forRootAsync(options)] };
  }

  async onModuleDestroy(): Promise<void> {
    await this.lifecycle?.stop();
  }
}
