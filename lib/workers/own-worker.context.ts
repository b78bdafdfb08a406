import { reasonOf } from './remote-failure.js';
import { WorkerContext } from './worker-context.js';
import type { WorkerServices } from './worker-host.interface.js';

/** What a context asks of the activation it belongs to. */
export interface ContextSource {
  readonly name: string;
  readonly fence: number;
  readonly isEnded: boolean;
  readonly services: WorkerServices;
}

/** The context of one activation; everything in it is read from there at the moment of asking. */
export class OwnWorkerContext extends WorkerContext {
  /** Made when first asked for: it is the largest part of an idle worker. */
  private controller: AbortController | undefined;

  constructor(private readonly source: ContextSource) {
    super();
  }

  get name(): string {
    return this.source.name;
  }

  get node(): string {
    return this.source.services.node;
  }

  get fence(): number {
    return this.source.fence;
  }

  get signal(): AbortSignal {
    this.controller ??= new AbortController();
    // A handler that outlives the activation may be the first to ask.
    if (this.source.isEnded) this.controller.abort();
    return this.controller.signal;
  }

  join(group: string): Promise<void> {
    return this.source.services.joinGroup(group, this.name);
  }

  leave(group: string): Promise<void> {
    return this.source.services.leaveGroup(group, this.name);
  }

  fail(error: Error): void {
    if (this.source.isEnded) return;
    const failure = error instanceof Error ? error : new Error(reasonOf(error), { cause: error });
    this.source.services.failed(this.name, this.fence, failure);
  }

  stop(): void {
    if (!this.source.isEnded) this.source.services.stopped(this.name, this.fence);
  }

  /** The activation has ended. */
  abort(): void {
    this.controller?.abort();
  }
}
