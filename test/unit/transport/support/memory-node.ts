import { expect } from 'vitest';
import type { Runtime } from '../../../../lib/runtime/runtime.interface.js';
import { seededRandom, VirtualRuntime, VirtualScheduler } from '../../../../lib/runtime/virtual.runtime.js';
import { FrameKind, type Frame } from '../../../../lib/transport/frame.js';
import { MemoryNetwork } from '../../../../lib/transport/memory/memory.network.js';
import {
  addressKey,
  nodeIdOf,
  type Address,
  type Hello,
  type NodeInfo,
  type Refusal,
} from '../../../../lib/transport/node-info.js';
import type {
  DialOutcome,
  Transport,
  TransportHandler,
} from '../../../../lib/transport/transport.interface.js';

export const HOST = '10.0.0.1';

/** Transports in virtual time whose handlers write everything down. */
export class TestNetwork {
  readonly scheduler = new VirtualScheduler(seededRandom(1));
  readonly network = new MemoryNetwork(new VirtualRuntime(this.scheduler), { latencyMs: () => 1 });

  /** `wrap` puts another transport around that of the network. */
  async node(
    name: string,
    port: number,
    wrap: (transport: Transport, runtime: Runtime) => Transport = (transport) => transport,
  ): Promise<MemoryNode> {
    const node = new MemoryNode(name, { host: HOST, port }, this, wrap);
    await node.transport.open(() => node);
    return node;
  }

  async pair(): Promise<[MemoryNode, MemoryNode]> {
    const [a, b] = [await this.node('a', 1), await this.node('b', 2)];
    a.transport.dial(b.info);
    await this.scheduler.advance(5);
    expect([a.story, b.story]).toEqual([['opened b', 'dialed linked'], ['opened a']]);
    for (const { story } of [a, b]) story.length = 0;
    return [a, b];
  }
}

export class MemoryNode implements TransportHandler {
  readonly info: NodeInfo;
  readonly runtime: VirtualRuntime;
  readonly transport: Transport;
  /** All that was told, in order. */
  readonly story: string[] = [];
  readonly outcomes: Array<{ address: string; outcome: DialOutcome }> = [];
  refusal: Refusal | undefined;

  constructor(
    name: string,
    address: Address,
    private readonly net: TestNetwork,
    wrap: (transport: Transport, runtime: Runtime) => Transport,
  ) {
    const id = nodeIdOf(name, address);
    const numbers = { incarnation: 1, firstIncarnation: 1, leaseMs: 3_000, quorums: {}, weight: 1 };
    this.info = { ...address, id, name, ...numbers, labels: {}, hosting: true, types: [] };
    this.runtime = new VirtualRuntime(net.scheduler);
    this.transport = wrap(net.network.transport(address, this.runtime), this.runtime);
  }

  ping(to: MemoryNode, id: number): void {
    expect(this.transport.send(to.info.id, { kind: FrameKind.Pong, id, view: 1 })).toBe('queued');
  }

  pause(): void {
    this.runtime.pause();
    this.net.network.pause(this.info.id);
  }

  resume(first: 'sockets' | 'timers' = 'sockets'): void {
    if (first === 'timers') this.runtime.resume();
    this.net.network.resume(this.info.id);
    if (first === 'sockets') this.runtime.resume();
  }

  hello(): Hello {
    return {
      cluster: 'test',
      protocol: { min: 1, max: 1 },
      node: this.info,
      status: 'up',
      roll: 0,
    };
  }
  admit(): Refusal | undefined {
    return this.refusal;
  }
  linkOpened({ node }: Hello): void {
    this.story.push(`opened ${node.name}`);
  }
  linkClosed(peer: string, reason: string): void {
    this.story.push(`closed ${peer[0]} ${reason}`);
  }
  drained(): void {
    this.story.push('drained');
  }
  frame(from: string, frame: Frame): void {
    this.story.push(`frame ${from[0]} ${'id' in frame ? frame.id : frame.kind}`);
  }
  dialed(address: Address, outcome: DialOutcome): void {
    this.story.push(`dialed ${outcome.kind}`);
    this.outcomes.push({ address: addressKey(address), outcome });
  }
}
