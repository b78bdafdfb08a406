import { ShuttingDownError, WorkerNotFoundError } from '../../../../lib/errors/index.js';
import { GroupFanOut } from '../../../../lib/messaging/group-fan-out.js';
import { Router } from '../../../../lib/messaging/router.js';
import { RegistryIndex } from '../../../../lib/tracker/registry-index.js';
import { Row, RowStatus, type RowContent } from '../../../../lib/tracker/row.js';
import { createPayloadCodec } from '../../../../lib/transport/codec/payload.codec.js';
import { FrameKind, type Frame } from '../../../../lib/transport/frame.js';
import type { NodeId } from '../../../../lib/transport/node-info.js';
import type { SendResult } from '../../../../lib/transport/transport.interface.js';
import type { Body, Delivery, WorkerHost } from '../../../../lib/workers/worker-host.interface.js';
import { ManualRuntime } from '../../runtime/support/manual.runtime.js';
import { FakeTransport } from '../../tracker/support/fake-transport.js';
import { content } from '../../tracker/support/tracker-node.js';

export const CALL_TIMEOUT_MS = 1_000;
export const MAX_BYTES = 64 * 1024;

/** What a handler gave. */
export function value(given: unknown): Body {
  return { value: given };
}

/** Workers that answer when the test says so; `echo` answers at once with what it got. */
class FakeHost implements Pick<WorkerHost, 'deliver'> {
  readonly delivered: Array<Delivery & { name: string }> = [];
  readonly workers = new Set<string>();

  constructor(private readonly decode: (bytes: Uint8Array) => unknown) {}

  deliver(name: string, delivery: Delivery): void {
    if (!this.workers.has(name)) return delivery.reply(new WorkerNotFoundError(name), undefined);
    const { kind, pattern, body, from, chain, deadline, timeoutMs } = delivery;
    const reply: Delivery['reply'] = (...outcome) => delivery.reply(...outcome);
    this.delivered.push({ name, kind, pattern, body, from, chain, deadline, timeoutMs, reply });
    if (delivery.pattern === 'echo') delivery.reply(undefined, value(this.payloadOf(delivery)));
  }

  payloadOf({ body }: Delivery): unknown {
    return 'bytes' in body ? this.decode(body.bytes) : body.value;
  }

  /** What the workers were given, in order. */
  get seen(): unknown[] {
    return this.delivered.map((delivery) => this.payloadOf(delivery));
  }
}

/** Takes no frames that the test says it is full for. */
class NarrowTransport extends FakeTransport {
  isFullFor: (frame: Frame) => boolean = () => false;

  override send(to: NodeId, frame: Frame): SendResult {
    return this.isFullFor(frame) ? 'full' : super.send(to, frame);
  }
}

/** The messaging of one node; who hosts what is written into its index by the test. */
export class MessagingNode {
  readonly codec = createPayloadCodec({ refs: { describe: () => undefined, make: (name) => ({ name }) } });
  readonly host = new FakeHost((bytes) => this.codec.decode(bytes));
  readonly transport: NarrowTransport;
  readonly index: RegistryIndex;
  readonly router: Router;
  readonly groups: GroupFanOut;
  readonly dropped: string[] = [];
  readonly linked = new Set<NodeId>();
  joining = false;
  /** How long frames to this node are on their way. */
  inboundMs = 0;
  /** Whether any node may host anything. */
  placeable = true;
  /** How often the last of the calls that were passed on was answered. */
  passedOnDone = 0;

  constructor(
    readonly id: NodeId,
    readonly runtime: ManualRuntime,
  ) {
    this.transport = new NarrowTransport(runtime);
    this.index = new RegistryIndex({
      changed: (name) => this.router.parked.retry(name),
      contested: () => undefined,
    });
    const parts = {
      self: id,
      runtime,
      transport: this.transport,
      index: this.index,
      host: this.host,
      codec: this.codec,
      refs: { describe: () => undefined, make: (name: string) => ({ name }) },
      callTimeoutMs: CALL_TIMEOUT_MS,
      maxPayloadBytes: MAX_BYTES,
      isLinked: (node: NodeId) => this.linked.has(node),
      mayLackRows: () => this.joining,
      isArriving: (name: string) => this.index.all(name).some((row) => row.node === id && row.isArriving),
      isPlaceable: () => this.placeable,
      passedOnDone: () => void this.passedOnDone++,
      dropped: (name: string, pattern: string, reason: string) =>
        void this.dropped.push(`${name} ${pattern}: ${reason}`),
    };
    this.router = new Router(parts);
    this.groups = new GroupFanOut(parts, this.router);
  }

