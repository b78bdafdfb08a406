import type { Runtime } from '../../runtime/runtime.interface.js';
import type { Hello, NodeInfo, Refusal } from '../node-info.js';
import { judge } from '../handshake.rules.js';
import type { DialOutcome, TransportHandler } from '../transport.interface.js';
import type { MemoryInbox } from './memory.inbox.js';

/** As long as a connection waits for a hello. */
const HANDSHAKE_TIMEOUT_MS = 2_000;

/** One of the two nodes of a handshake. */
export interface DialEnd {
  /** `undefined` when its process is gone. */
  readonly handler: TransportHandler | undefined;
  readonly runtime: Runtime;
  readonly inbox: MemoryInbox;
  isLinkedTo(peer: NodeInfo): boolean;
  /** Runs a task of the node's when what it waits for has travelled. */
  travel(task: () => void): void;
}

/** What is asked of the dialler's transport. */
export interface DialOwner {
  isCut(): boolean;
  open(mine: Hello, theirs: Hello): void;
  done(outcome: DialOutcome): void;
}

/**
 * A handshake over a connection that the other machine has taken. Its process says nothing while it is paused; when it
 * goes on it reads what the dialler said, even if that has given up meanwhile.
 */
export class MemoryDial {
  private isOver = false;

  constructor(
    private readonly dialler: DialEnd,
    private readonly acceptor: DialEnd,
    private readonly owner: DialOwner,
  ) {}

  start(): void {
    const { dialler, acceptor, owner } = this;
    const mine = dialler.handler?.hello();
    if (!mine) return;
    if (acceptor.inbox.isBehind) {
      const silence: DialOutcome = { kind: 'unreachable', message: 'no hello' };
      dialler.runtime.after(HANDSHAKE_TIMEOUT_MS, () => this.end(silence));
    }
    acceptor.inbox.take(() => {
      if (owner.isCut()) return;
      const answer = this.accept(mine);
      if ('node' in answer) dialler.inbox.take(() => this.answered(mine, answer));
      else dialler.travel(() => this.end(answer));
    });
  }

  /** The acceptor's part: its hello, if it would link, or how the dial ends. */
  private accept(peer: Hello): Hello | DialOutcome {
    const { handler, runtime } = this.acceptor;
    const own = handler?.hello();
    if (!own) return { kind: 'refused', message: 'closed' };
    const refusal = judge(own, peer) ?? handler?.admit(peer);
    if (refusal === 'self') return { kind: 'self', peer: own.node };
    if (refusal) return { kind: 'rejected', message: refusal.message, refusal, peer: own.node };
    if (peer.node.id > own.node.id) {
      runtime.defer(() => this.acceptor.handler?.dialed(peer.node, { kind: 'nudged', peer: peer.node }));
    }
    return own;
  }

  /** The dialler's part: it opens at once, the acceptor when the confirmation arrives. */
  private answered(mine: Hello, theirs: Hello): void {
    const { dialler, owner } = this;
    const { handler } = dialler;
    if (!handler || this.isOver) return;
    const peer = theirs.node;
    const refusal = handler.admit(theirs);
    if (refusal) return this.refuse(mine.node, peer, refusal);
    let kind: 'nudged' | 'known' | 'linked' = 'linked';
    if (mine.node.id > peer.id) kind = 'nudged';
    else if (dialler.isLinkedTo(peer)) kind = 'known';
    else dialler.travel(() => owner.open(mine, theirs));
    dialler.travel(() => this.end({ kind, peer }));
  }

  /** Both learn it: who is refused, and who has refused it. */
  private refuse(self: NodeInfo, peer: NodeInfo, refusal: Refusal): void {
    const { dialler, acceptor } = this;
    const { message } = refusal;
    const { host, port } = self;
    acceptor.travel(() =>
      acceptor.handler?.dialed({ host, port }, { kind: 'rejected', message, refusal, peer: self }),
    );
    dialler.travel(() => this.end({ kind: 'rejected', message, refusal, peer }));
  }

  private end(outcome: DialOutcome): void {
    if (this.isOver) return;
    this.isOver = true;
    this.owner.done(outcome);
  }
}
