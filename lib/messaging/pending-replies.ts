// Decides which answer belongs to which question, and that every question ends: by its answer, by the loss of the
// link, or by its deadline (promise P7).
import { NodeUnavailableError, type SwarmError } from '../errors/index.js';
import type { Runtime, Timer } from '../runtime/runtime.interface.js';
import type { NodeId } from '../transport/node-info.js';

interface Pending<Reply> {
  readonly node: NodeId;
  readonly timer: Timer;
  readonly settle: (error: SwarmError | undefined, reply: Reply | undefined) => void;
}

/** Questions to other nodes that are not answered yet, by the number that their frames carry. */
export class PendingReplies<Reply> {
  private readonly pending = new Map<number, Pending<Reply>>();
  /** Begins anywhere: an answer to the process that had this node's id before must not be taken for one to this. */
  private lastId: number;

  constructor(private readonly runtime: Runtime) {
    this.lastId = Math.floor(runtime.random() * 2 ** 32);
  }

  get size(): number {
    return this.pending.size;
  }

  /**
   * Notes a question to `node`; returns the number to send it with. `settle` is called once: with the reply, or with
   * `NodeUnavailableError` when the link breaks, or with `late()` after `timeoutMs`.
   */
  add(
    node: NodeId,
    timeoutMs: number,
    late: () => SwarmError,
    settle: (error: SwarmError | undefined, reply: Reply | undefined) => void,
  ): number {
    do this.lastId = (this.lastId + 1) >>> 0;
    while (this.pending.has(this.lastId));
    const id = this.lastId;
    const timer = this.runtime.after(timeoutMs, () => {
      this.pending.delete(id);
      settle(late(), undefined);
    });
    this.pending.set(id, { node, timer, settle });
    return id;
  }

  /** The question could not be sent; nobody is told. */
  withdraw(id: number): void {
    this.pending.get(id)?.timer.cancel();
    this.pending.delete(id);
  }

  /** False if nobody waits for it (any more), or another node was asked. */
  answer(from: NodeId, id: number, reply: Reply): boolean {
    const pending = this.pending.get(id);
    if (pending?.node !== from) return false;
    this.pending.delete(id);
    pending.timer.cancel();
    pending.settle(undefined, reply);
    return true;
  }

  unlinked(node: NodeId): void {
    for (const [id, pending] of this.pending) {
      if (pending.node !== node) continue;
      this.pending.delete(id);
      pending.timer.cancel();
      pending.settle(new NodeUnavailableError(node), undefined);
    }
  }

  /** Ends every question, as when this node shuts down. */
  close(error: () => SwarmError): void {
    for (const [id, { timer, settle }] of this.pending) {
      this.pending.delete(id);
      timer.cancel();
      settle(error(), undefined);
    }
  }
}
