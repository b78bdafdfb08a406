import { type HandoffDecision, ignore, restart, resume } from '../../lib/workers/handoff-decision.js';
import type { Runtime } from '../../lib/runtime/runtime.interface.js';
import { RowStatus } from '../../lib/tracker/row.js';
import type {
  DieReason,
  HandlerEntry,
  WorkerDefinition,
} from '../../lib/workers/worker-definition.interface.js';
import type { SwarmContext } from '../../lib/workers/swarm-context.js';
import type { WorkerContext } from '../../lib/workers/worker-context.js';

/** How the start of a simulated worker goes, and how it behaves when it is to move. */
export interface StartPlan {
  /** Milliseconds that `onWorkerStart` takes; `hang`: for ever. */
  readonly takesMs?: number | 'hang';
  readonly throws?: boolean;
  readonly handoff?: 'throws' | 'hangs' | 'ignores' | 'restarts' | 'end-throws' | 'end-hangs' | 'slow';
}

/** What a node says of a name in its own log, whatever others have read of it. */
export interface OwnRow {
  readonly node: string;
  readonly status: RowStatus;
}

/** A message on its way. */
export interface SentMessage {
  /** Index of the node. */
  readonly sender: number;
  /** Under which the sender saw the worker, if it did. */
  readonly seenFence: number | undefined;
  /** Virtual time at which nobody waits for it any more. */
  readonly until: number;
}

/** How long a call may travel, or be held back by a cut, in which its deadline does not come closer. */
const TRAVEL_MS = 1_500;

/** What all simulated workers did: which names live where, which messages were handled, and what must not be lost. */
export class Activations {
  /** Keys of the nodes on which a name lives. */
  readonly live = new Map<string, Set<string>>();
  /** Workers that have given their state away and have handled nothing since. */
  private readonly packed = new Map<string, Set<string>>();
  readonly violations: string[] = [];
  private readonly handled = new Set<string>();
  /** Fence of the latest activation of a name that has handled a message. */
  private readonly fences = new Map<string, number>();
  /** Rises when the state of a name may be lost. */
  private readonly lives = new Map<string, number>();
  private readonly handledIn = new Map<string, number>();
  private readonly messages = new Map<string, SentMessage & { readonly order: number }>();
  /** Of the messages of one sender to one activation that it saw, the last that was handled. */
  private readonly handledLast = new Map<string, number>();
  /** Names that somebody was asked to end. */
  private readonly ending = new Set<string>();
  private readonly counted = new Map<string, { life: number; acknowledged: number }>();

  constructor(
    private readonly now: () => number,
    /** What the nodes themselves have of a name. */
    private readonly ownRows: (name: string) => readonly OwnRow[],
  ) {}

  started(name: string, node: string): void {
    add(this.live, name, node);
    this.look(name);
  }

  /**
   * Whether the name lives twice now. One that was prepared to go on at its node and was not let go of by the node that
   * it comes from handles nothing, and is none: an attempt that was given up may stay prepared beside the next one.
   */
  look(name: string): void {
    const rows = this.ownRows(name);
    const living = [...(this.live.get(name) ?? [])];
    const lives = living.filter(
      (node) => rows.find((row) => row.node === node)?.status !== RowStatus.arriving,
    );
    const running = rows.filter(({ status }) => status === RowStatus.running).map(({ node }) => node);
    for (const nodes of [lives, running]) {
      if (nodes.length > 1)
        this.violations.push(`P1: at ${this.now().toFixed(0)} "${name}" lives on ${nodes.join(' and ')}`);
    }
  }

  /** It handles nothing before it is known whether it moves. */
  pack(name: string, node: string): void {
    remove(this.live, name, node);
    add(this.packed, name, node);
  }

  /** A node is asked to end the name. Who has asked may have died before it is told. */
  mayEnd(name: string): void {
    this.ending.add(name);
  }

  ended(name: string, node: string, reason?: DieReason): void {
    if (reason === 'unregistered' && this.ending.has(name)) this.mayLose(name);
    remove(this.live, name, node);
    remove(this.packed, name, node);
  }

  nodeDied(node: string): void {
    for (const name of new Set([...this.live.keys(), ...this.packed.keys()])) {
      if (this.nodesOf(name).includes(node)) this.mayLose(name);
      this.ended(name, node);
    }
  }

