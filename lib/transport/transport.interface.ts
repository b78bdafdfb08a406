import type { Frame } from './frame.js';
import type { Address, Hello, NodeId, NodeInfo, Refusal } from './node-info.js';

/**
 * How frames travel between nodes. One link per pair of nodes, used both ways; a link that breaks loses what was in
 * flight. In order are frames that must be: messages to workers among themselves, states of workers among themselves, and
 * all else; these three, pings and large answers may pass each other. The kernel decides whom to dial; the transport
 * does the handshake and keeps at most one link per peer.
 *
 * **The handshake.** Both sides send their hello. The node with the smaller id is the one that dials a link: a
 * connection dialled by the larger id is a *nudge*, both sides learn of each other and close it, and the smaller
 * then dials back by itself. A dialler that already has a link with that peer and incarnation gives the new
 * connection up. The acceptor opens the link only when the dialler has confirmed, and a confirmed connection
 * replaces an older link of the same peer.
 */
export interface Transport {
  /** Binds, and calls `handlerFor` with the bound address before the first connection is served. */
  open(handlerFor: (bound: Address) => TransportHandler): Promise<void>;
  /** Starts to dial; the outcome comes by `dialed`. An address that is being dialled is not dialled twice. */
  dial(address: Address): void;
  /** Queues a frame for a linked node. */
  send(to: NodeId, frame: Frame): SendResult;
  /** As `send` to each, encoded once; returns the nodes that could not take it. */
  broadcast(to: Iterable<NodeId>, frame: Frame): NodeId[];
  /** Closes the link to a node, after what is queued has been written if `flush` is set. */
  disconnect(peer: NodeId, reason: string, flush?: boolean): void;
  /** Stops listening and closes every link; nothing of it outlives the promise. */
  close(): Promise<void>;
  /** Counters and queue lengths for `inspect()`. */
  inspect(): TransportSnapshot;
}

/**
 * `full`: more waits for the link than it holds, of frames of this sort or of all together; `drained` follows. Answers
 * are refused only where their size would make the queue too large: the sender says so in a small one, which is taken.
 * `unlinked`: there is no link.
 */
export type SendResult = 'queued' | 'full' | 'unlinked';

/** What the kernel is told. Every method is called from the event loop, never from within `send` or `dial`. */
export interface TransportHandler {
  /** Asked at each handshake. */
  hello(): Hello;
  /** Whether this peer may link; the cluster id and the protocol range were checked by the transport. */
  admit(hello: Hello): Refusal | undefined;
  linkOpened(peer: Hello): void;
  linkClosed(peer: NodeId, reason: LinkCloseReason, detail?: string): void;
  /** A link whose `send` said `full` has room again. */
  drained(peer: NodeId): void;
  frame(from: NodeId, frame: Frame): void;
  /** How a `dial` ended (a nudge from outside is told too, so that the kernel can dial back). */
  dialed(address: Address, outcome: DialOutcome): void;
}

/**
 * `reset`: it broke. `closed`: the peer has ended it. `malformed`, `overflow`: this node has, because of what came, or of what
 * could not be written. `replaced`: another link to the peer has taken its place. `disconnected`: the kernel has ended it.
 */
export type LinkCloseReason = 'reset' | 'closed' | 'malformed' | 'overflow' | 'replaced' | 'disconnected';

/**
 * `linked`: a link has opened. `nudged`: the peer knows that it has to dial, or this node has to. `known`: there is a link with
 * that incarnation already. `self`: this node has dialled itself.
 */
export type DialOutcome =
  | { readonly kind: 'linked' | 'nudged' | 'known' | 'self'; readonly peer: NodeInfo }
  /** Nobody listens there: the process is gone. */
  | { readonly kind: 'refused'; readonly message: string }
  /** No answer within the connect or handshake timeout, or no route. */
  | { readonly kind: 'unreachable'; readonly message: string }
  /** Somebody answered and would not have us, or we not them; `peer` if it came to a hello. */
  | {
      readonly kind: 'rejected';
      readonly message: string;
      readonly refusal?: Refusal;
      readonly peer?: NodeInfo;
    };

/** The links of a node and what has come of them, as `SwarmCluster.inspect()` shows it. */
export interface TransportSnapshot {
  readonly links: ReadonlyArray<{
    readonly peer: NodeId;
    /** The node by way of which its frames go, and where they are counted. */
    readonly via?: NodeId;
    readonly queuedBytes: number;
    readonly framesIn: number;
    readonly framesOut: number;
    readonly bytesIn: number;
    readonly bytesOut: number;
  }>;
  readonly counters: Readonly<Record<string, number>>;
}
