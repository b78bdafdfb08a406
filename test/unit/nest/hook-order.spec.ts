import {
  Global,
  Injectable,
  Module,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
  type OnModuleInit,
  type Type,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { afterEach, describe, expect, it } from 'vitest';
import { NotStartedError, SwarmModule, SwarmRegistry } from '../../../lib/index.js';
import type { KernelParts } from '../../../lib/node/kernel-parts.js';
import type { KernelOptions } from '../../../lib/node/kernel-options.js';
import { KernelNode } from '../../../lib/node/kernel-node.js';
import { NodeRuntime } from '../../../lib/runtime/node.runtime.js';
import { SWARM_PARTS } from '../../../lib/swarm-parts.js';
import { MemoryNetwork } from '../../../lib/transport/memory/memory.network.js';

let steps: string[] = [];

afterEach(() => {
  steps = [];
});

class Tracing extends KernelNode {
  override async start(): Promise<void> {
    await super.start();
    steps.push('node started');
  }
  override async stop(): Promise<void> {
    await super.stop();
    if (steps.at(-1) !== 'node stopped') steps.push('node stopped');
  }
}

function swarm() {
  return SwarmModule.forRoot({
    cluster: 'test',
    [SWARM_PARTS]: {
      transport: new MemoryNetwork(new NodeRuntime()).transport({ host: '127.0.0.1', port: 1 }),
      logger: { error() {}, log() {}, warn() {}, debug() {}, verbose() {} },
      createKernel: (options: KernelOptions, parts: KernelParts) => new Tracing(options, parts),
    },
  } as object);
}

/** A module whose hooks, and those of a provider of it, are written down. */
function traced(name: string, imports: unknown[] = [], isGlobal = false): Type<unknown> {
  abstract class Hooks implements OnModuleInit, OnApplicationBootstrap, OnModuleDestroy {
    abstract readonly label: string;
    onModuleInit(): void {}
    onApplicationBootstrap(): void {
      steps.push(`${this.label} starts`);
    }
    onModuleDestroy(): void {
      steps.push(`${this.label} ends`);
    }
  }
  @Injectable()
  class Service extends Hooks {
    readonly label = `${name} service`;
  }
  class Traced extends Hooks {
    readonly label = name;
  }
  Module({ imports: imports as never, providers: [Service], exports: [Service] })(Traced);
  if (isGlobal) Global()(Traced);
  Object.defineProperty(Traced, 'name', { value: name });
  return Traced;
}

describe.each<[string, (database: Type<unknown>, feature: Type<unknown>) => unknown[]]>([
  ['first', (database, feature) => [swarm(), database, feature]],
  ['last', (database, feature) => [database, feature, swarm()]],
  [
    'by a module of the application',
    (database, feature) => [database, traced('Nested', [traced('Deep', [swarm()])]), feature],
  ],
  [
    'first, and once more without options',
    (database, feature) => [swarm(), database, feature, traced('Plain', [SwarmModule])],
  ],
])('with SwarmModule imported %s', (_title, importsOf) => {
  it('the node starts before every other bootstrap hook and stops before every other destroy hook', async () => {
    const database = traced('Database', [], true);
    const app = traced('App', importsOf(database, traced('Feature')));
    const context = await NestFactory.createApplicationContext(app, { logger: false, abortOnError: false });
    const started = [...steps];
    expect(started[0]).toBe('node started');
    expect(started).toEqual(
      expect.arrayContaining(['Database starts', 'Database service starts', 'App starts', 'Feature starts']),
    );
    steps = [];
    await context.close();
    expect(steps[0]).toBe('node stopped');
    expect(steps).toEqual(
      expect.arrayContaining(['Database ends', 'Database service ends', 'App ends', 'Feature ends']),
    );
    expect(steps.filter((step) => step === 'node stopped')).toHaveLength(1);
  });
});

describe('before the node is started', () => {
  it('the services say from which hook on they can be used', async () => {
    const errors: unknown[] = [];
    @Injectable()
    class Early implements OnModuleInit, OnApplicationBootstrap {
      constructor(private readonly registry: SwarmRegistry) {
        this.use();
      }
      onModuleInit(): void {
        this.use();
      }
      onApplicationBootstrap(): void {
        this.use();
      }
      private use(): void {
        try {
          errors.push(this.registry.count());
        } catch (error) {
          errors.push(error);
        }
      }
    }
    @Module({ imports: [swarm()], providers: [Early] })
    class App {}
    const context = await NestFactory.createApplicationContext(App, { logger: false, abortOnError: false });
    await context.close();
    expect(errors).toEqual([expect.any(NotStartedError), expect.any(NotStartedError), 0]);
    expect(String(errors[0])).toContain('onApplicationBootstrap');
  });
});
