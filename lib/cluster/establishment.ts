// Decides when a node that was started anew may acknowledge others (promise P2): what it acknowledged and fenced in an
// earlier life it does not know, and must not contradict.
import type { Runtime } from '../runtime/runtime.interface.js';
import { CLOCK_RATES, type Fencing } from './fencing.js';
import type { Member } from './member.js';
import { votes } from './quorum-bound.js';

/** Whether the word of this node counts for a lease. */
export class Establishment {
  private readonly bootedAt: number;
  private reached = false;

  constructor(
    private readonly runtime: Runtime,
    private readonly self: Member,
    private readonly quorums: ReadonlyMap<string, number>,
    private readonly fencing: Pick<Fencing, 'boundOf' | 'longestLeaseMs'>,
  ) {
    this.bootedAt = runtime.now();
  }

  /**
   * Whether an earlier process under this node's id can do no harm any more: either all leases that it has given are over,
   * because so much time has passed since the boot; or so many others that know of all fences have told theirs that one of
   * them has voted wherever the earlier process had, too.
   */
  get isReached(): boolean {
    // Asked with each ping: the longest lease of all members is looked for last.
    this.reached ||=
      this.isToldOfFences || this.runtime.now() - this.bootedAt > CLOCK_RATES * this.fencing.longestLeaseMs;
    return this.reached;
  }

  /**
   * A node is fenced by `size` of those that count. Where so many others have told their fences that fewer than `size - 1`
   * are left besides them, the fenced node and this one, no quorum can have fenced it with this node's earlier vote and
   * without one of theirs.
   */
  private get isToldOfFences(): boolean {
    return [...this.quorums.keys()].every((type) => {
      const { size, places, members } = this.fencing.boundOf(type);
      const tellers = members.filter((one) => one !== this.self && votes(one) && one.isEstablished);
      return tellers.length > Math.max(0, places - size);
    });
  }
}
