// Messages that are with the workers of this node: each call ends by its answer, by its deadline, or when the node
// shuts down (promise P7).
import type { SwarmError } from '../errors/index.js';
import type { Runtime } from '../runtime/runtime.interface.js';
import type { Body, WorkerHost } from '../workers/worker-host.interface.js';
import { lateError, type Message } from './message.js';

export class DeliveredMessages {
  /** Ends calls before they are answered. */
  private readonly open = new Set<(error: SwarmError) => void>();

  constructor(
    private readonly runtime: Runtime,
    private readonly host: Pick<WorkerHost, 'deliver'>,
  ) {}

  deliver(message: Message): void {
    const { name, kind, pattern, body, from, chain, deadline, reply } = message;
    const content = { kind, pattern, body, from, chain };
    if (kind === 'cast') {
      this.host.deliver(name, {
        ...content,
        deadline: Infinity,
        reply: (error) => reply(error, undefined),
      });
      return;
    }
    const end = (error: SwarmError | undefined, answer?: Body, goodUntil?: number): void => {
      if (!this.open.delete(end)) return;
      timer.cancel();
      reply(error, answer, goodUntil);
    };
    this.open.add(end);
    const leftMs = Math.max(0, deadline - this.runtime.now());
    const timer = this.runtime.after(leftMs, () => end(lateError(message)));
    this.host.deliver(name, { ...content, deadline, reply: end });
  }

  close(error: () => SwarmError): void {
    for (const end of [...this.open]) end(error());
  }
}
