import { ConfigurableModuleBuilder } from '@nestjs/common';
import type { SwarmModuleOptions } from './swarm.options.js';

/** No extras: with them the builder copies the string keys of the options only, and test parts travel by a symbol. */
export const {
  ConfigurableModuleClass,
  MODULE_OPTIONS_TOKEN: SWARM_MODULE_OPTIONS,
  ASYNC_OPTIONS_TYPE,
} = new ConfigurableModuleBuilder<SwarmModuleOptions>({ moduleName: 'Swarm' })
  .setClassMethodName('forRoot')
  .setFactoryMethodName('createSwarmOptions')
  .build();
