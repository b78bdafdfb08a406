import { staticQuorumRing } from '../../lib/distribution/index.js';
import { SwarmError } from '../../lib/errors/index.js';
import type { Runtime } from '../../lib/runtime/runtime.interface.js';
import { assertMayAct } from '../../lib/workers/call-chain.js';
import { type HandoffDecision, resume } from '../../lib/workers/handoff-decision.js';
import type { SwarmContext } from '../../lib/workers/swarm-context.js';
import type { WorkerContext } from '../../lib/workers/worker-context.js';
import type { HandlerEntry, WorkerDefinition } from '../../lib/workers/worker-definition.interface.js';
import type { FenceLog, FencedAnswer } from './fence-log.js';
import type { Activations } from './simulated-worker.js';

/** What a simulated application knows of its node. */
export interface OnceSurroundings {
  readonly node: string;
  readonly runtime: Runtime;
  readonly activations: Activations;
  readonly fences: FenceLog;
  /** Virtual time, whatever the clock of the node says. */
  now(): number;
}

/** A message of `slow`: counts one, and is answered after so long. */
export interface SlowMessage {
  readonly token: string;
  readonly ms: number;
}

interface State {
  readonly total: number;
  readonly fence: number;
}

class Once {
  context!: WorkerContext;
  total = 0;
  /** Under which it was when it last did anything. */
  fence = 0;
}

/** A worker of which two activations must never be at work: what it does is told to the fence log. */
export function onceWorker(size: number, surroundings: OnceSurroundings): WorkerDefinition {
  const { node, runtime, activations, fences, now } = surroundings;
  const goesOn = (worker: Once): void => {
    const { name, fence } = worker.context;
    if (fence !== worker.fence) fences.resumed(name, fence, worker.fence, node);
    worker.fence = fence;
  };
  const count = (worker: Once, token: string, { worker: { name, fence } }: SwarmContext): void => {
    goesOn(worker);
    activations.handle(token, name, node, fence);
    worker.total++;
  };
  /** As any code of a worker that sends to others, or registers: it may be refused. */
  const act = ({ worker: { name, fence } }: SwarmContext): void => {
    try {
      assertMayAct('message');
    } catch (error) {
      if (error instanceof SwarmError) return;
      throw error;
    }
    fences.acted(name, fence, node);
  };
  const handlers: Record<string, HandlerEntry> = {
    add: {
      accepts: 'message',
      invoke(instance, payload, context: SwarmContext): FencedAnswer {
        const token = String(payload);
        count(instance as Once, token, context);
        act(context);
        return { token, fence: context.worker.fence, total: (instance as Once).total, endedMs: now() };
      },
    },
    slow: {
      accepts: 'message',
      async invoke(instance, payload, context: SwarmContext): Promise<FencedAnswer> {
        const { token, ms } = payload as SlowMessage;
        const { fence } = context.worker;
        count(instance as Once, token, context);
        const { total } = instance as Once;
        await new Promise<void>((resolve) => runtime.after(ms, resolve));
        act(context);
        return { token, fence, total, endedMs: now() };
      },
    },
    total: { accepts: 'message', invoke: (instance) => (instance as Once).total },
  };
  return {
    type: 'Once',
    concurrency: 1,
    mailboxLimit: undefined,
    strategy: staticQuorumRing({ size }),
    create: () => new Once(),
    start(instance, context: WorkerContext) {
      const worker = instance as Once;
      worker.context = context;
      worker.fence = context.fence;
      activations.started(context.name, node);
    },
    begin(instance): HandoffDecision<State> {
      const worker = instance as Once;
      activations.pack(worker.context.name, node);
      return resume<State>({ total: worker.total, fence: worker.fence });
    },
    end(instance, state) {
      const worker = instance as Once;
      const { total, fence } = state as State;
      worker.total = total;
      fences.resumed(worker.context.name, worker.fence, fence, node);
    },
    conflict(instance, state) {
      (instance as Once).total += (state as State).total;
    },
    die(instance, reason) {
      const { name, fence } = (instance as Once).context;
      if (reason === 'unregistered') fences.ended(name, fence, node);
      activations.ended(name, node);
    },
    handler: (pattern) => handlers[pattern],
  };
}
