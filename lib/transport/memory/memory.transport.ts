import { SwarmConfigurationError } from '../../errors/index.js';
import type { Runtime } from '../../runtime/runtime.interface.js';
import type { Frame } from '../frame.js';
import { addressKey, type Address, type Hello, type NodeId, type NodeInfo } from '../node-info.js';
import type {
  DialOutcome,
  LinkCloseReason,
  SendResult,
  Transport,
  TransportHandler,
  TransportSnapshot,
} from '../transport.interface.js';
import { MemoryDial, type DialEnd } from './memory.dial.js';
import { MemoryInbox } from './memory.inbox.js';
import { MemoryChannel, type Parcel } from './memory.link.js';
import type { MemoryNetwork } from './memory.network.js';

/** As long as a TCP connect waits where nothing answers. */
const CONNECT_TIMEOUT_MS = 1_000;

interface Link {
  readonly peer: NodeId;
  readonly incarnation: number;
  readonly out: MemoryChannel;
  framesIn: number;
}

/** One node's end of a memory network. */
export class MemoryTransport implements Transport, DialEnd {
  readonly inbox: MemoryInbox;
  handler: TransportHandler | undefined;
  private readonly links = new Map<NodeId, Link>();
  private readonly dialling = new Set<string>();
  private bound: Address | undefined;

  constructor(
    private readonly network: MemoryNetwork,
    private readonly address: Address,
    readonly runtime: Runtime,
  ) {
    this.inbox = new MemoryInbox(network.runtime);
  }

  async open(handlerFor: (bound: Address) => TransportHandler): Promise<void> {
    try {
      this.bound = this.network.bind(this, this.address);
    } catch (error) {
      throw new SwarmConfigurationError([String(error)]);
    }
    this.handler = handlerFor(this.bound);
  }

  dial(address: Address): void {
    const key = addressKey(address);
    if (!this.bound || this.dialling.has(key)) return;
    this.dialling.add(key);
    const from = this.bound;
    this.travel(() => {
      const target = this.network.at(address);
      if (this.network.isCutBetween(from, address)) {
        this.runtime.after(CONNECT_TIMEOUT_MS, () =>
          this.dialed(address, { kind: 'unreachable', message: 'no answer' }),
        );
      } else if (!target?.handler) {
        this.dialed(address, { kind: 'refused', message: 'connection refused' });
      } else {
        this.connected(from, address, target);
      }
    });
  }

  send(to: NodeId, frame: Frame): SendResult {
    const link = this.links.get(to);
    if (!link) return 'unlinked';
    link.out.send({ frame });
    return 'queued';
  }

  broadcast(to: Iterable<NodeId>, frame: Frame): NodeId[] {
    const refused: NodeId[] = [];
    for (const node of to) if (this.send(node, frame) !== 'queued') refused.push(node);
    return refused;
  }

  disconnect(peer: NodeId, reason: string): void {
    const link = this.links.get(peer);
    if (!link) return;
    this.links.delete(peer);
    link.out.send({ closed: reason });
    this.runtime.defer(() => {
      if (!this.links.has(peer)) this.handler?.linkClosed(peer, 'disconnected', reason);
    });
  }

  async close(): Promise<void> {
    for (const { out } of this.links.values()) out.send({ closed: 'closed' });
    this.end();
  }

  inspect(): TransportSnapshot {
    return {
      links: [...this.links.values()].map(({ peer, out, framesIn }) => ({
        peer,
        queuedBytes: out.waiting,
        framesIn,
        framesOut: out.framesSent,
        bytesIn: 0,
        bytesOut: 0,
      })),
      counters: {},
    };
  }

  /** @internal */
  isLinkedTo({ id, incarnation }: NodeInfo): boolean {
    return this.links.get(id)?.incarnation === incarnation;
  }

  /** @internal */
  healed(): void {
    for (const { out } of this.links.values()) out.release();
  }

  /** @internal The connection to whoever listens at `key` is gone, with all that was in flight. */
  broken(key: string): void {
    for (const link of this.links.values()) {
      if (addressKey(link.out.to) !== key) continue;
      link.out.drop();
      this.inbox.take(() => {
        if (this.links.get(link.peer) !== link) return;
        this.links.delete(link.peer);
        this.handler?.linkClosed(link.peer, 'reset');
      });
    }
  }

  /** @internal The process is gone: the other ends are reset, as the kernel of a real machine would do. */
  crashed(losesInFlight: boolean): void {
    for (const { out } of this.links.values()) {
      if (losesInFlight) out.drop();
      out.send({ closed: 'reset' });
    }
    this.end();
  }

  private end(): void {
    if (this.bound && this.network.at(this.bound) === this) this.network.release(this.bound);
    this.links.clear();
    this.handler = undefined;
    this.bound = undefined;
    this.inbox.close();
  }

  private connected(from: Address, to: Address, target: MemoryTransport): void {
    const owner = {
      isCut: () => this.network.isCutBetween(from, to),
      open: (mine: Hello, theirs: Hello) => this.opened(target, mine, theirs),
      done: (outcome: DialOutcome) => this.dialed(to, outcome),
    };
    new MemoryDial(this, target, owner).start();
  }

  private opened(target: MemoryTransport, mine: Hello, theirs: Hello): void {
    if (!this.bound || !target.bound || this.isLinkedTo(theirs.node)) return;
    const there: Link = {
      peer: mine.node.id,
      incarnation: mine.node.incarnation,
      out: new MemoryChannel(this.network, target.bound, this.bound, (parcel) =>
        this.inbox.take(() => this.received(here, parcel)),
      ),
      framesIn: 0,
    };
    const here: Link = {
      peer: theirs.node.id,
      incarnation: theirs.node.incarnation,
      out: new MemoryChannel(this.network, this.bound, target.bound, (parcel) =>
        target.inbox.take(() => target.received(there, parcel)),
      ),
      framesIn: 0,
    };
    here.out.send({ confirm: mine });
    this.linked(here, theirs);
  }

  private received(link: Link, parcel: Parcel): void {
    if (!this.handler) {
      // Nobody is here any more; the sender learns of it as from a machine that resets the connection.
      if (!('closed' in parcel)) link.out.send({ closed: 'reset' });
      return;
    }
    if ('confirm' in parcel) return this.linked(link, parcel.confirm);
    if (this.links.get(link.peer) !== link) return undefined;
    if ('frame' in parcel) {
      link.framesIn++;
      return this.handler.frame(link.peer, parcel.frame);
    }
    this.links.delete(link.peer);
    return this.handler.linkClosed(link.peer, parcel.closed === 'reset' ? 'reset' : 'closed', parcel.closed);
  }

  private linked(link: Link, hello: Hello): void {
    const older = this.links.get(link.peer);
    this.links.set(link.peer, link);
    if (older) this.closedBy(older, 'replaced');
    this.handler?.linkOpened(hello);
  }

  private closedBy(link: Link, reason: LinkCloseReason): void {
    link.out.send({ closed: reason });
    this.handler?.linkClosed(link.peer, reason);
  }

  private dialed(address: Address, outcome: DialOutcome): void {
    this.dialling.delete(addressKey(address));
    this.handler?.dialed(address, outcome);
  }

  /** @internal */
  travel(task: () => void): void {
    const ms = this.network.latencyMs();
    if (ms > 0) this.runtime.after(ms, task);
    else this.runtime.defer(task);
  }
}
