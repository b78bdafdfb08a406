import type { Hello, NodeId, NodeInfo, Refusal } from './node-info.js';

/**
 * Every message that one node can send to another. Frames are plain, immutable objects: the memory transport
 * hands them over as they are, the TCP transport encodes them.
 */
export type Frame =
  | PingFrame
  | PongFrame
  | StatusFrame
  | HaveFrame
  | BatchFrame
  | BatchAckFrame
  | SnapshotFrame
  | AdoptedFrame
  | LostFrame
  | OrphansFrame
  | ForgottenFrame
  | RegisterFrame
  | ReserveFrame
  | UnregisterFrame
  | LocateFrame
  | GroupFrame
  | ResponseFrame
  | CallFrame
  | CastFrame
  | AnswerFrame
  | PublishFrame
  | MultiCallFrame
  | MultiAnswerFrame
  | PrepareFrame
  | PreparedFrame
  | DecideFrame
  | UndecidedFrame
  | OfferFrame
  | OfferedFrame
  | FarewellFrame
  | LastWordFrame
  | SuspectFrame
  | VerdictFrame
  | RelayFrame
  | RelayControlFrame
  | ViewFrame
  | RecallFrame
  | RollFrame;

/** Numbers on the wire; one is never given to another frame. */
export const FrameKind = {
  Ping: 1,
  Pong: 2,
  Status: 3,
  Have: 4,
  Batch: 5,
  BatchAck: 6,
  Snapshot: 7,
  Adopted: 8,
  Lost: 9,
  Orphans: 10,
  Forgotten: 11,
  Register: 12,
  Reserve: 13,
  Unregister: 14,
  Locate: 15,
  Group: 16,
  Response: 17,
  Call: 18,
  Cast: 19,
  Answer: 20,
  Publish: 21,
  MultiCall: 22,
  MultiAnswer: 23,
  Prepare: 24,
  Prepared: 25,
  Decide: 26,
  Undecided: 27,
  Offer: 28,
  Offered: 29,
  Farewell: 30,
  LastWord: 31,
  Suspect: 32,
  Verdict: 33,
  Relay: 34,
  RelayControl: 35,
  View: 36,
  Recall: 37,
  Roll: 38,
} as const;

/** A row as it travels: name, type, args, fence, registration, groups, status, and the sum of its `RowFlag`s. */
export type WireRow = readonly [
  name: string,
  type: string,
  args: Uint8Array | null,
  fence: number,
  registration: string,
  groups: readonly string[],
  status: number,
  flags: number,
];

/** A change of one row in its node's log. The first element tells which: 0 track, 1 untrack, 2 update, 3 one group. */
export type RowOp =
  | readonly [kind: 0, row: WireRow]
  /** `why`: an `Untracked`. */
  | readonly [kind: 1, name: string, why: number]
  | readonly [kind: 2, name: string, status: number, groups: readonly string[]]
  | readonly [kind: 3, name: string, group: string, joins: boolean];

