import { VirtualRuntime } from '../../../lib/runtime/virtual.runtime.js';
import { RowStatus } from '../../../lib/tracker/row.js';
import {
  FrameKind,
  type Frame,
  type HaveFrame,
  type RowOp,
  type WireRow,
} from '../../../lib/transport/frame.js';
import { nodeIdOf, type Hello, type NodeInfo } from '../../../lib/transport/node-info.js';
import type { Transport } from '../../../lib/transport/transport.interface.js';
import type { SimulatedNode, SimulatedSwarm } from '../../simulation/simulated-swarm.js';
import { until } from './swarm-view.js';

const PEER_HOST = '10.0.0.2';
const HEARTBEAT_MS = 1_000;

/**
 * The other end of one link, which says of its rows what the test wants, in the words of the protocol. It hosts nothing
 * in the eyes of the ring, so that workers of the node under test stay where they are.
 */
export class ScriptedPeer {
  readonly info: NodeInfo;
  /** Everything that the node under test has sent, in order. */
  readonly received: Frame[] = [];
  /** How it answers a node that says what it has of this one's log. */
  answer: (have: HaveFrame) => void = (have) => this.catchUp(have);
  /** How much of the node's log it says it holds when they link. */
  holds = 0;
  /** Whether it takes the states that are offered to its workers. */
  takesStates = true;
  private readonly runtime: VirtualRuntime;
  private readonly transport: Transport;
  private readonly log: RowOp[] = [];
  private linked: Hello | undefined;

  constructor(
    private readonly swarm: SimulatedSwarm,
    private readonly node: SimulatedNode,
    port = 6000,
  ) {
    const address = { host: PEER_HOST, port };
    this.runtime = new VirtualRuntime(swarm.scheduler);
    this.transport = swarm.network.transport(address, this.runtime);
    this.info = {
      ...address,
      // Before the id of any simulated node, so that this one dials.
      id: nodeIdOf('a-peer', address),
      name: 'a-peer',
      incarnation: 1_000_000,
      firstIncarnation: 1_000_000,
      leaseMs: 3_000,
      quorums: {},
      weight: 1,
      labels: {},
      hosting: false,
      types: [],
    };
  }

  get id(): string {
    return this.info.id;
  }

  get isLinked(): boolean {
    return this.linked !== undefined;
  }

  /** Number of the last operation of its log. */
  get seq(): number {
    return this.log.length;
  }

  /** Dials the node and waits until it has said what it has. */
  async link(): Promise<void> {
    await this.transport.open(() => ({
      hello: () => ({
        cluster: 'simulation',
        protocol: { min: 2, max: 2 },
        node: this.info,
        status: 'up',
        roll: 0,
      }),
      admit: () => undefined,
      linkOpened: (hello) => this.opened(hello),
      linkClosed: () => (this.linked = undefined),
      drained: () => undefined,
      frame: (_, frame) => this.hear(frame),
      dialed: (_, outcome) => {
        if (outcome.kind === 'nudged') this.transport.dial(this.node.kernel.self);
      },
    }));
    this.transport.dial(this.node.kernel.self);
    this.beat();
    await until(this.swarm, 'the peer is linked', () => this.of(FrameKind.Have).length > 0);
  }

  /** Ends the connection; the node dials again by itself. */
  break(): void {
    this.swarm.network.breakLink(this.id, this.node.kernel.self.id);
  }

  /** Changes its own rows and streams the changes. */
  say(...ops: RowOp[]): void {
    const from = this.seq + 1;
    this.log.push(...ops);
    this.sendBatch(from, ops);
  }

  /** Operations under numbers that it says them to have, in its log or not. */
  sendBatch(from: number, ops: readonly RowOp[], incarnation = this.info.incarnation): void {
    this.send({ kind: FrameKind.Batch, incarnation, from, waits: true, ops });
  }

  send(frame: Frame): void {
    this.transport.send(this.node.kernel.self.id, frame);
  }

  /** The node has everything: nothing stands in the way of its starts any more. */
  adopt(): void {
    this.send({ kind: FrameKind.Adopted, roll: 0, established: true, fenced: [], missing: [] });
  }

  /** What the node has sent of one kind. */
  of<K extends Frame['kind']>(kind: K): Array<Extract<Frame, { kind: K }>> {
    return this.received.filter((frame): frame is Extract<Frame, { kind: K }> => frame.kind === kind);
  }

  private opened(hello: Hello): void {
    this.linked = hello;
    this.send({ kind: FrameKind.Have, incarnation: hello.node.incarnation, seq: this.holds });
  }

  private hear(frame: Frame): void {
    this.received.push(frame);
    switch (frame.kind) {
      case FrameKind.Ping:
        return this.send({ kind: FrameKind.Pong, id: frame.id, view: 1 });
      case FrameKind.Have:
        return this.answer(frame);
      case FrameKind.Roll:
        // It knows nobody whom the other does not.
        return frame.asks === 'nothing' ? undefined : this.send({ ...frame, asks: 'nothing', members: [] });
      case FrameKind.Batch:
        return this.acknowledge(frame.from + frame.ops.length - 1);
      case FrameKind.Snapshot:
        return frame.last ? this.acknowledge(frame.seq) : undefined;
      case FrameKind.Offer: {
        const taken = this.takesStates ? 1 : 0;
        const results = frame.offers.map(([name, , loserFence]) => [name, loserFence, taken] as const);
        return this.send({ kind: FrameKind.Offered, results });
      }
      default:
        return undefined;
    }
  }

  private catchUp({ incarnation, seq }: HaveFrame): void {
    const known = incarnation === this.info.incarnation ? seq : 0;
    const missed = this.log.slice(known);
    if (missed.length > 0) this.sendBatch(known + 1, missed);
    this.adopt();
  }

  private acknowledge(seq: number): void {
    this.send({ kind: FrameKind.BatchAck, seq });
  }

  /** Its pings say nothing of its log: that is for the test to say. */
  private beat(): void {
    this.send({
      kind: FrameKind.Ping,
      id: 1,
      stamp: 1,
      incarnation: this.info.incarnation,
      seq: null,
      digest: 0,
      delayMs: 0,
    });
    this.runtime.after(HEARTBEAT_MS, () => this.beat());
  }
}

/** A row as a node says it of itself; running, of no group and never moved unless `more` says otherwise. */
export function wireRow(
  name: string,
  more: {
    readonly type?: string;
    readonly fence?: number;
    readonly registration?: string;
    readonly groups?: readonly string[];
    readonly status?: RowStatus;
  } = {},
): WireRow {
  const {
    type = 'Worker',
    fence = 1_000,
    registration = `of ${name}`,
    groups = [],
    status = RowStatus.running,
  } = more;
  return [name, type, null, fence, registration, groups, status, 0];
}

/** `track`, `untrack` and `update` as they stand in a log. */
export const track = (row: WireRow): RowOp => [0, row];
export const untrack = (name: string): RowOp => [1, name, 1];
export const update = (name: string, groups: readonly string[]): RowOp => [
  2,
  name,
  RowStatus.running,
  groups,
];
