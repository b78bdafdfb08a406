import { NodeRuntime } from '../../../../lib/runtime/node.runtime.js';
import type { KernelLogger } from '../../../../lib/runtime/runtime.interface.js';
import { FrameKind, type CallFrame, type Frame } from '../../../../lib/transport/frame.js';
import {
  addressKey,
  nodeIdOf,
  type Address,
  type Hello,
  type NodeId,
  type Refusal,
} from '../../../../lib/transport/node-info.js';
import { TcpTransport, type TcpTransportOptions } from '../../../../lib/transport/tcp/tcp.transport.js';
import type {
  DialOutcome,
  LinkCloseReason,
  TransportHandler,
} from '../../../../lib/transport/transport.interface.js';

/** A transport with a handler that writes everything down. */
export class TestNode implements TransportHandler {
  readonly opened: NodeId[] = [];
  readonly closed: Array<{ peer: NodeId; reason: LinkCloseReason; detail: string | undefined }> = [];
  readonly outcomes: Array<{ address: string; outcome: DialOutcome }> = [];
  readonly frames: Array<{ from: NodeId; frame: Frame }> = [];
  readonly drains: NodeId[] = [];
  readonly lines: string[] = [];
  readonly transport: TcpTransport;
  /** All events in order, as one word each. */
  readonly story: string[] = [];
  info!: Hello['node'];
  cluster = 'test';
  protocol = { min: 1, max: 1 };
  refusal: Refusal | undefined;
  onFrame: ((from: NodeId, frame: Frame) => void) | undefined;
  /** Set while this test calls the transport, to see that the transport never calls back from within. */
  private calling = false;
  reentrant = false;

  private constructor(
    readonly name: string,
    options: Partial<TcpTransportOptions>,
  ) {
    const line = (level: string) => (message: string) => void this.lines.push(`${level} ${message}`);
    const logger: KernelLogger = {
      error: line('error'),
      warn: line('warn'),
      log: line('log'),
      debug: line('debug'),
      verbose: line('verbose'),
    };
    this.transport = new TcpTransport({
      host: '127.0.0.1',
      listen: '127.0.0.1',
      port: 0,
      maxPayloadBytes: 64 * 1024 * 1024,
      logger,
      runtime: new NodeRuntime(),
      ...options,
    });
  }

  static async open(
    name: string,
    options: Partial<TcpTransportOptions> = {},
    incarnation = 1,
  ): Promise<TestNode> {
    const node = new TestNode(name, options);
    await node.transport.open((bound) => {
      node.info = {
        ...bound,
        id: nodeIdOf(name, bound),
        name,
        incarnation,
        firstIncarnation: incarnation,
        leaseMs: 3_000,
        quorums: {},
        weight: 1,
        labels: { zone: 'a' },
        hosting: true,
        types: ['W'],
      };
      return node;
    });
    return node;
  }

  get id(): NodeId {
    return this.info.id;
  }

  dial(to: TestNode | Address): void {
    this.guarded(() =>
      this.transport.dial(to instanceof TestNode ? { host: to.info.host, port: to.info.port } : to),
    );
  }

  send(to: TestNode, frame: Frame): ReturnType<TcpTransport['send']> {
    return this.guarded(() => this.transport.send(to.id, frame));
  }

  disconnect(peer: TestNode, reason: string, flush?: boolean): void {
    this.guarded(() => this.transport.disconnect(peer.id, reason, flush));
  }

  outcome(kind: DialOutcome['kind'], to?: TestNode): DialOutcome | undefined {
    const key = to === undefined ? undefined : addressKey(to.info);
    return this.outcomes.find(
      (one) => one.outcome.kind === kind && (key === undefined || one.address === key),
    )?.outcome;
  }

  hello(): Hello {
    if (this.calling) this.reentrant = true;
    return { cluster: this.cluster, protocol: this.protocol, node: this.info, status: 'up', roll: 0 };
  }
  admit(): Refusal | undefined {
    return this.refusal;
  }
  linkOpened(peer: Hello): void {
    this.note(`opened ${peer.node.name}`);
    this.opened.push(peer.node.id);
  }
  linkClosed(peer: NodeId, reason: LinkCloseReason, detail?: string): void {
    this.note(`closed ${peer.split('@')[0]} ${reason}`);
    this.closed.push({ peer, reason, detail });
  }
  drained(peer: NodeId): void {
    this.note('drained');
    this.drains.push(peer);
  }
  frame(from: NodeId, frame: Frame): void {
    this.frames.push({ from, frame });
    this.onFrame?.(from, frame);
  }
  dialed(address: Address, outcome: DialOutcome): void {
    this.note(`dialed ${outcome.kind}`);
    this.outcomes.push({ address: addressKey(address), outcome });
  }

  private note(event: string): void {
    this.story.push(event);
    if (this.calling) this.reentrant = true;
  }

  private guarded<T>(task: () => T): T {
    this.calling = true;
    try {
      return task();
    } finally {
      this.calling = false;
    }
  }
}

/** Resolves when `condition` holds; looked at in every turn of the event loop. */
export async function until(condition: () => boolean, what: string, withinMs = 10_000): Promise<void> {
  const start = performance.now();
  while (!condition()) {
    if (performance.now() - start > withinMs) throw new Error(`never: ${what}`);
    await new Promise((resolve) => void setTimeout(resolve, 1));
  }
}

/** A linked pair; the first has the smaller id. */
export async function linkedPair(options: Partial<TcpTransportOptions> = {}): Promise<[TestNode, TestNode]> {
  const a = await TestNode.open('a', options);
  const b = await TestNode.open('b', options);
  a.dial(b);
  await until(() => a.opened.length === 1 && b.opened.length === 1, 'linked');
  return [a, b];
}

export function call(id: number, body: Uint8Array, name = 'n'): CallFrame {
  return {
    kind: FrameKind.Call,
    id,
    timeoutMs: 1000,
    name,
    pattern: 'p',
    from: '',
    hops: 0,
    chain: [],
    body,
  };
}
