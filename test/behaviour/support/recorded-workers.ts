import type {
  WorkerDefinition,
  DieReason,
  HandlerEntry,
} from '../../../lib/workers/worker-definition.interface.js';
import { restart, resume } from '../../../lib/workers/handoff-decision.js';
import type { WorkerContext } from '../../../lib/workers/worker-context.js';
import type { SimulatedApp } from '../../simulation/simulated-swarm.js';

/** How a recorded worker type differs from the default. */
export interface RecordedType extends Partial<Pick<WorkerDefinition, 'strategy' | 'labels' | 'supervision'>> {
  readonly type: string;
  /** What `@OnHandoff('begin')` answers; `resume` with its total if left out. */
  readonly begins?: 'resume' | 'restart';
}

/** Start arguments of a recorded worker. */
export interface RecordedArgs {
  /** Milliseconds that `onWorkerStart` takes. */
  readonly takesMs?: number;
  /** Groups that it joins while it starts. */
  readonly joins?: readonly string[];
}

/** One start or end of one worker. */
interface Moment {
  readonly name: string;
  readonly node: string;
  /** Virtual time. */
  readonly at: number;
}
export type Begun = Moment & { readonly fence: number };
export type Ended = Moment & { readonly reason: DieReason };
export type Heard = Moment & { readonly token: string };

class Recorded {
  name = '';
  total = 0;
  context: WorkerContext | undefined;
}

/** Worker types of a simulated application that write down what happens to them, on all nodes of one swarm. */
export class Recorder {
  readonly begun: Begun[] = [];
  readonly ended: Ended[] = [];
  readonly heard: Heard[] = [];
  /** Names whose `onWorkerStart` throws. */
  readonly broken = new Set<string>();
  private readonly instances = new Map<Recorded, string>();

  /** For `SimulatedSwarm`: the same types on every node. */
  definitions(...types: RecordedType[]): (app: SimulatedApp) => ReadonlyMap<string, WorkerDefinition> {
    return (app) => new Map(types.map((type) => [type.type, this.define(type, app)]));
  }

  /** Ids of the nodes on which an instance of the name exists; those of crashed nodes are not taken back. */
  living(name: string): string[] {
    return [...this.instances].filter(([{ name: of }]) => of === name).map(([, node]) => node);
  }

  /** Why workers of the name ended, in order. */
  reasons(name: string): DieReason[] {
    return this.ended.filter((end) => end.name === name).map(({ reason }) => reason);
  }

  define(
    { type, begins = 'resume', ...rest }: RecordedType,
    { runtime }: Pick<SimulatedApp, 'runtime'>,
  ): WorkerDefinition {
    const later = (ms: number): Promise<void> => new Promise((resolve) => runtime.after(ms, resolve));
    const handlers = this.handlers(later, () => runtime.now());
    return {
      type,
      concurrency: 1,
      mailboxLimit: undefined,
      ...rest,
      create: () => new Recorded(),
      start: async (instance, context, args) => {
        const worker = instance as Recorded;
        const { takesMs = 0, joins = [] } = (args ?? {}) as RecordedArgs;
        worker.name = context.name;
        worker.context = context;
        if (takesMs > 0) await later(takesMs);
        if (this.broken.has(context.name)) throw new Error(`${context.name} is broken`);
        for (const group of joins) await context.join(group);
        const { name, node, fence } = context;
        this.begun.push({ name, node, fence, at: runtime.now() });
        this.instances.set(worker, node);
      },
      begin: (instance) => (begins === 'resume' ? resume((instance as Recorded).total) : restart()),
      end: (instance, state) => void ((instance as Recorded).total = Number(state)),
      conflict: (instance, state) => void ((instance as Recorded).total += Number(state)),
      die: (instance, reason) => {
        const worker = instance as Recorded;
        const node = this.instances.get(worker);
        if (node === undefined) return;
        this.instances.delete(worker);
        this.ended.push({ name: worker.name, node, reason, at: runtime.now() });
      },
      handler: (pattern) => handlers[pattern],
    };
  }

  private handlers(
    later: (ms: number) => Promise<void>,
    now: () => number,
  ): Readonly<Record<string, HandlerEntry>> {
    const hear = (instance: object, token: unknown): string => {
      const { name, context } = instance as Recorded;
      this.heard.push({ name, node: context?.node ?? '', at: now(), token: String(token) });
      return name;
    };
    return {
      add: {
        accepts: 'message',
        invoke: (instance, payload) => ((instance as Recorded).total += Number(payload)),
      },
      total: { accepts: 'message', invoke: (instance) => (instance as Recorded).total },
      where: { accepts: 'message', invoke: (instance) => (instance as Recorded).context?.node },
      fence: { accepts: 'message', invoke: (instance) => (instance as Recorded).context?.fence },
      slow: { accepts: 'message', invoke: (_, payload) => later(Number(payload)).then(() => 'done') },
      throw: {
        accepts: 'message',
        invoke: (_, payload) => {
          throw new Error(String(payload));
        },
      },
      fail: {
        accepts: 'message',
        invoke: (instance, payload) => (instance as Recorded).context?.fail(new Error(String(payload))),
      },
      stop: { accepts: 'message', invoke: (instance) => (instance as Recorded).context?.stop() },
      /** A call, answered with the name of who heard it. */
      ask: { accepts: 'message', invoke: hear },
      /** A cast or a publish. */
      note: { accepts: 'event', invoke: (instance, token) => void hear(instance, token) },
    };
  }
}
