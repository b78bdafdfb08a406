/** What happens on a node, as `SwarmCluster.events$` tells it. `at` is in milliseconds since the epoch. */
export type SwarmEvent = { readonly at: number } & SwarmEventContent;

export type SwarmEventContent =
  | { readonly type: 'node-up'; readonly node: string }
  | { readonly type: 'node-down'; readonly node: string; readonly reason: string }
  | {
      readonly type: 'worker-started';
      readonly name: string;
      readonly workerType: string;
      readonly fence: number;
    }
  | {
      /** A worker of this node goes on at `to`, with its state if it gave one. */
      readonly type: 'worker-moved';
      readonly name: string;
      readonly workerType: string;
      readonly from: string;
      readonly to: string;
      readonly fence: number;
    }
  | {
      /** A worker of this node could not be moved, and goes on here. */
      readonly type: 'handoff-failed';
      readonly name: string;
      readonly workerType: string;
      readonly to: string;
      readonly reason: string;
    }
  | {
      /** A worker of this node failed and is started anew after `pauseMs`. */
      readonly type: 'worker-failed';
      readonly name: string;
      readonly workerType: string;
      readonly reason: string;
      readonly pauseMs: number;
    }
  | {
      /** Fewer nodes than the strategy of these types asks for are there: their workers are stopped. */
      readonly type: 'quorum-lost';
      readonly workerTypes: readonly string[];
    }
  | { readonly type: 'quorum-regained'; readonly workerTypes: readonly string[] }
  | {
      readonly type: 'worker-stopped';
      readonly name: string;
      readonly workerType: string;
      readonly reason: string;
    }
  | {
      readonly type: 'conflict-resolved';
      readonly name: string;
      readonly winner: string;
      readonly loser: string;
    }
  | {
      readonly type: 'message-dropped';
      readonly name: string;
      readonly pattern: string;
      readonly reason: string;
    };
