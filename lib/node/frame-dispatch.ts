// Hands every frame to the part of the kernel that it is for.
import type { Membership } from '../cluster/membership.js';
import type { Arrivals } from '../handoff/arrivals.js';
import type { Conflicts } from '../handoff/conflicts.js';
import type { Drain } from '../handoff/drain.js';
import type { Moves } from '../handoff/moves.js';
import type { GroupFanOut } from '../messaging/group-fan-out.js';
import type { Router } from '../messaging/router.js';
import type { Endings } from '../registration/endings.js';
import type { GroupMembership } from '../registration/group-membership.js';
import type { Recall } from '../registration/recall.js';
import type { Registrar } from '../registration/registrar.js';
import type { RegistrationParts } from '../registration/registration-parts.js';
import { FrameKind, type Frame } from '../transport/frame.js';
import type { NodeId } from '../transport/node-info.js';

export interface FrameReceivers extends Pick<
  RegistrationParts,
  'stream' | 'replicas' | 'orphans' | 'questions'
> {
  readonly membership: Membership;
  readonly router: Router;
  readonly groups: GroupFanOut;
  readonly recall: Recall;
  readonly registrar: Registrar;
  readonly groupMembership: GroupMembership;
  readonly endings: Endings;
  readonly moves: Moves;
  readonly arrivals: Arrivals;
  readonly conflicts: Conflicts;
  readonly drain: Drain;
  /** Whether this is the first time that the peer says, on its present link, what it has. */
  isFirstHave(peer: NodeId): boolean;
}

/** Frames of one link come here in order. */
export function dispatch(to: FrameReceivers, from: NodeId, frame: Frame): void {
  switch (frame.kind) {
    case FrameKind.Ping:
      to.membership.ping(from, frame);
      return to.replicas.compare(from, frame);
    case FrameKind.Pong:
      return to.membership.pong(from, frame);
    case FrameKind.Suspect:
      return to.membership.suspicions.onSuspect(from, frame);
    case FrameKind.Verdict:
      return to.membership.suspicions.onVerdict(from, frame);
    case FrameKind.Relay:
    case FrameKind.RelayControl:
      // Taken by the transport that relays; one that comes here was relayed itself.
      return undefined;
    case FrameKind.Status:
      return to.membership.status(from, frame);
    case FrameKind.Have:
      return to.stream.have(from, frame, to.isFirstHave(from));
    case FrameKind.Batch:
      return to.replicas.batch(from, frame);
    case FrameKind.BatchAck:
      return to.stream.acked(from, frame.seq);
    case FrameKind.Snapshot:
      return to.replicas.snapshot(from, frame);
    case FrameKind.View:
      return to.membership.views.received(from, frame);
    case FrameKind.Adopted:
      return to.membership.adopted(from, frame);
    case FrameKind.Roll:
      return to.membership.rolls.received(from, frame);
    case FrameKind.Lost:
      to.orphans.lost(from, frame);
      return to.membership.toldOfEnd(frame.node, frame.incarnation);
    case FrameKind.Orphans:
      return to.orphans.received(from, frame);
    case FrameKind.Forgotten:
      return to.endings.onForgotten(frame);
    case FrameKind.Register:
      return to.registrar.onRegister(from, frame);
    case FrameKind.Reserve:
      return to.registrar.onReserve(from, frame);
    case FrameKind.Unregister:
      return to.registrar.onUnregister(from, frame);
    case FrameKind.Locate:
      return to.registrar.onLocate(from, frame);
    case FrameKind.Recall:
      return to.recall.onRecall(from, frame);
    case FrameKind.Group:
      return to.groupMembership.onGroup(from, frame);
    case FrameKind.Response:
      return void to.questions.answer(from, frame.id, frame);
    case FrameKind.Call:
      return to.router.onCall(from, frame);
    case FrameKind.Cast:
      return to.router.onCast(from, frame);
    case FrameKind.Answer:
      return to.router.onAnswer(from, frame);
    case FrameKind.Publish:
      return to.groups.onPublish(from, frame);
    case FrameKind.MultiCall:
      return to.groups.onMultiCall(from, frame);
    case FrameKind.MultiAnswer:
      return to.groups.onMultiAnswer(from, frame);
    case FrameKind.Prepare:
      return to.arrivals.onPrepare(from, frame);
    case FrameKind.Prepared:
      return to.moves.onPrepared(from, frame);
    case FrameKind.Decide:
      return to.arrivals.onDecide(from, frame);
    case FrameKind.Undecided:
      return to.moves.onUndecided(from, frame);
    case FrameKind.Offer:
      return to.conflicts.onOffer(from, frame);
    case FrameKind.Offered:
      return to.conflicts.onOffered(from, frame);
    case FrameKind.Farewell:
      return to.drain.onFarewell(from);
    case FrameKind.LastWord:
      return to.drain.onLastWord(from);
  }
}
