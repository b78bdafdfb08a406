import { messageOf, soundThrown } from '../errors/thrown.js';
import type { OwedTurns } from '../runtime/owed-turns.js';
import { assertName } from './name-rules.js';
import { WorkerContext } from './worker-context.js';
import type { Act } from './standing.js';
import type { WorkerServices } from './worker-host.interface.js';

/** What a context asks of the activation it belongs to. */
export interface ContextSource {
  readonly name: string;
  readonly fence: number;
  readonly isEnded: boolean;
  /** Whether it may change anything in the swarm now; if not, and it has not ended, it is told to go on when it may. */
  mayWish(): boolean;
  /** @throws NodeUnavailableError */
  assertMayAct(act: Act, isDying: boolean): void;
  readonly services: WorkerServices;
  readonly owedTurns: OwedTurns;
}

/** The context of one activation; everything in it is read from there at the moment of asking. */
export class OwnWorkerContext extends WorkerContext {
  /** Made when first asked for: it is the largest part of an idle worker. */
  private controller: AbortController | undefined;
  /** What it asked for while it had no lease: what becomes of the name is not up to it before it has one again. */
  private wish: (() => void) | undefined;

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
    return this.source.owedTurns.answer(this.change(group, 'joinGroup'));
  }

  leave(group: string): Promise<void> {
    return this.source.owedTurns.answer(this.change(group, 'leaveGroup'));
  }

  fail(error: Error): void {
    const sound = soundThrown(error);
    const failure = sound instanceof Error ? sound : new Error(messageOf(sound), { cause: sound });
    this.wishFor(() => this.source.services.failed(this.name, this.fence, failure));
  }

  stop(): void {
    this.wishFor(() => this.source.services.stopped(this.name, this.fence));
  }

  /** Something that kept it from working may be over. */
  goOn(): void {
    const { wish } = this;
    if (!wish || this.source.isEnded || !this.source.mayWish()) return;
    this.wish = undefined;
    wish();
  }

  private async change(group: string, how: 'joinGroup' | 'leaveGroup'): Promise<void> {
    this.source.assertMayAct('change', false);
    assertName('the group', group);
    return this.source.services[how](group, this.name);
  }

  private wishFor(wish: () => void): void {
    if (this.source.isEnded) return;
    this.wish ??= wish;
    this.goOn();
  }

  /** The activation has ended. */
  abort(): void {
    this.controller?.abort();
  }
}
