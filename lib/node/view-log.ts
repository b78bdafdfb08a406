// Makes one line of all members that came or went since the line before. Also of one that did both meanwhile: this node
// may have named it when it came up itself, and whoever reads that it is suspected must read what became of it.
import type { NodeId } from '../transport/node-info.js';

export class ViewLog {
  /** Members that were up at the last line. */
  private told: ReadonlySet<NodeId> = new Set();
  private readonly cameSince = new Set<NodeId>();
  private readonly reasons = new Map<NodeId, string>();

  /** A member is up. */
  cameUp(id: NodeId): void {
    this.cameSince.add(id);
  }

  /** It is no member any more. */
  wentDown(id: NodeId, reason: string): void {
    this.reasons.set(id, reason);
  }

  /** What is to be logged now that these others are up, if anything. */
  next(view: ReadonlySet<NodeId>): string | undefined {
    const { told, cameSince, reasons } = this;
    const came = [...view].filter((id) => !told.has(id));
    const went = [...new Set([...told, ...cameSince])].filter((id) => !view.has(id));
    const changes = [
      ...came.map((id) => `${id} is up`),
      ...went.map((id) => `${id} is gone (${reasons.get(id) ?? 'it is leaving'})`),
    ];
    this.told = view;
    cameSince.clear();
    reasons.clear();
    return changes.length === 0 ? undefined : `${changes.join(', ')}: ${view.size + 1} node(s)`;
  }
}
