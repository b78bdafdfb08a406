import { applyDecorators, Injectable, Scope, SetMetadata } from '@nestjs/common';
import { WORKER_OPTIONS_METADATA } from '../workers/worker-metadata.js';

/** Options of one worker type. */
export interface SwarmWorkerOptions {
  /**
   * What the type is called in the swarm. Give it when class names are mangled by a bundler, or when two classes of
   * two applications stand for the same worker.
   *
   * @default the name of the class
   */
  readonly type?: string;
  /**
   * How many messages one worker handles at the same time. More than one gives up the order of messages.
   *
   * @default 1
   */
  readonly concurrency?: number;
  /**
   * Most messages that wait for one worker of this type; a further one fails with `MailboxFullError`.
   *
   * @default the module's `mailboxLimit`
   */
  readonly mailboxLimit?: number;
}

/**
 * Makes a class a worker: the swarm builds one instance per registered name, with the dependencies of the module that
 * lists the class in its `providers`.
 *
 * Messages reach the methods that carry Nest's `@MessagePattern` (answered) or `@EventPattern` (not answered). Nest
 * itself never builds an instance, so `onModuleInit` and the other lifecycle hooks of Nest are not called: use
 * `onWorkerStart` and `@OnHandoff('die')`.
 *
 * What is wrong with the options is told at boot, with every other fault, in one `SwarmConfigurationError`.
 */
export function SwarmWorker(options: SwarmWorkerOptions = {}): ClassDecorator {
  return applyDecorators(
    // TRANSIENT keeps Nest from building the class at boot (measured: reference/nest.md 3.1).
    Injectable({ scope: Scope.TRANSIENT }),
    SetMetadata(WORKER_OPTIONS_METADATA, options),
  );
}
