import type { NodeInfo } from '../transport/node-info.js';

/**
 * `joining`: waits for the join barrier. `up`: hosts and starts workers. `leaving`: serves, starts nothing.
 * `suspect`: one of these that is not heard at present; only `inspect()` and `nodes()` say so. `down`: taken for dead; seen in
 * events and logs only, since such a member is listed nowhere.
 */
export type NodeStatus = 'joining' | 'up' | 'leaving' | 'suspect' | 'down';

/** Another node of the swarm as this node sees it. Written by `cluster/` only. */
export interface Member {
  /** Replaced only for this node itself, when its incarnation must rise before it has joined. */
  info: NodeInfo;
  /** As the member says of itself; never `suspect`. */
  status: NodeStatus;
  linked: boolean;
  /** Monotonic time of the last frame that came from it. */
  heardAt: number;
  /** How long its own event loop was held up of late: it gets as much more time, in milliseconds. */
  delayMs: number;
  /** It is suspected: the others are asked about it. */
  suspected: boolean;
  /** It knows of all who may hold a lease, as it has said in this incarnation. */
  isEstablished: boolean;
  /** Monotonic time at which an acknowledgement of this incarnation first counted: it knows since then whom it has fenced. */
  acksSince: number | undefined;
  /** When the latest ping was sent that it has acknowledged; `-Infinity` before the first. */
  ackedAt: number;
  /** It has said, on the present link, that this node is in its ring and that everything before was streamed. */
  adoptedUs: boolean;
  /** Whether it has done so in this node's present incarnation, over whichever link: what it had is known here. */
  wasRead: boolean;
}
