// Tells people what becomes of other nodes: an event, which is counted, and one line that says what to do.
import type { MembershipListener } from '../cluster/membership-parts.js';
import type { EventLog } from '../events/index.js';
import type { KernelLogger } from '../runtime/runtime.interface.js';
import type { NodeId } from '../transport/node-info.js';

type News = Pick<MembershipListener, 'suspected' | 'refuted' | 'fenced' | 'released' | 'merged'>;

/** What a node tells of the others. */
export function membershipNews(self: NodeId, events: EventLog, logger: KernelLogger): News {
  return {
    suspected({ info: { id } }, reason) {
      events.emit({ type: 'node-suspected', node: id, reason });
      logger.log(
        `${id} is suspected, ${reason}: the others are asked whether they hear it; nothing is to be done unless nobody does`,
      );
    },
    refuted(id, heardBy) {
      events.emit({ type: 'suspicion-refuted', node: id, heardBy });
      if (heardBy === self)
        logger.log(
          `${id} is there: this node hears it; if that is said again and again, see what holds it up`,
        );
      else logger.log(`${id} is there: ${heardBy} hears it; check the network between ${id} and this node`);
    },
    fenced(id, incarnation, by) {
      events.emit({ type: 'node-fenced', node: id, incarnation, by });
      logger.log(
        `${id} is fenced, as ${by} asked for: it gets no lease, and joins again if it comes back; if it still runs, check the network to it, and whether it was stopped or blocked`,
      );
    },
    released({ id }, workerTypes) {
      if (workerTypes.length === 0) return;
      events.emit({ type: 'node-released', node: id, workerTypes });
      logger.log(
        `${id} has stopped for certain: its workers of ${workerTypes.join(', ')} start elsewhere; start another node if it does not come back`,
      );
    },
    merged({ info: { id } }) {
      events.emit({ type: 'swarm-merged', node: id });
      logger.log(
        `${id} was taken for dead and is back: names that both sides run are settled now; check the network between it and this node, and whether either was stopped`,
      );
    },
  };
}