  /** Every node on which an instance of the name exists. */
  nodesOf(name: string): string[] {
    return [...(this.live.get(name) ?? []), ...(this.packed.get(name) ?? [])];
  }

  /** A message of that token is about to be sent. */
  sent(token: string, message: SentMessage): void {
    this.messages.set(token, { ...message, order: this.messages.size });
  }

  /** Another message of the worker is being handled. */
  overlaps(name: string, node: string): void {
    this.violations.push(`at ${this.now().toFixed(0)} "${name}" on ${node} handles two messages at a time`);
  }

  handle(token: string, name: string, node: string, fence: number): void {
    this.checkTime(token, name);
    this.checkOrder(token, name, fence);
    if (this.handled.has(token)) this.violations.push(`a message was handled twice: ${token}`);
    this.handled.add(token);
    this.handledIn.set(token, this.lives.get(name) ?? 0);
    if (this.packed.get(name)?.has(node)) {
      remove(this.packed, name, node);
      add(this.live, name, node);
    }
    this.look(name);
    const newest = this.fences.get(name) ?? 0;
    if (fence < newest) {
      this.violations.push(
        `P1: at ${this.now().toFixed(0)} "${name}" on ${node} handled a message under fence ${fence} after one under ${newest}`,
      );
    }
    this.fences.set(name, Math.max(fence, newest));
  }

  private checkTime(token: string, name: string): void {
    const late = this.now() - (this.messages.get(token)?.until ?? Infinity);
    if (late > TRAVEL_MS)
      this.violations.push(
        `P7: "${name}" handled ${token} ${late.toFixed(0)} ms after its caller had given it up`,
      );
  }

  /** Order holds per sender and worker while the worker stays where the sender sees it. */
  private checkOrder(token: string, name: string, fence: number): void {
    const message = this.messages.get(token);
    if (message?.seenFence !== fence) return;
    const key = `${message.sender} ${name} ${fence}`;
    const last = this.handledLast.get(key) ?? -1;
    if (message.order < last)
      this.violations.push(
        `order: at ${this.now().toFixed(0)} "${name}" handled ${token} after one that the same node sent later`,
      );
    this.handledLast.set(key, Math.max(last, message.order));
  }

  /** The caller of a message that adds one has its answer. */
  acknowledged(token: string, name: string): void {
    const life = this.lives.get(name) ?? 0;
    if (this.handledIn.get(token) !== life) return;
    const counted = this.counted.get(name);
    this.counted.set(name, {
      life,
      acknowledged: counted?.life === life ? counted.acknowledged + 1 : 1,
    });
  }

  /** Its node died, it failed, or it was unregistered: nothing is owed any more. */
  mayLose(name: string): void {
    this.lives.set(name, (this.lives.get(name) ?? 0) + 1);
  }

  /** How many additions its state must hold at least. */
  owed(name: string): number {
    const counted = this.counted.get(name);
    return counted?.life === (this.lives.get(name) ?? 0) ? counted.acknowledged : 0;
  }
}

class SimulatedWorker {
  name = '';
  total = 0;
  plan: StartPlan = {};
  isBusy = false;
  /** Its start ended while it was still wanted. */
  live = false;
}

