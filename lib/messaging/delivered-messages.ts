// Messages that are with the workers of this node: each call ends by its answer, by its deadline, or when the node
// shuts down (promise P7).
import type { SwarmError } from '../errors/index.js';
import { type Deadline, Deadlines } from '../runtime/deadlines.js';
import type { Runtime, Timer } from '../runtime/runtime.interface.js';
import type { NodeId } from '../transport/node-info.js';
import type { Body, Delivery, WorkerHost } from '../workers/worker-host.interface.js';
import { lateError, type Message } from './message.js';

/** A call that is not answered yet, as its worker sees it. */
class OpenCall implements Deadline, Delivery {
  previous: Deadline | undefined;
  next: Deadline | undefined;
  timer: Timer | undefined;
  at = Infinity;
  readonly kind = 'call';
  private isOpen = true;

  constructor(
    private readonly message: Message,
    private readonly open: Deadlines,
  ) {}

  get pattern(): string {
    return this.message.pattern;
  }

  get body(): Body {
    return this.message.body;
  }

  get from(): NodeId {
    return this.message.from;
  }

  get chain(): readonly string[] {
    return this.message.chain;
  }

  get deadline(): number {
    return this.message.deadline;
  }

  get timeoutMs(): number {
    return this.message.timeoutMs;
  }

  reply(error: SwarmError | undefined, answer: Body | undefined, goodUntil?: number): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.open.clear(this);
    this.message.reply(error, answer, goodUntil);
  }

  due(): void {
    this.reply(lateError(this.message), undefined);
  }
}

export class DeliveredMessages {
  private readonly open: Deadlines;

  constructor(
    private readonly runtime: Runtime,
    private readonly host: Pick<WorkerHost, 'deliver'>,
  ) {
    this.open = new Deadlines(runtime);
  }

  /** How many calls are not answered yet. */
  get size(): number {
    return this.open.size;
  }

  /** `now`: if it was just looked at, which costs as much as all else that is done here. */
  deliver(message: Message, now = this.runtime.now()): void {
    const { name, kind, deadline } = message;
    if (kind === 'cast') return this.cast(message);
    const call = new OpenCall(message, this.open);
    this.open.set(call, deadline, now);
    return this.host.deliver(name, call);
  }

  close(error: () => SwarmError): void {
    for (const call of this.open.all()) (call as OpenCall).reply(error(), undefined);
  }

  private cast(message: Message): void {
    const { name, kind, pattern, body, from, chain } = message;
    this.host.deliver(name, {
      ...{ kind, pattern, body, from, chain },
      deadline: Infinity,
      reply: (error) => message.reply(error, undefined),
    });
  }
}
