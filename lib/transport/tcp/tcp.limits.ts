/** How much a transport spends on a peer, and how long it waits for one. */
export interface TcpLimits {
  /**
   * A lane of a link in which as much waits takes no more until half of it is written. Pings and answers are taken all
   * the same, and a large frame that is just being written does not count.
   */
  readonly softQueueBytes: number;
  /**
   * What would make a link's queue larger is refused, but for pings and small answers; if these come to more than
   * `RESERVE_BYTES` the peer has stopped reading, and the link is closed. At least twice the largest frame.
   */
  readonly hardQueueBytes: number;
  /** How long to wait for a connection. Within a data centre it takes a few milliseconds. */
  readonly connectTimeoutMs: number;
  /** How long both sides may take to say hello once connected. */
  readonly handshakeTimeoutMs: number;
  /** Connections from outside that are no link yet; of more some are closed, see `UnprovedConnections`. */
  readonly pendingHandshakes: number;
  /** How long a link that is being closed may take to write what is queued. */
  readonly flushTimeoutMs: number;
  /** How long a link that is being closed waits to tell the reason. */
  readonly closeTimeoutMs: number;
}

const MiB = 1024 * 1024;

/** What a queue takes beyond its hard limit: some twenty thousand answers that say that it is full. */
export const RESERVE_BYTES = 4 * MiB;

/** Answers up to this size are taken also then. */
export const SMALL_ANSWER_BYTES = 4096;

/** Chosen for processes that share a data centre and have a few hundred megabytes to spare. */
export const DEFAULT_TCP_LIMITS: TcpLimits = {
  softQueueBytes: 16 * MiB,
  hardQueueBytes: 256 * MiB,
  connectTimeoutMs: 1000,
  handshakeTimeoutMs: 2000,
  pendingHandshakes: 128,
  flushTimeoutMs: 5000,
  closeTimeoutMs: 500,
};
