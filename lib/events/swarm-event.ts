/** What happens on a node, as `SwarmCluster.events$` tells it. `at` is in milliseconds since the epoch. */
export type SwarmEvent = { readonly at: number } & SwarmEventContent;

export type SwarmEventContent =
  | { readonly type: 'node-up'; readonly node: string }
  | { readonly type: 'node-down'; readonly node: string; readonly reason: string }
  | {
      /** Nothing is heard of the node: the others are asked whether they hear it. */
      readonly type: 'node-suspected';
      readonly node: string;
      readonly reason: string;
    }
  | { readonly type: 'suspicion-refuted'; readonly node: string; readonly heardBy: string }
  | {
      /** This node acknowledges nothing of that incarnation from now on. `by`: who asked for it, perhaps this node itself. */
      readonly type: 'node-fenced';
      readonly node: string;
      readonly incarnation: number;
      readonly by: string;
    }
  | {
      /** A quorum has fenced the node, and its lease is over: its workers of these types start elsewhere. */
      readonly type: 'node-released';
      readonly node: string;
      readonly workerTypes: readonly string[];
    }
  | {
      /** The others have gone on without this node: it stops its quorum workers and joins again. */
      readonly type: 'self-fenced';
      readonly by: string;
    }
  | {
      /** Too few nodes acknowledge this one: its workers of these types begin no message. */
      readonly type: 'lease-lost';
      readonly workerTypes: readonly string[];
    }
  | { readonly type: 'lease-regained'; readonly workerTypes: readonly string[] }
  | {
      /** The node is not to be reached from here; frames to it go by way of `via`. */
      readonly type: 'relay-opened';
      readonly node: string;
      readonly via: string;
    }
  | { readonly type: 'relay-closed'; readonly node: string; readonly via: string; readonly reason: string }
  | {
      /** A node that had been taken for dead is back in the same incarnation, with its workers. */
      readonly type: 'swarm-merged';
      readonly node: string;
    }
  | {
      /** More nodes than the quorum of the type fits: these host none of its workers. */
      readonly type: 'quorum-exceeded';
      readonly workerType: string;
      readonly nodes: readonly string[];
    }
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