/** The worker types of a simulated application. */
export function simulatedWorkers(
  activations: Activations,
  runtime: Runtime,
  node: string,
): ReadonlyMap<string, WorkerDefinition> {
  const later = (ms: number): Promise<void> => new Promise((resolve) => runtime.after(ms, resolve));
  const handlers: Record<string, HandlerEntry> = {
    add: {
      accepts: 'message',
      invoke(instance, payload, context: SwarmContext) {
        const worker = instance as SimulatedWorker;
        activations.handle(String(payload), worker.name, node, context.worker.fence);
        return ++worker.total;
      },
    },
    'slow-add': {
      accepts: 'message',
      async invoke(instance, payload, context: SwarmContext) {
        const worker = instance as SimulatedWorker;
        activations.handle(String(payload), worker.name, node, context.worker.fence);
        await later(30);
        return ++worker.total;
      },
    },
    total: { accepts: 'message', invoke: (instance) => (instance as SimulatedWorker).total },
    slow: {
      accepts: 'message',
      invoke: (_, payload) => later(Number(payload)).then(() => 'done'),
    },
    hang: { accepts: 'message', invoke: () => new Promise(() => undefined) },
    fail: {
      accepts: 'message',
      invoke: () => {
        throw new Error('no');
      },
    },
    breakDown: {
      accepts: 'message',
      invoke(instance, _, context: SwarmContext) {
        activations.mayLose((instance as SimulatedWorker).name);
        context.worker.fail(new Error('broken'));
      },
    },
    where: { accepts: 'message', invoke: () => node },
    note: {
      accepts: 'event',
      invoke(instance, payload, context: SwarmContext) {
        activations.handle(String(payload), (instance as SimulatedWorker).name, node, context.worker.fence);
      },
    },
    hear: {
      accepts: 'event',
      invoke(instance, payload, context: SwarmContext) {
        const { name } = instance as SimulatedWorker;
        activations.handle(`${String(payload)} for ${name}`, name, node, context.worker.fence);
      },
    },
  };
  const exclusive = Object.fromEntries(
    Object.entries(handlers).map(([pattern, entry]) => [
      pattern,
      oneAtATime(entry, ({ name }) => activations.overlaps(name, node)),
    ]),
  );
  const definition: WorkerDefinition = {
    type: 'Counter',
    concurrency: 1,
    mailboxLimit: undefined,
    create: () => new SimulatedWorker(),
    async start(instance, context: WorkerContext, args) {
      const worker = instance as SimulatedWorker;
      worker.plan = (args ?? {}) as StartPlan;
      const { takesMs = 0, throws = false } = worker.plan;
      worker.name = context.name;
      if (takesMs === 'hang') await new Promise(() => undefined);
      else if (takesMs > 0) await later(takesMs);
      if (throws) throw new Error('the start throws');
      if (context.signal.aborted) return;
      worker.live = true;
      activations.started(context.name, node);
    },
    async begin(instance): Promise<HandoffDecision<unknown>> {
      const { name, plan, total } = instance as SimulatedWorker;
      if (plan.handoff === 'throws') throw new Error('begin throws');
      if (plan.handoff === 'hangs') await new Promise(() => undefined);
      if (plan.handoff === 'slow') await later(300);
      if (plan.handoff === 'ignores') return ignore();
      // It may have been unregistered, and be gone, while it packed slowly.
      if ((instance as SimulatedWorker).live) activations.pack(name, node);
      if (plan.handoff !== 'restarts') return resume(total);
      activations.mayLose(name);
      return restart();
    },
    async end(instance, state) {
      const worker = instance as SimulatedWorker;
      if (worker.plan.handoff === 'end-throws') throw new Error('end throws');
      if (worker.plan.handoff === 'end-hangs') await new Promise(() => undefined);
      worker.total = Number(state);
    },
    conflict(instance, state) {
      (instance as SimulatedWorker).total += Number(state);
    },
    die(instance, reason) {
      const worker = instance as SimulatedWorker;
      if (worker.live) activations.ended(worker.name, node, reason);
      worker.live = false;
    },
    handler: (pattern) => exclusive[pattern],
  };
  return new Map([[definition.type, definition]]);
}

/** As the handler, and tells when another of the same worker has not ended. */
function oneAtATime(entry: HandlerEntry, overlaps: (worker: SimulatedWorker) => void): HandlerEntry {
  return {
    ...entry,
    invoke(instance, payload, context) {
      const worker = instance as SimulatedWorker;
      if (worker.isBusy) overlaps(worker);
      worker.isBusy = true;
      const ended = (): void => {
        worker.isBusy = false;
      };
      try {
        const answer: unknown = entry.invoke(instance, payload, context);
        if (answer instanceof Promise) return answer.finally(ended);
        ended();
        return answer;
      } catch (error) {
        ended();
        throw error;
      }
    },
  };
}

/** An object for `registerLocal`. */
export function pinnedWorker(node: string, name: string): { definition: WorkerDefinition; instance: object } {
  const definition: WorkerDefinition = {
    type: 'Pinned',
    concurrency: 1,
    mailboxLimit: undefined,
    create: () => ({}),
    handler: (pattern) => (pattern === 'where' ? { accepts: 'message', invoke: () => node } : undefined),
  };
  return { definition, instance: { name } };
}

function add(map: Map<string, Set<string>>, name: string, node: string): void {
  map.set(name, (map.get(name) ?? new Set()).add(node));
}

function remove(map: Map<string, Set<string>>, name: string, node: string): void {
  const nodes = map.get(name);
  nodes?.delete(node);
  if (nodes?.size === 0) map.delete(name);
}
