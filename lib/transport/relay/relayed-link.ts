import type { NodeId } from '../node-info.js';

/** A link to a node by way of another. */
export interface RelayedLink {
  readonly peer: NodeId;
  readonly via: NodeId;
  /** Given by the node that opened it. */
  readonly link: number;
}

/** Whether both are the same link to the same peer. */
export function isSameLink(a: RelayedLink, b: RelayedLink): boolean {
  return a.peer === b.peer && a.link === b.link && a.via === b.via;
}
