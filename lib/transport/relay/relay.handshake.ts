import type { Runtime, Timer } from '../../runtime/runtime.interface.js';
import type { RelayControlFrame, RelayStep } from '../frame.js';
import { judge } from '../handshake.rules.js';
import type { Hello, NodeId, Refusal } from '../node-info.js';
import type { DialOutcome, TransportHandler } from '../transport.interface.js';
import { isSameLink, type RelayedLink } from './relayed-link.js';

/** A step that was not answered by then has come to nothing: twice there and back, by way of another. */
const STEP_TIMEOUT_MS = 1_000;

interface Pending {
  readonly link: RelayedLink;
  /** Of the other side, where it has said it. */
  readonly hello: Hello | undefined;
  readonly timer: Timer;
}

/** What a `RelayHandshake` asks of its transport, and what it tells it. */
export interface RelayHandshakeParts {
  readonly runtime: Runtime;
  /** `undefined` before the transport is open, and after it was closed. */
  readonly handler: () => Pick<TransportHandler, 'hello' | 'admit' | 'dialed'> | undefined;
  send(link: RelayedLink, step: RelayStep, hello?: Hello, refusal?: Refusal): void;
  /** Both sides want it: frames may follow. */
  agreed(link: RelayedLink, hello: Hello): void;
}

/** Opens relayed links in the three steps of any link: hello, hello in answer, and the word that it is wanted. */
export class RelayHandshake {
  /** Opened by this node, and not answered yet. */
  private readonly attempts = new Map<NodeId, Pending>();
  /** Opened by the other side, answered, and not confirmed yet. */
  private readonly accepted = new Map<NodeId, Pending>();

  constructor(private readonly parts: RelayHandshakeParts) {}

  /** By whichever side: what would be opened besides would take the place of the other in the next moment. */
  isOpening(peer: NodeId): boolean {
    return this.attempts.has(peer) || this.accepted.has(peer);
  }

  open(link: RelayedLink): void {
    const own = this.parts.handler()?.hello();
    if (!own) return;
    this.await(this.attempts, link, undefined);
    this.parts.send(link, 'open', own);
  }

  received(link: RelayedLink, { step, hello, refusal }: RelayControlFrame): void {
    // Who passes a hello on may not put another in its place.
    if (hello && hello.node.id !== link.peer) return this.parts.send(link, 'close');
    if (step === 'open') return hello ? this.opened(link, hello) : undefined;
    if (step === 'accept') return hello ? this.answered(link, hello) : undefined;
    if (step === 'confirm') return this.confirmed(link);
    this.take(this.attempts, link);
    this.take(this.accepted, link);
    return hello && refusal ? this.rejected(hello, refusal) : undefined;
  }

  /** Another link to the peer is open: nothing more is to be opened. */
  giveUp(peer: NodeId): void {
    for (const pending of [this.attempts, this.accepted]) {
      const link = pending.get(peer)?.link;
      if (link) this.take(pending, link);
    }
  }

  /** Nothing comes by way of that node any more. */
  giveUpVia(via: NodeId): void {
    for (const pending of [this.attempts, this.accepted])
      for (const { link } of [...pending.values()]) if (link.via === via) this.take(pending, link);
  }

  close(): void {
    for (const pending of [this.attempts, this.accepted])
      for (const { link } of [...pending.values()]) this.take(pending, link);
  }

  private opened(link: RelayedLink, hello: Hello): void {
    const own = this.parts.handler()?.hello();
    if (!own) return;
    // Two that open at once: the one of the smaller id stays, and the other side takes it.
    if (this.attempts.has(link.peer) && own.node.id < link.peer) return this.parts.send(link, 'close');
    const refusal = this.refusalOf(own, hello);
    if (refusal === 'self') return this.parts.send(link, 'close');
    if (refusal) return this.parts.send(link, 'close', own, refusal);
    this.giveUp(link.peer);
    this.await(this.accepted, link, hello);
    return this.parts.send(link, 'accept', own);
  }

  private answered(link: RelayedLink, hello: Hello): void {
    const own = this.parts.handler()?.hello();
    if (!this.take(this.attempts, link) || !own) return this.parts.send(link, 'close');
    const refusal = this.refusalOf(own, hello);
    if (refusal === 'self') return this.parts.send(link, 'close');
    if (refusal) {
      this.parts.send(link, 'close', own, refusal);
      return this.rejected(hello, refusal);
    }
    this.parts.send(link, 'confirm');
    return this.parts.agreed(link, hello);
  }

  private confirmed(link: RelayedLink): void {
    const hello = this.take(this.accepted, link)?.hello;
    if (!hello) return this.parts.send(link, 'close');
    return this.parts.agreed(link, hello);
  }

  private refusalOf(own: Hello, peer: Hello): 'self' | Refusal | undefined {
    return judge(own, peer) ?? this.parts.handler()?.admit(peer);
  }

  private rejected({ node }: Hello, refusal: Refusal): void {
    const outcome: DialOutcome = { kind: 'rejected', message: refusal.message, refusal, peer: node };
    this.parts.handler()?.dialed(node, outcome);
  }

  private await(pending: Map<NodeId, Pending>, link: RelayedLink, hello: Hello | undefined): void {
    const timer = this.parts.runtime.after(STEP_TIMEOUT_MS, () => {
      if (this.take(pending, link)) this.parts.send(link, 'close');
    });
    pending.get(link.peer)?.timer.cancel();
    pending.set(link.peer, { link, hello, timer });
  }

  private take(pending: Map<NodeId, Pending>, link: RelayedLink): Pending | undefined {
    const found = pending.get(link.peer);
    if (!found || !isSameLink(found.link, link)) return undefined;
    found.timer.cancel();
    pending.delete(link.peer);
    return found;
  }
}
