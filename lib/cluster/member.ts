import type { NodeInfo } from '../transport/node-info.js';

/**
 * `joining`: waits for the join barrier. `up`: hosts and starts workers. `leaving`: serves, starts nothing.
 * `down`: taken for dead; such a member is listed nowhere, the status stands in events and logs only.
 */
export type NodeStatus = 'joining' | 'up' | 'leaving' | 'down';

/** Another node of the swarm as this node sees it. Written by `cluster/` only. */
export interface Member {
  /** Replaced only for this node itself, when its incarnation must rise before it has joined. */
  info: NodeInfo;
  /** As the member says of itself. */
  status: NodeStatus;
  linked: boolean;
  /** Monotonic time of the last frame that came from it. */
  heardAt: number;
  /** It has said, on the present link, that this node is in its ring and that everything before was streamed. */
  adoptedUs: boolean;
}
