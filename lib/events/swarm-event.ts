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
