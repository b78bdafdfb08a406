import type { Runtime } from '../../lib/runtime/runtime.interface.js';
import type { HandlerEntry, WorkerDefinition } from '../../lib/workers/worker-definition.interface.js';
import type { WorkerContext } from '../../lib/workers/worker-context.js';

/** How the start of a simulated worker goes. */
export interface StartPlan {
  /** Milliseconds that `onWorkerStart` takes; `hang`: for ever. */
  readonly takesMs?: number | 'hang';
  readonly throws?: boolean;
}

/** What all simulated workers did: which names live where, and which messages were handled. */
export class Activations {
  /** Keys of the nodes on which a name lives. */
  readonly live = new Map<string, Set<string>>();
  readonly violations: string[] = [];
  private readonly handled = new Set<string>();

  constructor(private readonly now: () => number) {}

  started(name: string, node: string): void {
    const nodes = this.live.get(name) ?? new Set();
    nodes.add(node);
    this.live.set(name, nodes);
    if (nodes.size > 1) {
      this.violations.push(`P1: at ${this.now().toFixed(0)} "${name}" lives on ${[...nodes].join(' and ')}`);
    }
  }

  ended(name: string, node: string): void {
    const nodes = this.live.get(name);
    nodes?.delete(node);
    if (nodes?.size === 0) this.live.delete(name);
  }

  nodeDied(node: string): void {
    for (const name of [...this.live.keys()]) this.ended(name, node);
  }

  handle(token: string): void {
    if (this.handled.has(token)) this.violations.push(`a message was handled twice: ${token}`);
    this.handled.add(token);
  }
}

class SimulatedWorker {
  name = '';
  total = 0;
  /** Its start ended while it was still wanted. */
  live = false;
}

/** The worker types of a simulated application. */
export function simulatedWorkers(
  activations: Activations,
  runtime: Runtime,
  node: string,
): ReadonlyMap<string, WorkerDefinition> {
  const handlers: Record<string, HandlerEntry> = {
    add: {
      accepts: 'message',
      invoke(instance, payload) {
        const worker = instance as SimulatedWorker;
        activations.handle(String(payload));
        return ++worker.total;
      },
    },
    slow: {
      accepts: 'message',
      invoke: (_, payload) => new Promise((resolve) => runtime.after(Number(payload), () => resolve('done'))),
    },
    fail: {
      accepts: 'message',
      invoke: () => {
        throw new Error('no');
      },
    },
    where: { accepts: 'message', invoke: () => node },
    note: { accepts: 'event', invoke: (_, payload) => activations.handle(String(payload)) },
  };
  const definition: WorkerDefinition = {
    type: 'Counter',
    concurrency: 1,
    mailboxLimit: undefined,
    create: () => new SimulatedWorker(),
    async start(instance, context: WorkerContext, args) {
      const { takesMs = 0, throws = false } = (args ?? {}) as StartPlan;
      (instance as SimulatedWorker).name = context.name;
      if (takesMs === 'hang') await new Promise(() => undefined);
      else if (takesMs > 0) await new Promise<void>((resolve) => runtime.after(takesMs, resolve));
      if (throws) throw new Error('the start throws');
      if (context.signal.aborted) return;
      (instance as SimulatedWorker).live = true;
      activations.started(context.name, node);
    },
    die(instance) {
      const { name, live } = instance as SimulatedWorker;
      if (live) activations.ended(name, node);
    },
    handler: (pattern) => handlers[pattern],
  };
  return new Map([[definition.type, definition]]);
}

/** An object for `registerLocal`. */
export function pinnedWorker(
  activations: Activations,
  node: string,
  name: string,
): { definition: WorkerDefinition; instance: object } {
  const definition: WorkerDefinition = {
    type: 'Pinned',
    concurrency: 1,
    mailboxLimit: undefined,
    create: () => ({}),
    handler: (pattern) => (pattern === 'where' ? { accepts: 'message', invoke: () => node } : undefined),
  };
  void activations;
  return { definition, instance: { name } };
}