/** An error as it travels: its stable code, its message, and what its class needs to be built again. */
export interface WireError {
  readonly code: string;
  readonly message: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** Proof of life; `seq` and `digest` describe the sender's own log as streamed to this peer (absent while catching up). */
export interface PingFrame {
  readonly kind: typeof FrameKind.Ping;
  readonly id: number;
  readonly stamp: number;
  /** Of the sender. The link may have been opened just before it took another. */
  readonly incarnation: number;
  readonly seq: number | null;
  readonly digest: number;
  /** How long the sender's event loop was held up of late, in milliseconds: be as much more patient with it. */
  readonly delayMs: number;
}
/** The answer to a ping; it may acknowledge the lease of the ping's sender. */
export interface PongFrame {
  readonly kind: typeof FrameKind.Pong;
  readonly id: number;
  /** Number of the view in which the sender acknowledges it; 0: its word does not count. */
  readonly view: number;
}
/** The sender's own membership status has changed. */
export interface StatusFrame {
  readonly kind: typeof FrameKind.Status;
  readonly status: 'joining' | 'up' | 'leaving' | 'left';
  /** Digest of everyone the sender knows, as in `Roll`. */
  readonly roll: number;
}
/** "I hold your log of that incarnation up to `seq`; send what follows." 0: nothing. */
export interface HaveFrame {
  readonly kind: typeof FrameKind.Have;
  readonly incarnation: number;
  readonly seq: number;
}
/** Operations `from`, `from + 1`, … of the sender's own log. */
export interface BatchFrame {
  readonly kind: typeof FrameKind.Batch;
  readonly incarnation: number;
  readonly from: number;
  /** Whether somebody waits for the peers to hold these, or older ones; else the next ping is early enough to say so. */
  readonly waits: boolean;
  readonly ops: readonly RowOp[];
}
/** "I hold your log up to `seq`." */
export interface BatchAckFrame {
  readonly kind: typeof FrameKind.BatchAck;
  readonly seq: number;
}
/** A slice of the sender's rows. The operations after `seq` follow as batches and are applied on top. */
export interface SnapshotFrame {
  readonly kind: typeof FrameKind.Snapshot;
  readonly incarnation: number;
  readonly seq: number;
  readonly first: boolean;
  readonly last: boolean;
  readonly rows: readonly WireRow[];
}
/** The sender has put the receiver into its ring; everything it tracked before was sent before. */
export interface AdoptedFrame {
  readonly kind: typeof FrameKind.Adopted;
  /** Digest of everyone the sender knows, as in `Roll`. The receiver has to find whoever of them it does not know. */
  readonly roll: number;
  /** Whether the sender knows of all who may hold a lease, so that the receiver does from now on. */
  readonly established: boolean;
  /** Incarnations that the sender has fenced. */
  readonly fenced: ReadonlyArray<readonly [node: NodeId, incarnation: number]>;
  /** Nodes that the sender does not hear and that may run workers of types with a quorum all the same. */
  readonly missing: readonly NodeInfo[];
}
/** Whom the sender knows: all members in its view, itself and the receiver included. */
export interface RollFrame {
  readonly kind: typeof FrameKind.Roll;
  /** Their digest: the same for all who know the same. */
  readonly roll: number;
  /** What the receiver is to answer: the digest of whom it knows, or, where that is another, who they are. */
  readonly asks: 'nothing' | 'digest' | 'members';
  /** All of them, where the receiver has asked for them; else none. */
  readonly members: readonly NodeInfo[];
}
/** Which nodes the sender knows of that host types with a quorum. */
export interface ViewFrame {
  readonly kind: typeof FrameKind.View;
  /** Rises with each change, from 1. */
  readonly version: number;
  /** Those that have joined. */
  readonly members: readonly NodeInfo[];
  /** Those that are not heard and may run workers all the same. */
  readonly missing: readonly NodeInfo[];
}
/** The sender takes `node` for dead and holds that incarnation's log up to `seq` (0: nothing). */
export interface LostFrame {
  readonly kind: typeof FrameKind.Lost;
  readonly node: NodeId;
  readonly incarnation: number;
  readonly seq: number;
}
/**
 * Rows of a dead node that nobody hosts yet, as the sender holds them. `left`: all of them. `shown`: some of them. `asked`:
 * those that the receiver, which has read further, did not send: are they over? `over`, the answer: those of which the sender
 * shows no row at any node.
 */
export interface OrphansFrame {
  readonly kind: typeof FrameKind.Orphans;
  readonly node: NodeId;
  readonly incarnation: number;
  readonly seq: number;
  readonly says: 'left' | 'shown' | 'asked' | 'over';
  readonly first: boolean;
  readonly last: boolean;
  readonly rows: readonly WireRow[];
}
/** These registrations were unregistered; the receiver showed one as alive. */
export interface ForgottenFrame {
  readonly kind: typeof FrameKind.Forgotten;
  readonly registrations: ReadonlyArray<readonly [name: string, registration: string]>;
}

interface RequestFields {
  /** Number of the request on this link's sender; the answer carries it back. */
  readonly id: number;
  /** What is left of the caller's deadline, in milliseconds. */
  readonly timeoutMs: number;
  readonly name: string;
}
/** "You own this name: start the worker." `registration` is chosen by the asker, so that a repeated request is known. */
export interface RegisterFrame extends RequestFields {
  readonly kind: typeof FrameKind.Register;
  readonly type: string;
  readonly args: Uint8Array | null;
  readonly registration: string;
}
/** "You are the arbiter of this name: may I have it?" The sender's `claiming` row was streamed before. */
export interface ReserveFrame extends RequestFields {
  readonly kind: typeof FrameKind.Reserve;
  readonly registration: string;
  /** For a type with a quorum: members that are not heard and not fenced count as there when the arbiter is found. */
  readonly strict: boolean;
}
/** "You host this name: end it." Only this registration: a request may be asked again, or wait, until another has the name. */
export interface UnregisterFrame extends RequestFields {
  readonly kind: typeof FrameKind.Unregister;
  readonly registration: string;
}
/** "You are the arbiter of this name: who has it?" */
export interface LocateFrame extends RequestFields {
  readonly kind: typeof FrameKind.Locate;
}
/** "Do you remember that this registration has ended?" Answered by `elsewhere` if so, by `ok` if not. */
export interface RecallFrame extends RequestFields {
  readonly kind: typeof FrameKind.Recall;
  readonly registration: string;
}
/** A member joins (or leaves) a group; sent to the node that hosts it. */
export interface GroupFrame extends RequestFields {
  readonly kind: typeof FrameKind.Group;
  readonly group: string;
  readonly joins: boolean;
}
/** The answer to any of these requests. */
export interface ResponseFrame {
  readonly kind: typeof FrameKind.Response;
  readonly id: number;
  /** `elsewhere`: the receiver is not whom to ask in its own view; ask again. */
  readonly outcome: 'ok' | 'error' | 'elsewhere';
  /** The row's node and its content, where the request was about one. */
  readonly node: NodeId | null;
  readonly row: WireRow | null;
  readonly error: WireError | null;
}

interface MessageFields {
  readonly pattern: string;
  /** Node that the message comes from first; empty: the link's peer. */
  readonly from: NodeId;
  readonly body: Uint8Array;
}
/**
 * A message to one worker whose answer is waited for. `chain`: names of the workers that wait for this call, outermost first.
 * `hops`: how often it was forwarded.
 */
export interface CallFrame extends MessageFields {
  readonly kind: typeof FrameKind.Call;
  readonly id: number;
  readonly timeoutMs: number;
  readonly name: string;
  readonly hops: number;
  readonly chain: readonly string[];
}
/** A message to one worker that nobody waits for. */
export interface CastFrame extends MessageFields {
  readonly kind: typeof FrameKind.Cast;
  readonly name: string;
  readonly hops: number;
}
/** The answer to `Call`: a body, or an error. */
export interface AnswerFrame {
  readonly kind: typeof FrameKind.Answer;
  readonly id: number;
  readonly body: Uint8Array;
  readonly error: WireError | null;
  /** Of a worker that runs under a lease: milliseconds after the question was sent in which the answer holds. */
  readonly goodForMs?: number;
}
/** For every worker in `names`: the members of the group that the sender saw on the receiver. */
export interface PublishFrame extends MessageFields {
  readonly kind: typeof FrameKind.Publish;
  readonly names: readonly string[];
}
/** As `Publish`, where all answers are waited for. */
export interface MultiCallFrame extends MessageFields {
  readonly kind: typeof FrameKind.MultiCall;
  readonly id: number;
  readonly timeoutMs: number;
  readonly group: string;
  readonly names: readonly string[];
  readonly chain: readonly string[];
}
/** What some, or all, of those have answered. */
export interface MultiAnswerFrame {
  readonly kind: typeof FrameKind.MultiAnswer;
  readonly id: number;
  /** In how many frames what was asked is answered, this one among them: together they may be more than one holds. */
  readonly parts: number;
  readonly results: ReadonlyArray<readonly [name: string, body: Uint8Array | null, error: WireError | null]>;
  /** As in `Answer`, for the shortest of their leases. */
  readonly goodForMs?: number;
}

/** A worker on its way: its row as it will stand on the receiver, and its state, if it brings one along. */
export type WireArrival = readonly [row: WireRow, state: Uint8Array | null];

/** "Start these workers of mine, but let them handle nothing before I say so." `timeoutMs`: when the sender gives up. */
export interface PrepareFrame {
  readonly kind: typeof FrameKind.Prepare;
  readonly timeoutMs: number;
  readonly arrivals: readonly WireArrival[];
}
/** The answer to `Prepare`, worker by worker, in any order and number. The fence tells the attempt. */
export interface PreparedFrame {
  readonly kind: typeof FrameKind.Prepared;
  readonly results: ReadonlyArray<
    readonly [name: string, fence: number, outcome: PrepareOutcome, reason: string]
  >;
}
/** `ready`; `refused`: not now, or not here; `failed`: its own code threw or took too long. */
export type PrepareOutcome = 'ready' | 'refused' | 'failed';
/** What the source has decided about workers that it asked the receiver to prepare: 1 commit, 0 abort. */
export interface DecideFrame {
  readonly kind: typeof FrameKind.Decide;
  readonly decisions: ReadonlyArray<
    readonly [name: string, fence: number, commit: number, groups: readonly string[]]
  >;
}
/** "I have prepared these for you and heard no decision." */
export interface UndecidedFrame {
  readonly kind: typeof FrameKind.Undecided;
  readonly arrivals: ReadonlyArray<readonly [name: string, fence: number]>;
}
/** States of workers that give way to older activations of their names on the receiver; empty where there is none. */
export interface OfferFrame {
  readonly kind: typeof FrameKind.Offer;
  readonly offers: ReadonlyArray<
    readonly [name: string, winnerFence: number, loserFence: number, state: Uint8Array]
  >;
}
/** The answer to `Offer`: 1 the worker has it, 0 it could not be given now, ask again. */
export interface OfferedFrame {
  readonly kind: typeof FrameKind.Offered;
  readonly results: ReadonlyArray<readonly [name: string, loserFence: number, taken: number]>;
}
/** "I host nothing any more and leave when I have heard that you send me nothing more." */
export interface FarewellFrame {
  readonly kind: typeof FrameKind.Farewell;
}
/** The answer to `Farewell`; travels behind every message that was sent before it. */
export interface LastWordFrame {
  readonly kind: typeof FrameKind.LastWord;
}

/**
 * "I hear nothing of that incarnation: do you?" With `fence` it is more than a question: who does not hear it either
 * acknowledges nothing of it from now on.
 */
export interface SuspectFrame {
  readonly kind: typeof FrameKind.Suspect;
  readonly node: NodeId;
  readonly incarnation: number;
  readonly fence: boolean;
}
/** The answer to `Suspect`. */
export interface VerdictFrame {
  readonly kind: typeof FrameKind.Verdict;
  readonly node: NodeId;
  readonly incarnation: number;
  /** Whether it answers a `Suspect` with `fence`. */
  readonly fence: boolean;
  readonly verdict: Verdict;
  /** Milliseconds since the sender last acknowledged a ping of that node, or since its own boot. */
  readonly ackedAgoMs: number;
  /** How far the sender has read that node's log. */
  readonly seq: number;
  /** Whether a quorum has fenced it, and its lease is over, as far as the sender is concerned: then so it is for all. */
  readonly released: boolean;
}
/** `abstains`: the sender has not joined yet, so its word does not count. */
export type Verdict = 'hears' | 'silent' | 'fenced' | 'abstains';

/** A frame for a node that its sender cannot reach itself, by way of one that reaches both. */
export interface RelayFrame {
  readonly kind: typeof FrameKind.Relay;
  readonly from: NodeId;
  readonly to: NodeId;
  /** Number of the relayed link, given by the node that opened it. */
  readonly link: number;
  readonly frame: RelayedFrame;
}
/** Relays go over one hop. */
export type RelayedFrame = Exclude<Frame, RelayFrame | RelayControlFrame>;

/** Opens and closes a relayed link; the same three steps as over a connection. */
export interface RelayControlFrame {
  readonly kind: typeof FrameKind.RelayControl;
  readonly from: NodeId;
  readonly to: NodeId;
  readonly link: number;
  readonly step: RelayStep;
  /** With `open` and `accept`. */
  readonly hello: Hello | null;
  /** With `close`: what is to be told. */
  readonly refusal: Refusal | null;
}
/** `open`: the first hello; `accept`: the hello in answer; `confirm`: frames may follow; `close`: none may. */
export type RelayStep = 'open' | 'accept' | 'confirm' | 'close';