  linkTo(peer: MessagingNode): void {
    for (const [a, b] of [
      [this, peer],
      [peer, this],
    ] as const) {
      a.linked.add(b.id);
      a.transport.link(b.id, (frame) => {
        if (b.inboundMs > 0) b.runtime.after(b.inboundMs, () => b.receive(a.id, frame));
        else b.receive(a.id, frame);
      });
    }
  }

  unlinkFrom(peer: MessagingNode): void {
    for (const [a, b] of [
      [this, peer],
      [peer, this],
    ] as const) {
      a.linked.delete(b.id);
      a.transport.unlink(b.id);
      a.router.unlinked(b.id);
      a.groups.unlinked(b.id);
    }
  }

  /** This node takes the worker to be on `node`. */
  knows(name: string, node: NodeId, more: Partial<RowContent> = {}): Row {
    const row = new Row(content(name, more), node);
    this.index.add(row);
    return row;
  }

  /** The worker runs here, as all of `nodes` know. */
  hosts(name: string, nodes: readonly MessagingNode[], more: Partial<RowContent> = {}): void {
    this.host.workers.add(name);
    for (const node of nodes) node.knows(name, this.id, more);
  }

  run(row: Row): void {
    this.index.alter(row, () => row.update(RowStatus.running, row.groups));
  }

  /** What the node is told when the worker has moved: it does not run there any more, and runs on `node`. */
  moved(row: Row, node: NodeId, status: RowStatus = RowStatus.running): Row {
    const { name, groups } = row;
    const there = this.knows(name, node, { groups, status });
    this.index.remove(row);
    return there;
  }

  /** The row that the node shows for a name. */
  row(name: string): Row {
    const row = this.index.get(name);
    if (!row) throw new Error(`${this.id} knows no "${name}"`);
    return row;
  }

  /** As a worker that ends here leaves its mailbox: the last `count` messages that it got, unanswered. */
  takeWaiting(name: string, count: number): Delivery[] {
    this.host.workers.delete(name);
    return this.host.delivered.filter((delivery) => delivery.name === name).slice(-count);
  }

  call(name: string, pattern: string, data: unknown, more: object = {}): Promise<unknown> {
    return this.router.call(name, { pattern, data, timeoutMs: undefined, chain: [], ...more });
  }

  close(): void {
    const error = (): ShuttingDownError => new ShuttingDownError();
    this.router.close(error);
    this.groups.close(error);
  }

  private receive(from: NodeId, frame: Frame): void {
    switch (frame.kind) {
      case FrameKind.Call:
        return this.router.onCall(from, frame);
      case FrameKind.Cast:
        return this.router.onCast(from, frame);
      case FrameKind.Answer:
        return this.router.onAnswer(from, frame);
      case FrameKind.Publish:
        return this.groups.onPublish(from, frame);
      case FrameKind.MultiCall:
        return this.groups.onMultiCall(from, frame);
      case FrameKind.MultiAnswer:
        return this.groups.onMultiAnswer(from, frame);
      default:
        throw new Error(`no messaging frame: ${frame.kind}`);
    }
  }
}

/** So many nodes, linked to each other, in one time. */
export function swarm(count: number): { runtime: ManualRuntime; nodes: MessagingNode[] } {
  const runtime = new ManualRuntime();
  const nodes = Array.from(
    { length: count },
    (_, index) => new MessagingNode(`n${index}@h:${index}`, runtime),
  );
  nodes.forEach((node, index) => {
    for (const other of nodes.slice(index + 1)) node.linkTo(other);
  });
  return { runtime, nodes };
}

/** Messages that are not done with now, and timers that are left when all of them should be over. */
export function leftOf(runtime: ManualRuntime, nodes: readonly MessagingNode[]): number {
  const open = nodes.reduce((sum, { router, groups }) => sum + router.open + groups.size, 0);
  runtime.pass(2 * CALL_TIMEOUT_MS);
  return open + runtime.pending;
}

/** How a promise has ended by now: its value, the code of its error, or `pending`. */
export async function stateOf(work: Promise<unknown>): Promise<unknown> {
  let state: unknown = 'pending';
  work.then(
    (given) => (state = given),
    (error: { code?: string }) => (state = error.code ?? error),
  );
  for (let i = 0; i < 10; i++) await Promise.resolve();
  return state;
}
