import type { RefFactory } from '../transport/payload.interface.js';
import type { KernelHolder } from './kernel.holder.js';
import { sendCall, sendCast } from './messages.js';
import type { CallOptions } from './message-types.js';
import type { WorkerRef } from './worker-ref.interface.js';

/** The ref that the swarm hands out; it holds nothing but a name, and asks the replica of its node at each access. */
class SwarmWorkerRef {
  readonly #nodes: KernelHolder;

  constructor(
    readonly name: string,
    readonly type: string,
    nodes: KernelHolder,
  ) {
    this.#nodes = nodes;
  }

  get node(): string | undefined {
    return this.#row()?.node;
  }

  get fence(): number | undefined {
    return this.#row()?.fence;
  }

  call(pattern: string, data?: unknown, options?: CallOptions): Promise<unknown> {
    return sendCall(this.#nodes, this.name, pattern, data, options);
  }

  cast(pattern: string, data?: unknown): void {
    sendCast(this.#nodes.kernel, this.name, pattern, data);
  }

  toJSON(): { name: string; node: string | undefined; type: string; fence: number | undefined } {
    const row = this.#row();
    return { name: this.name, node: row?.node, type: this.type, fence: row?.fence };
  }

  /** Of a node that is not there any more nothing is known, which is no reason to throw while a ref is printed. */
  #row(): { readonly node: string; readonly fence: number } | undefined {
    try {
      return this.#nodes.peek()?.lookup(this.name);
    } catch {
      return undefined;
    }
  }
}

/** Makes the refs of one node, for the services and for those that arrive in messages. */
export class WorkerRefs implements RefFactory {
  constructor(private readonly nodes: KernelHolder) {}

  /** A ref of any node of this process; `undefined` for every other object. */
  describe(value: object): { readonly name: string; readonly type: string } | undefined {
    return value instanceof SwarmWorkerRef ? { name: value.name, type: value.type } : undefined;
  }

  make(name: string, type: string): object {
    return new SwarmWorkerRef(name, type, this.nodes);
  }

  /** As `make`, with the type that the caller knows. */
  of<W>(row: { readonly name: string; readonly type: string }): WorkerRef<W> {
    return this.make(row.name, row.type) as WorkerRef<W>;
  }
}
