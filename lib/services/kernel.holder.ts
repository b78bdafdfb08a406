import { Injectable } from '@nestjs/common';
import { NotStartedError, ShuttingDownError } from '../errors/index.js';
import type { Kernel, RegistryRow, RowFilter } from '../node/kernel.interface.js';
import type { RegistryEvent, SwarmEvent } from '../events/index.js';
import type { WorkerDefinition } from '../workers/worker-definition.interface.js';
import { answerInTurn } from './loop-turns.js';
import { SharedStream } from './shared-stream.js';

/** Compiles the class of an object that `registerLocal` was given. */
export type DefinitionFor = (instance: object) => WorkerDefinition;

/**
 * Where the services find their node. They are injected before it exists: it is built when all providers are there,
 * and started at `onApplicationBootstrap`.
 */
@Injectable()
export class KernelHolder {
  /** Subscribed to from `onModuleInit` on, so they exist before the node does. */
  private readonly allEvents = new SharedStream<SwarmEvent>();
  readonly events = this.allEvents.values;
  private readonly allRegistryChanges = new SharedStream<RegistryEvent>();
  readonly registryChanges = this.allRegistryChanges.values;
  private held: { readonly kernel: Kernel; readonly definitionFor: DefinitionFor } | undefined;

  /** @throws NotStartedError before the node was built */
  get kernel(): Kernel {
    if (!this.held) throw new NotStartedError();
    return this.held.kernel;
  }

  /**
   * Asks the node something that it answers by a promise. Every error rejects, also that the node was not built yet. Answers
   * give the event loop its turns (`loop-turns.ts`).
   */
  ask<T>(question: (kernel: Kernel) => Promise<T>): Promise<T> {
    try {
      return answerInTurn(question(this.kernel));
    } catch (error) {
      return answerInTurn(Promise.reject(error as Error));
    }
  }

  /** The node, if it was built already. */
  peek(): Kernel | undefined {
    return this.held?.kernel;
  }

  /** The rows that match, none where the node is not started or stopped. */
  rowsIfStarted(filter: RowFilter): RegistryRow[] {
    try {
      return [...(this.held?.kernel.rows(filter) ?? [])];
    } catch (error) {
      if (error instanceof NotStartedError || error instanceof ShuttingDownError) return [];
      throw error;
    }
  }

  /** @throws NotStartedError before the node was built */
  definitionFor(instance: object): WorkerDefinition {
    if (!this.held) throw new NotStartedError();
    return this.held.definitionFor(instance);
  }

  hold(kernel: Kernel, definitionFor: DefinitionFor): void {
    this.held = { kernel, definitionFor };
    this.allEvents.connect((tell) => kernel.onEvent(tell));
  }

  /** Tells changes of the registry from now on; the node is started. What it learned meanwhile is told to who waits. */
  follow(): void {
    const { kernel } = this;
    if (this.allRegistryChanges.observed) {
      for (const { type: workerType, name, node, fence, groups } of kernel.rows({})) {
        this.allRegistryChanges.next({ type: 'registered', workerType, name, node, fence, groups });
      }
    }
    this.allRegistryChanges.connect((tell) => kernel.onRegistryChange(tell));
  }

  /** Nothing happens any more: subscribers are told. */
  complete(): void {
    this.allEvents.complete();
    this.allRegistryChanges.complete();
  }
}
