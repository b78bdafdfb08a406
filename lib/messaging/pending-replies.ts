// Decides which answer belongs to which question, and that every question ends: by its answer, by the loss of the
// link, or by its deadline (promise P7).
import { NodeUnavailableError, type SwarmError } from '../errors/index.js';
import { type Deadline, Deadlines } from '../runtime/deadlines.js';
import { Numbered, NUMBERS } from '../runtime/numbered.js';
import type { Runtime, Timer } from '../runtime/runtime.interface.js';
import { runSliced } from '../runtime/slices.js';
import type { NodeId } from '../transport/node-info.js';

/** Who has asked. */
export interface Asker<Reply> {
  /** What it is told at the deadline. */
  late(): SwarmError;
  /** Called once. */
  settle(error: SwarmError | undefined, reply: Reply | undefined): void;
}

class Pending<Reply, A extends Asker<Reply>> implements Deadline {
  previous: Deadline | undefined;
  next: Deadline | undefined;
  timer: Timer | undefined;
  at = Infinity;
  /** Its link is gone: no answer counts any more. */
  isLost = false;

  constructor(
    readonly id: number,
    readonly node: NodeId,
    readonly asker: A,
    private readonly all: Numbered<Pending<Reply, A>>,
  ) {}

  due(): void {
    this.all.delete(this);
    this.asker.settle(this.asker.late(), undefined);
  }
}

/** Questions to other nodes that are not answered yet, by the number that their frames carry. */
export class PendingReplies<Reply, A extends Asker<Reply> = Asker<Reply>> {
  private readonly pending: Numbered<Pending<Reply, A>>;
  private readonly deadlines: Deadlines;

  constructor(private readonly runtime: Runtime) {
    this.deadlines = new Deadlines(runtime);
    // From a random number: an answer to an earlier process under this node's id must not be taken for one to this.
    this.pending = new Numbered(Math.floor(runtime.random() * NUMBERS));
  }

  get size(): number {
    return this.pending.size;
  }

  /**
   * Notes a question to `node`; returns the number to send it with. The asker is told the reply, or
   * `NodeUnavailableError` when the link breaks, or what it says itself after `timeoutMs`.
   */
  add(node: NodeId, timeoutMs: number, asker: A, now = this.runtime.now()): number {
    const pending = new Pending(this.pending.nextId(), node, asker, this.pending);
    this.deadlines.set(pending, now + timeoutMs, now);
    this.pending.add(pending);
    return pending.id;
  }

  /** The question could not be sent; nobody is told. */
  withdraw(id: number): void {
    const pending = this.pending.get(id);
    if (pending) this.take(pending);
  }

  /** Who waits for an answer of that node; nobody if it has answered, or another was asked. */
  askerOf(from: NodeId, id: number): A | undefined {
    const pending = this.pending.get(id);
    return pending?.node === from && !pending.isLost ? pending.asker : undefined;
  }

  /** False if nobody waits for it (any more), or another node was asked. */
  answer(from: NodeId, id: number, reply: Reply): boolean {
    const pending = this.pending.get(id);
    if (pending?.node !== from || pending.isLost) return false;
    this.take(pending).settle(undefined, reply);
    return true;
  }

  /** In slices: a node that is lost under load has thousands of questions, and each gets an error of its own. */
  unlinked(node: NodeId): void {
    const lost: Pending<Reply, A>[] = [];
    for (const pending of this.pending.values()) {
      if (pending.node !== node) continue;
      pending.isLost = true;
      lost.push(pending);
    }
    runSliced(this.runtime, lost, (pending) => {
      // It may have ended at its deadline meanwhile, or with this node.
      if (this.pending.get(pending.id) !== pending) return;
      this.take(pending).settle(new NodeUnavailableError(node), undefined);
    });
  }

  /** Ends every question, as when this node shuts down. */
  close(error: () => SwarmError): void {
    for (const pending of this.pending.values()) this.take(pending).settle(error(), undefined);
  }

  private take(pending: Pending<Reply, A>): A {
    this.pending.delete(pending);
    this.deadlines.clear(pending);
    return pending.asker;
  }
}
