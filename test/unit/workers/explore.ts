import 'reflect-metadata';
import { Module, type ModuleMetadata, type Type } from '@nestjs/common';
import { DiscoveryModule, DiscoveryService, ModuleRef } from '@nestjs/core';
import { Test, type TestingModule } from '@nestjs/testing';
import { NestEnhancers } from '../../../lib/workers/nest-enhancers.js';
import type { SwarmContext } from '../../../lib/workers/swarm-context.js';
import type { WorkerDefinition } from '../../../lib/workers/worker-definition.interface.js';
import { type ExploredWorkers, WorkerExplorer } from '../../../lib/workers/worker.explorer.js';

/** An application without a swarm, whose workers are explored as SwarmModule does. */
export async function explore(
  metadata: ModuleMetadata,
  inheritAppConfig = false,
): Promise<ExploredWorkers & { explorer: WorkerExplorer; app: TestingModule }> {
  class AppModule {}
  Module({ ...metadata, imports: [DiscoveryModule, ...(metadata.imports ?? [])] })(AppModule);
  const app = await Test.createTestingModule({ imports: [AppModule] }).compile();
  const enhancers = new NestEnhancers(app.get(ModuleRef), inheritAppConfig);
  const explorer = new WorkerExplorer(app.get(DiscoveryService, { strict: false }), enhancers);
  return { ...(await explorer.explore()), explorer, app };
}

/** The faults that an application has at boot. */
export async function faultsOf(
  metadata: ModuleMetadata,
  inheritAppConfig = false,
): Promise<readonly string[]> {
  return (await explore(metadata, inheritAppConfig)).faults;
}

/** The definition of the only worker of an application. */
export async function define(
  worker: Type<object>,
  metadata: ModuleMetadata = {},
  inheritAppConfig = false,
): Promise<WorkerDefinition> {
  const found = await explore(
    { ...metadata, providers: [worker, ...(metadata.providers ?? [])] },
    inheritAppConfig,
  );
  if (found.faults.length > 0) throw new Error(found.faults.join('\n'));
  return [...found.definitions.values()][0]!;
}

/** A context of its own for each message, as the host makes it. */
export function message(pattern = 'test'): SwarmContext {
  return { worker: {}, pattern, from: 'a@127.0.0.1:1', deadline: undefined } as unknown as SwarmContext;
}

/** Sends a message to an instance through its definition. */
export async function send(
  definition: WorkerDefinition,
  instance: object,
  pattern: string,
  data?: unknown,
): Promise<unknown> {
  return definition.handler(pattern)!.invoke(instance, data, message(pattern));
}
