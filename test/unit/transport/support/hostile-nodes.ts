import { connect, type Socket } from 'node:net';

import { NodeRuntime } from '../../../../lib/runtime/node.runtime.js';
import { FrameKind } from '../../../../lib/transport/frame.js';
import type { LinkTable } from '../../../../lib/transport/tcp/link.table.js';
import type { TcpTransportOptions } from '../../../../lib/transport/tcp/tcp.transport.js';
import { TestNode, until } from './test-node.js';

/** What a round trip on another link may take while one is under attack; on loopback it takes less than one. */
export const UNDISTURBED_MS = 250;

/** A process that can be made older. */
export class AgingRuntime extends NodeRuntime {
  aheadMs = 0;

  override now(): number {
    return super.now() + this.aheadMs;
  }
}

/** The nodes and connections of one test. */
export class HostileNodes {
  private readonly nodes: TestNode[] = [];
  private readonly sockets = new Set<Socket>();

  async open(name: string, options: Partial<TcpTransportOptions> = {}): Promise<TestNode> {
    const node = await TestNode.open(name, options);
    this.nodes.push(node);
    return node;
  }

  /** A connection that says nothing by itself. */
  raw(to: TestNode, localAddress = '127.0.0.1'): Socket {
    const socket = connect({ port: to.info.port, host: '127.0.0.1', localAddress });
    this.sockets.add(socket);
    socket.once('close', () => this.sockets.delete(socket));
    return socket.on('error', () => undefined).resume();
  }

  /** So many connections, each made again whenever it is turned away. Returns what ends it. */
  crowd(count: number, connection: () => Socket): () => void {
    let over = false;
    const join = (): void => {
      if (!over) connection().once('close', () => setImmediate(join));
    };
    for (let i = 0; i < count; i++) join();
    return () => (over = true);
  }

  async end(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await Promise.all(this.nodes.splice(0).map((node) => node.transport.close()));
  }
}

/** `a` has the smaller id. */
export async function linked(a: TestNode, b: TestNode): Promise<void> {
  a.dial(b);
  await until(() => a.opened.includes(b.id) && b.opened.includes(a.id), 'linked');
}

/** The socket of a node's link, as no node itself would use it. */
export function socketOf(node: TestNode, peer: TestNode): Socket {
  const { table } = node.transport as unknown as { readonly table: LinkTable };
  const { socket } = table.linkOf(peer.id) as unknown as { readonly socket: Socket };
  return socket;
}

/** How long a message takes there and back; `b` answers what it gets. */
export async function roundTripMs(a: TestNode, b: TestNode, id: number): Promise<number> {
  b.onFrame = (from, frame) => {
    if (frame.kind === FrameKind.Cast && frame.name === 'ping')
      b.transport.send(from, { ...frame, name: 'pong' });
  };
  const pongs = (): number =>
    a.frames.filter(({ frame }) => frame.kind === FrameKind.Cast && frame.pattern === String(id)).length;
  const began = performance.now();
  const cast = { kind: FrameKind.Cast, name: 'ping', pattern: String(id), from: '', hops: 0 } as const;
  a.send(b, { ...cast, body: new Uint8Array() });
  await until(() => pongs() > 0, 'answered');
  return performance.now() - began;
}
