/** Why a name is where it is, as this node sees it. What `SwarmCluster.explain()` returns; for people and tests. */
export interface PlacementExplanation {
  readonly name: string;
  /** `unknown`: this node has no row of the name. `orphaned`: its node is dead, and no other has started it yet. */
  readonly status: 'unknown' | 'claiming' | 'starting' | 'running' | 'arriving' | 'parked' | 'orphaned';
  /** Type of the worker; `undefined` for an unknown name. */
  readonly type: string | undefined;
  /** Id of the node where it is. */
  readonly node: string | undefined;
  readonly fence: number | undefined;
  readonly groups: readonly string[];
  /** Bound to its node by `registerLocal`. */
  readonly pinned: boolean;
  /** Id of the node where the strategy places it, `undefined` if none may host it. */
  readonly owner: string | undefined;
  /** It is not where it belongs. */
  readonly misplaced: boolean;
  /** Why it is there, and why it is not where it belongs, in a sentence or two. */
  readonly reason: string;
  /** Every member, and why it may not host the name if it may not. */
  readonly candidates: ReadonlyArray<{ readonly node: string; readonly refusal: string | undefined }>;
  /** All rows of the name, when several nodes have one. */
  readonly rivals: ReadonlyArray<{ readonly node: string; readonly fence: number; readonly status: string }>;
  /** The latest moves, restarts and errors that this node took part in, oldest first. */
  readonly history: ReadonlyArray<{ readonly at: number; readonly what: string }>;
}
