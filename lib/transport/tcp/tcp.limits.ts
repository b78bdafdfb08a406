/** How much a transport spends on a peer, and how long it waits for one. */
export interface TcpLimits {
  /** A link that has queued as much takes nothing more but pings and answers until half of it is written. */
  readonly softQueueBytes: number;
  /** A link that has queued as much is closed: its peer has stopped reading. */
  readonly hardQueueBytes: number;
  /** How long to wait for a connection. Within a data centre it takes a few milliseconds. */
  readonly connectTimeoutMs: number;
  /** How long both sides may take to say hello once connected. */
  readonly handshakeTimeoutMs: number;
  /** Connections from outside that have not said hello yet; more are closed at once. */
  readonly pendingHandshakes: number;
  /** How long a link that is being closed may take to write what is queued. */
  readonly flushTimeoutMs: number;
  /** How long a link that is being closed waits to tell the reason. */
  readonly closeTimeoutMs: number;
}

const MiB = 1024 * 1024;

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
